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
    /// Whether nobody outside is reached.
    pub internal: bool,
    /// Names by which the others on it find the container; none on the default bridge.
    pub names: Option<Vec<String>>,
}

impl Joint {
    /// What netavark is told to set up, and later the same to take down.
    pub fn request(&self) -> Value {
        let networks = self.networks.iter().enumerate().map(|(number, on)| {
            let place = json!({
                "static_ips": [on.address],
                "static_mac": on.mac,
                "interface_name": format!("eth{number}"),
                "aliases": on.names.as_deref().unwrap_or_default(),
            });
            (on.network.clone(), place)
        });
        let infos = self.networks.iter().map(|on| {
            let info = json!({
                "name": on.network,
                "id": on.id,
                "driver": "bridge",
                "network_interface": on.bridge,
                "subnets": [{"subnet": on.subnet, "gateway": on.gateway}],
                "ipv6_enabled": false,
                "internal": on.internal,
                "dns_enabled": on.names.is_some(),
                "ipam_options": {"driver": "host-local"},
            });
            (on.network.clone(), info)
        });
        let ports = self.ports.iter().map(|port| {
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
