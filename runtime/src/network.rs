//! Which network a container has: none, the host's or another container's; bridges come later.

use containers::{Config, HostConfig};

/// Wishes that contradict each other. The words are dockerd's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The name is the host's.
    #[error("conflicting options: hostname and the UTS mode")]
    UtsHostname,
    /// On the host's network nothing is linked.
    #[error(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior"
    )]
    HostLinks,
    /// The name is the other container's.
    #[error("conflicting options: hostname and the network mode")]
    Hostname,
    /// Links are the other container's.
    #[error(
        "conflicting options: container type network can't be used with links. This would result in undefined behavior"
    )]
    Links,
    /// So are name servers.
    #[error("conflicting options: dns and the network mode")]
    Dns,
    /// So is `/etc/hosts`.
    #[error("conflicting options: custom host-to-IP mapping and the network mode")]
    Hosts,
    /// So are the devices.
    #[error("conflicting options: mac-address and the network mode")]
    MacAddress,
    /// So are the ports.
    #[error("conflicting options: port publishing and the container type network mode")]
    Publish,
    /// So are the ports.
    #[error("conflicting options: port exposing and the container type network mode")]
    Expose,
}

/// What cannot be wished for together with the network (moby 20.10, runconfig/hostconfig_unix.go
/// `validateNetMode`).
///
/// # Errors
/// [`Conflict`], the first.
pub fn check(config: &Config, host: &HostConfig) -> Result<(), Conflict> {
    let (joined, hosts) = (is_container(&host.network_mode), host.network_mode == "host");
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let publishes = host.publish_all_ports || host.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty());
    let exposes = config.exposed_ports.as_ref().is_some_and(|ports| !ports.is_empty());
    let wrong = [
        (joined && !config.hostname.is_empty(), Conflict::Hostname),
        (joined && some(&host.links), Conflict::Links),
        (joined && some(&host.dns), Conflict::Dns),
        (joined && some(&host.extra_hosts), Conflict::Hosts),
        ((joined || hosts) && !config.mac_address.is_empty(), Conflict::MacAddress),
        (joined && publishes, Conflict::Publish),
        (joined && exposes, Conflict::Expose),
        (host.uts_mode == "host" && !config.hostname.is_empty(), Conflict::UtsHostname),
        (hosts && some(&host.links), Conflict::HostLinks),
    ];
    wrong.into_iter().find(|(is, _)| *is).map_or(Ok(()), |(_, conflict)| Err(conflict))
}

/// A network that we cannot give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the network {0} cannot be used yet: only --network none, host and container:NAME can")]
pub struct UnknownNetwork(pub String);

/// A container published ports, which need a bridge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it publishes ports on a bridge network, which cannot be used yet: only --network none, host and container:NAME can"
)]
pub struct NeedsBridge;

/// What a container's network namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own, with a loopback device only.
    Own,
    /// The host's.
    Host,
    /// Another container's.
    Joined,
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
        mode if is_container(mode) => Ok(Network::Joined),
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
        mode if is_container(mode) => Ok(Network::Joined),
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

/// Whether this is `container:…`.
pub fn is_container(mode: &str) -> bool {
    mode.starts_with("container:")
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
        for mode in ["bridge", "mynet"] {
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
