//! A container's place on bridges, from before its process begins to the moment the shim has it.

use std::net::Ipv4Addr;

use containers::{Container, HostConfig, Record, config_v2::Endpoint};
use networks::{Joint, Netavark, NetworkError, Place, Protocol, WantedPort, Wish, WishOn};

use super::{Network, recorded};
use crate::{home::Home, shim::OnNetworks};

/// A place on bridges, or none. Dropped before the shim has it, it is given up.
#[derive(Debug)]
pub(crate) struct Attached {
    place: Place,
    joint: Option<Joint>,
}

impl Attached {
    /// Puts a container on its networks, if it is to be on bridges, and notes in its record where it is.
    ///
    /// # Errors
    /// [`NetworkError`]; it is on none then.
    pub fn join(home: &Home, container: &mut Container, network: Network) -> Result<Self, NetworkError> {
        let place = home.network_place();
        let mut joint = None;
        if network == Network::Bridge {
            let (record, host) = (&container.record, &container.host_config);
            let netavark = Netavark::find().ok_or(NetworkError::NoNetavark)?;
            let ports = wanted_ports(record, host)?;
            let mac = Some(record.config.mac_address.as_str()).filter(|mac| !mac.is_empty());
            let networks = wanted_networks(home, record, host)?;
            let wish = Wish { container: &container.id, name: record.name(), networks, mac, ports: &ports };
            joint = Some(place.join(&netavark, &wish)?);
        }
        super::note_start(container, joint.as_ref());
        Ok(Self { place, joint })
    }

    /// Where it is.
    pub fn joint(&self) -> Option<&Joint> {
        self.joint.as_ref()
    }

    /// What the shim is told.
    pub fn plan(&self) -> Option<OnNetworks> {
        self.joint.as_ref().map(|joint| OnNetworks {
            place: self.place.dir().to_owned(),
            ports: joint.ports.clone(),
            blame: format!(
                "driver failed programming external connectivity on endpoint {} ({})",
                joint.name,
                joint.networks.first().map(|on| on.endpoint.as_str()).unwrap_or_default()
            ),
        })
    }

    /// From here on it is the shim's.
    pub fn hand_over(mut self) {
        self.joint = None;
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(joint) = self.joint.take() {
            // The start's own failure is the one to tell; what stays, the next start takes down.
            drop(self.place.leave(&joint.container));
        }
    }
}

/// The networks on record, that of `--network` first.
///
/// moby 20.10, container_operations.go `validateNetworkingConfig`, `updateNetworkConfig`.
fn wanted_networks(home: &Home, record: &Record, host: &HostConfig) -> Result<Vec<WishOn>, NetworkError> {
    let place = home.network_place();
    let first = recorded(host);
    let on_record = record.network_settings.networks.iter().flatten();
    // What older dockerds wrote before the first start.
    let others = on_record.clone().map(|(name, _)| name.as_str()).filter(|name| *name != first && *name != "default");
    let each = std::iter::once(first).chain(others).map(|name| {
        let network = place.find(home.data_root(), name)?;
        let endpoint = on_record.clone().find(|(on, _)| *on == name).map(|(_, endpoint)| endpoint);
        wish_on(record, network, endpoint)
    });
    each.collect()
}

/// What a container wants on a network, by what is on record.
pub(super) fn wish_on(
    record: &Record,
    network: networks::Network,
    endpoint: Option<&Endpoint>,
) -> Result<WishOn, NetworkError> {
    let ipam = endpoint.and_then(|endpoint| endpoint.ipam_config.as_ref());
    let address = ipam.map(|ipam| ipam.ipv4_address.as_str()).and_then(|text| text.parse().ok());
    // Of a subnet that the user chose the user may choose addresses.
    let chosen = network.pools.first().is_some_and(|pool| pool.chosen);
    if address.is_some() && network.is_predefined() {
        return Err(NetworkError::AddressOnDefault);
    }
    if address.is_some() && !chosen {
        return Err(NetworkError::AddressOnPool);
    }
    let mut names: Vec<String> = endpoint.and_then(|endpoint| endpoint.aliases.clone()).unwrap_or_default();
    if !names.is_empty() && network.is_predefined() {
        return Err(NetworkError::AliasOnDefault);
    }
    names.extend([record.id.get(..12).unwrap_or_default().to_owned(), record.config.hostname.clone()]);
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(WishOn { network, address, names })
}

/// What `-p` and `-P` ask for (moby 20.10, container_operations.go `buildSandboxOptions`).
fn wanted_ports(record: &Record, host: &HostConfig) -> Result<Vec<WantedPort>, NetworkError> {
    let mut wanted = Vec::new();
    for (port, bindings) in host.port_bindings.iter().flatten() {
        for binding in bindings.iter().flatten() {
            let bad = || NetworkError::Unpublishable(format!("{}:{}:{port}", binding.host_ip, binding.host_port));
            let host_ip = match binding.host_ip.as_str() {
                "" => Ipv4Addr::UNSPECIFIED,
                ip => ip.parse().map_err(|_| bad())?,
            };
            let host_ports = match binding.host_port.as_str() {
                "" | "0" => None,
                text => Some(crate::port::range(text).map_err(|_| bad())?),
            };
            let (container_port, protocol) = port_of(port).ok_or_else(bad)?;
            wanted.push(WantedPort { container_port, protocol, host_ip, host_ports });
        }
    }
    if host.publish_all_ports {
        let bound = |port: &String| host.port_bindings.as_ref().is_some_and(|ports| ports.contains_key(port));
        let exposed = record.config.exposed_ports.iter().flatten().map(|(port, _)| port);
        for port in exposed.filter(|port| !bound(port)) {
            let found = port_of(port).ok_or_else(|| NetworkError::Unpublishable(port.clone()))?;
            let (container_port, protocol) = found;
            wanted.push(WantedPort { container_port, protocol, host_ip: Ipv4Addr::UNSPECIFIED, host_ports: None });
        }
    }
    Ok(wanted)
}

/// `80/tcp`; without a protocol it is tcp.
fn port_of(text: &str) -> Option<(u16, Protocol)> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = [Protocol::Tcp, Protocol::Udp].into_iter().find(|known| known.word() == protocol)?;
    Some((port.parse().ok()?, protocol))
}
