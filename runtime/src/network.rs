//! Which network a container has: none or the host's; bridges come later.

use containers::HostConfig;

/// A network that we cannot give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the network {0} cannot be used yet: only --network none and --network host can")]
pub struct UnknownNetwork(pub String);

/// A container published ports, which need a bridge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it publishes ports on a bridge network, which cannot be used yet: only --network none and --network host can")]
pub struct NeedsBridge;

/// What a container's network namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own, with a loopback device only.
    Own,
    /// The host's.
    Host,
}

/// Said when a container gets less than docker would give it.
pub const LOOPBACK_ONLY: &str =
    "no bridge network yet: the container has its loopback device only (--network none says so without this warning)";

/// The network of a new container. Without a wish it is `none`, with a warning; that is recorded,
/// so that dockerd, too, gives it no other.
///
/// # Errors
/// For any other network.
pub fn choose(host: &mut HostConfig, warnings: &mut Vec<String>) -> Result<Network, UnknownNetwork> {
    match host.network_mode.as_str() {
        "none" => Ok(Network::Own),
        "host" => Ok(Network::Host),
        "" | "default" => {
            "none".clone_into(&mut host.network_mode);
            warnings.push(LOOPBACK_ONLY.to_owned());
            Ok(Network::Own)
        }
        other => Err(UnknownNetwork(other.to_owned())),
    }
}

/// Why a container of dockerd's cannot be started with the network it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A network that we cannot give.
    #[error(transparent)]
    Unknown(#[from] UnknownNetwork),
    /// Ports on a bridge.
    #[error(transparent)]
    NeedsBridge(#[from] NeedsBridge),
}

/// The network of a container that is there. One that dockerd made on its default bridge runs
/// without it, with a warning; if it publishes ports, running without them is not what it is for.
///
/// # Errors
/// [`Unusable`].
pub fn of_existing(host: &HostConfig, warnings: &mut Vec<String>) -> Result<Network, Unusable> {
    match host.network_mode.as_str() {
        "none" => Ok(Network::Own),
        "host" => Ok(Network::Host),
        "" | "default" | "bridge" => {
            let ports = host.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty());
            if ports || host.publish_all_ports {
                return Err(NeedsBridge.into());
            }
            warnings.push(LOOPBACK_ONLY.to_owned());
            Ok(Network::Own)
        }
        other => Err(UnknownNetwork(other.to_owned()).into()),
    }
}

/// The host's name.
pub fn host_name() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(mode: &str) -> HostConfig {
        HostConfig { network_mode: mode.to_owned(), ..HostConfig::new() }
    }

    #[test]
    fn a_new_container_without_a_wish_is_recorded_as_none_with_a_warning() {
        let (mut asked, mut warnings) = (host("default"), Vec::new());
        assert_eq!(choose(&mut asked, &mut warnings), Ok(Network::Own));
        assert_eq!((asked.network_mode.as_str(), warnings.len()), ("none", 1));
    }

    #[test]
    fn other_networks_are_refused_by_name() {
        for mode in ["bridge", "mynet", "container:web"] {
            assert_eq!(choose(&mut host(mode), &mut vec![]), Err(UnknownNetwork(mode.to_owned())));
        }
    }

    #[test]
    fn a_container_of_dockerds_bridge_runs_without_it_unless_it_publishes_ports() {
        let mut warnings = Vec::new();
        assert_eq!(of_existing(&host("default"), &mut warnings), Ok(Network::Own));
        assert_eq!(warnings.len(), 1);
        let ports = Some([("80/tcp".to_owned(), None)].into());
        let publishing = HostConfig { port_bindings: ports, ..host("default") };
        assert_eq!(of_existing(&publishing, &mut warnings), Err(NeedsBridge.into()));
        assert!(matches!(of_existing(&host("mynet"), &mut warnings), Err(Unusable::Unknown(_))));
    }
}
