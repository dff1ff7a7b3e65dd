//! Wishes that cannot be had beside a container's network. Pure.

use containers::{Config, HostConfig};

use super::is_container;

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
