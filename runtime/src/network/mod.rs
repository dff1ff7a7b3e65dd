//! Which network a container has: none, the host's, another container's, or bridges.

mod attached;
mod conflict;
mod connect;
mod list;
mod settings;

use containers::HostConfig;
use networks::{Netavark, NetworkError};

pub(crate) use self::{
    attached::Attached,
    settings::{note_end, note_start},
};
pub use self::{
    conflict::{Conflict, check},
    connect::{ConnectFailure, connect, disconnect},
    list::{BadNetworkFilter, Listed, NetworkFailure, NetworkFilters, create, list, prune, remove},
};
use crate::home::Home;

/// A network that we cannot give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the network {0} cannot be used without bridge networks: only --network none, host and container:NAME can")]
pub struct UnknownNetwork(pub String);

/// A container published ports, which need a bridge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it publishes ports on a bridge network, and there are none here")]
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
    /// Its own, with devices on bridges.
    Bridge,
}

/// Said when a container gets less than docker would give it.
pub const LOOPBACK_ONLY: &str =
    "no bridge network: the container has its loopback device only (--network none says so without this warning)";

/// Why a container cannot have the network that it wants.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A network that we cannot give.
    #[error(transparent)]
    Unknown(#[from] UnknownNetwork),
    /// Ports on a bridge.
    #[error(transparent)]
    NeedsBridge(#[from] NeedsBridge),
    /// What makes bridges is not there.
    #[error(transparent)]
    NoNetavark(#[from] NetworkError),
}

/// The network of a new container. Where there are no bridges, one without a wish is on `none`, with a
/// warning; that is recorded, so that dockerd, too, gives it no other.
///
/// # Errors
/// [`Unusable`].
pub fn choose(home: &Home, host: &mut HostConfig, warnings: &mut Vec<String>) -> Result<Network, Unusable> {
    let network = find(home, host, warnings)?;
    if network == Network::Own {
        "none".clone_into(&mut host.network_mode);
    }
    Ok(network)
}

/// The network of a container that is there. One that dockerd made on its default bridge runs
/// without it where there are none, with a warning; if it publishes ports, running without them is not
/// what it is for.
///
/// # Errors
/// [`Unusable`].
pub fn of_existing(home: &Home, host: &HostConfig, warnings: &mut Vec<String>) -> Result<Network, Unusable> {
    find(home, host, warnings)
}

fn find(home: &Home, host: &HostConfig, warnings: &mut Vec<String>) -> Result<Network, Unusable> {
    let mode = host.network_mode.as_str();
    let bridges = home.bridge() && Netavark::find().is_some();
    match mode {
        "none" => Ok(Network::Own),
        "host" => Ok(Network::Host),
        _ if is_container(mode) => Ok(Network::Joined),
        _ if bridges => Ok(Network::Bridge),
        "" | "default" => {
            let ports = host.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty());
            match ports || host.publish_all_ports {
                true if home.bridge() => Err(NetworkError::NoNetavark.into()),
                true => Err(NeedsBridge.into()),
                false => {
                    let hint = format!("; bridges need netavark (Debian: apt install {})", networks::PACKAGE);
                    warnings.push(format!("{LOOPBACK_ONLY}{}", if home.bridge() { hint.as_str() } else { "" }));
                    Ok(Network::Own)
                }
            }
        }
        _ if home.bridge() => Err(NetworkError::NoNetavark.into()),
        other => Err(UnknownNetwork(other.to_owned()).into()),
    }
}

/// The name under which a container's network is recorded (moby 20.10, container_operations.go
/// `updateContainerNetworkSettings`).
pub fn recorded(host: &HostConfig) -> &str {
    match host.network_mode.as_str() {
        "" | "default" => "bridge",
        mode => mode,
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

    /// A home without bridges.
    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let options = crate::HomeOptions { data_root: Some(dir.path().join("root")), ..crate::HomeOptions::default() };
        let home = Home::open(options).expect("a home");
        (dir, home)
    }

    #[test]
    fn a_new_container_without_a_wish_is_recorded_as_none_with_a_warning() {
        let (mut asked, mut warnings) = (host("default"), Vec::new());
        assert_eq!(choose(&home().1, &mut asked, &mut warnings).expect("none"), Network::Own);
        assert_eq!((asked.network_mode.as_str(), warnings.len()), ("none", 1));
    }

    #[test]
    fn networks_that_need_a_bridge_are_refused_by_name() {
        for mode in ["bridge", "mynet"] {
            let words = choose(&home().1, &mut host(mode), &mut vec![]).expect_err("no bridge").to_string();
            assert!(words.starts_with(&format!("the network {mode} cannot be used")), "{words}");
        }
    }

    #[test]
    fn a_container_of_dockerds_bridge_runs_without_it_unless_it_publishes_ports() {
        let (_dir, home) = home();
        let mut warnings = Vec::new();
        assert_eq!(of_existing(&home, &host("default"), &mut warnings).expect("alone"), Network::Own);
        assert_eq!(warnings.len(), 1);
        let ports = Some([("80/tcp".to_owned(), None)].into());
        let publishing = HostConfig { port_bindings: ports, ..host("default") };
        assert!(matches!(of_existing(&home, &publishing, &mut warnings), Err(Unusable::NeedsBridge(_))));
        assert!(matches!(of_existing(&home, &host("mynet"), &mut warnings), Err(Unusable::Unknown(_))));
    }
}
