//! `NetworkSettings`: which networks the container is on, and what it got there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::go_object::go_object;

go_object! {
    /// Which networks the container is on (moby 20.10, daemon/network/settings.go).
    pub struct NetworkSettings {
        /// Unused.
        pub bridge: String = "Bridge",
        /// 64 hex digits while it runs.
        pub sandbox_id: String = "SandboxID",
        /// Unused.
        pub hairpin_mode: bool = "HairpinMode",
        /// Unused.
        pub link_local_ipv6_address: String = "LinkLocalIPv6Address",
        /// Unused.
        pub link_local_ipv6_prefix_len: i64 = "LinkLocalIPv6PrefixLen",
        /// By the network's name; `none` and `host` count as networks.
        pub networks: Option<BTreeMap<String, Endpoint>> = "Networks",
        /// Swarm's.
        pub service: Option<Value> = "Service",
        /// Where exposed ports are reachable while it runs.
        pub ports: Option<PortMap> = "Ports",
        /// The network namespace's bind mount.
        pub sandbox_key: String = "SandboxKey",
        /// Further addresses on the bridge.
        pub secondary_ip_addresses: Option<Vec<Value>> = "SecondaryIPAddresses",
        /// Further addresses on the bridge.
        pub secondary_ipv6_addresses: Option<Vec<Value>> = "SecondaryIPv6Addresses",
        /// Whether the name was made up, so that it is no DNS name. Gone in 25.0.
        pub is_anonymous_endpoint: bool = "IsAnonymousEndpoint",
        /// Swarm's.
        pub has_swarm_endpoint: bool = "HasSwarmEndpoint",
    }

    /// A container's place on one network. `{}` makes dockerd panic at start (20.10 to 29), so
    /// `NetworkID` is always written.
    pub struct Endpoint {
        /// Addresses the user asked for.
        pub ipam_config: Option<IpamConfig> = "IPAMConfig",
        /// `CONTAINER:ALIAS`.
        pub links: Option<Vec<String>> = "Links",
        /// Further DNS names.
        pub aliases: Option<Vec<String>> = "Aliases",
        /// 64 hex digits, from the first start on.
        pub network_id: String = "NetworkID" always,
        /// 64 hex digits while it runs.
        pub endpoint_id: String = "EndpointID",
        /// The default route.
        pub gateway: String = "Gateway",
        /// Without the prefix length.
        pub ip_address: String = "IPAddress",
        /// Of `ip_address`.
        pub ip_prefix_len: i64 = "IPPrefixLen",
        /// The default route of IPv6.
        pub ipv6_gateway: String = "IPv6Gateway",
        /// Without the prefix length.
        pub global_ipv6_address: String = "GlobalIPv6Address",
        /// Of `global_ipv6_address`.
        pub global_ipv6_prefix_len: i64 = "GlobalIPv6PrefixLen",
        /// `02:42:…`.
        pub mac_address: String = "MacAddress",
        /// Options for the network's driver.
        pub driver_opts: Option<BTreeMap<String, String>> = "DriverOpts",
        /// Whether the addresses came from the address manager, not the user.
        pub ipam_operational: bool = "IPAMOperational",
    }

    /// Addresses the user asked for.
    pub struct IpamConfig {
        /// `--ip`.
        pub ipv4_address: String = "IPv4Address" omit,
        /// `--ip6`.
        pub ipv6_address: String = "IPv6Address" omit,
        /// `--link-local-ip`.
        pub link_local_ips: Option<Vec<String>> = "LinkLocalIPs" omit,
    }

    /// A port of the host.
    pub struct PortBinding {
        /// Empty for all addresses.
        pub host_ip: String = "HostIp",
        /// Empty for any free one, `8000-8010` for any of these.
        pub host_port: String = "HostPort",
    }
}

/// Ports of the host by the container's port, `80/tcp`; none means exposed only.
pub type PortMap = BTreeMap<String, Option<Vec<PortBinding>>>;
