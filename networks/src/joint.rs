//! A container's place on its networks, as long as it runs: a file of JSON in the exec root.

use std::{net::Ipv4Addr, path::PathBuf};

use base::ContainerId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ports::Published, subnet::Subnet};

/// Where a container is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joint {
    /// Which container.
    pub container: ContainerId,
    /// Its name.
    pub name: String,
    /// Docker's id of the network namespace, 64 hex digits.
    pub sandbox: String,
    /// Where the namespace is mounted.
    pub namespace: PathBuf,
    /// The networks, the one with the default route first.
    pub networks: Vec<OnNetwork>,
    /// Ports of the host that lead to it.
    pub ports: Vec<Published>,
}

/// A container's place on one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnNetwork {
    /// The network's name.
    pub network: String,
    /// Its id.
    pub id: String,
    /// Docker's id of this place, 64 hex digits.
    pub endpoint: String,
    /// The device of the host.
    pub bridge: String,
    /// The network's addresses.
    pub subnet: Subnet,
    /// The bridge's own.
    pub gateway: Ipv4Addr,
    /// The container's.
    pub address: Ipv4Addr,
    /// The container's device has it.
    pub mac: String,
    /// Its device in the container.
    pub device: String,
    /// Whether nobody outside is reached by it.
    pub internal: bool,
    /// Whether the default route and the published ports lead through it: through one at most.
    pub outside: bool,
    /// Names by which the others on it find the container; none on the default bridge.
    pub names: Option<Vec<String>>,
}

impl Joint {
    /// Chooses the network by which outside is reached, if none is: of those that lead there the first by
    /// name (moby 20.10, libnetwork sandbox.go `Less`). Whether one was chosen.
    pub(crate) fn choose_outside(&mut self) -> bool {
        if self.networks.iter().any(|on| on.outside) {
            return false;
        }
        let leading = self.networks.iter_mut().filter(|on| !on.internal);
        match leading.min_by(|one, other| one.network.cmp(&other.network)) {
            Some(on) => {
                on.outside = true;
                true
            }
            None => false,
        }
    }

    /// What netavark is told to set up, and later the same to take down, of one network.
    pub(crate) fn request(&self, only: &str) -> Value {
        let chosen = || self.networks.iter().filter(|on| on.id == only);
        let networks = chosen().map(|on| {
            let place = json!({
                "static_ips": [on.address],
                "static_mac": on.mac,
                "interface_name": on.device,
                "aliases": on.names.as_deref().unwrap_or_default(),
            });
            (on.network.clone(), place)
        });
        let infos = chosen().map(|on| {
            let info = json!({
                "name": on.network,
                "id": on.id,
                "driver": "bridge",
                "network_interface": on.bridge,
                "subnets": [{"subnet": on.subnet, "gateway": on.gateway}],
                "ipv6_enabled": false,
                // Such a one gets no default route: two would be in each other's way.
                "internal": !on.outside,
                "dns_enabled": on.names.is_some(),
                "ipam_options": {"driver": "host-local"},
            });
            (on.network.clone(), info)
        });
        let ports = self.ports.iter().filter(|_| chosen().any(|on| on.outside)).map(|port| {
            json!({
                "host_ip": if port.host_ip.is_unspecified() { String::new() } else { port.host_ip.to_string() },
                "container_port": port.container_port,
                "host_port": port.host_port,
                "range": 1,
                "protocol": port.protocol,
            })
        });
        json!({
            "container_id": self.container,
            "container_name": self.name,
            "networks": networks.collect::<serde_json::Map<_, _>>(),
            "network_info": infos.collect::<serde_json::Map<_, _>>(),
            "port_mappings": ports.collect::<Vec<_>>(),
        })
    }
}
