//! What a network is.

use std::{collections::BTreeMap, net::Ipv4Addr};

use base::{Digest, Time};
use serde::{Deserialize, Serialize};

use crate::subnet::Subnet;

/// A network, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// 64 hex digits.
    pub id: String,
    /// Docker's name for it.
    pub name: String,
    /// When it was made; of those that are there without a dockerd nobody knows.
    pub created: Time,
    /// `bridge`, `host`, `null`, or one that we have not.
    pub driver: String,
    /// `local`.
    pub scope: String,
    /// Whether it has IPv6.
    pub ipv6: bool,
    /// Whether nobody outside is reached from it.
    pub internal: bool,
    /// Swarm's.
    pub attachable: bool,
    /// Swarm's.
    pub ingress: bool,
    /// What was asked for, and what was given: of each pool.
    pub pools: Vec<Pool>,
    /// The address manager's options; `None` for null.
    pub ipam_options: Option<BTreeMap<String, String>>,
    /// For the driver.
    pub options: BTreeMap<String, String>,
    /// The user's.
    pub labels: BTreeMap<String, String>,
}

/// Addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// All of them.
    pub subnet: Subnet,
    /// Those that containers are given.
    pub range: Option<Subnet>,
    /// The one of the bridge, if known.
    pub gateway: Option<Ipv4Addr>,
    /// Whether the user chose the subnet.
    pub chosen: bool,
    /// Whether inspect says the gateway: of the default bridge a dockerd does not after its start.
    pub shows_gateway: bool,
}

/// What the default bridge's options are (moby 20.10, daemon_unix.go `initBridgeDriver`).
const BRIDGE_OPTIONS: [(&str, &str); 6] = [
    ("com.docker.network.bridge.default_bridge", "true"),
    ("com.docker.network.bridge.enable_icc", "true"),
    ("com.docker.network.bridge.enable_ip_masquerade", "true"),
    ("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"),
    (Network::BRIDGE_NAME, "docker0"),
    ("com.docker.network.driver.mtu", "1500"),
];

impl Network {
    /// The option that names the device.
    pub const BRIDGE_NAME: &'static str = "com.docker.network.bridge.name";

    /// Those a dockerd makes at its first start: `bridge`, `host` and `none`. Where none has been,
    /// their ids are made of the data root's path, so that they stay the same.
    pub fn predefined(data_root: &std::path::Path) -> Vec<Self> {
        let id = |name: &str| Digest::of(format!("{}\0{name}", data_root.display()).as_bytes()).hex().to_string();
        let plain = |name: &str, driver: &str| Self {
            id: id(name),
            name: name.to_owned(),
            created: Time::NEVER,
            driver: driver.to_owned(),
            scope: "local".to_owned(),
            ipv6: false,
            internal: false,
            attachable: false,
            ingress: false,
            pools: Vec::new(),
            ipam_options: None,
            options: BTreeMap::new(),
            labels: BTreeMap::new(),
        };
        let subnet = Subnet::around(Ipv4Addr::new(172, 17, 0, 0), 16);
        let bridge = Self {
            pools: vec![Pool { subnet, range: None, gateway: Some(subnet.at(1)), chosen: false, shows_gateway: false }],
            options: BRIDGE_OPTIONS.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            ..plain("bridge", "bridge")
        };
        vec![bridge, plain("host", "host"), plain("none", "null")]
    }

    /// Whether it is one of those that are always there.
    pub fn is_predefined(&self) -> bool {
        ["bridge", "host", "none"].contains(&self.name.as_str())
    }

    /// The device of its bridge (moby 20.10, libnetwork bridge.go `parseNetworkOptions`).
    pub fn device(&self) -> String {
        let named = self.options.get(Self::BRIDGE_NAME).filter(|name| !name.is_empty());
        named.cloned().unwrap_or_else(|| format!("br-{}", self.short_id()))
    }

    /// The first 12 digits of its id.
    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}
