//! What a container's record says of its networks while it runs, and afterwards.

use containers::{
    Container, Record,
    config_v2::{Endpoint, PortBinding, PortMap},
};
use networks::{Joint, OnNetwork};

use super::is_container;

/// Notes where it is, before its process begins (moby 20.10, container_operations.go
/// `updateEndpointNetworkSettings`, `updateSandboxNetworkSettings`).
pub(crate) fn note_start(container: &mut Container, joint: Option<&Joint>) {
    let joined = is_container(&container.host_config.network_mode);
    let short = container.id.as_str().get(..12).unwrap_or_default().to_owned();
    let typed = super::recorded(&container.host_config).to_owned();
    let record = &mut container.record;
    let exposed = record.config.exposed_ports.iter().flatten().map(|(port, _)| (port.clone(), None));
    let exposed: PortMap = exposed.collect();
    let settings = &mut record.network_settings;
    // What a dockerd called the namespace it had; ours without devices has no name.
    settings.sandbox_id.clear();
    settings.sandbox_key.clear();
    let Some(joint) = joint else {
        if !joined {
            settings.ports.get_or_insert_default();
        }
        return;
    };
    settings.sandbox_id.clone_from(&joint.sandbox);
    settings.sandbox_key = joint.namespace.to_string_lossy().into_owned();
    let mut ports = exposed;
    for port in &joint.ports {
        let name = format!("{}/{}", port.container_port, port.protocol.word());
        let binding = PortBinding {
            host_ip: port.host_ip.to_string(),
            host_port: port.host_port.to_string(),
            ..PortBinding::default()
        };
        ports.entry(name).or_default().get_or_insert_default().push(binding);
    }
    settings.ports = Some(ports);
    let networks = settings.networks.get_or_insert_default();
    networks.remove("default");
    // A network may be typed by its id; on record it has its name.
    if let Some(first) = joint.networks.first().filter(|first| first.network != typed)
        && let Some(endpoint) = networks.remove(&typed)
    {
        networks.insert(first.network.clone(), endpoint);
    }
    for on in &joint.networks {
        note_place(record, on, &short);
    }
}

/// Notes a place on one network.
pub(super) fn note_place(record: &mut Record, on: &OnNetwork, short: &str) {
    let networks = record.network_settings.networks.get_or_insert_default();
    let endpoint = networks.entry(on.network.clone()).or_default();
    endpoint.network_id.clone_from(&on.id);
    endpoint.endpoint_id.clone_from(&on.endpoint);
    endpoint.gateway = on.gateway.to_string();
    endpoint.ip_address = on.address.to_string();
    endpoint.ip_prefix_len = i64::from(on.subnet.bits());
    endpoint.mac_address.clone_from(&on.mac);
    if on.network != "bridge" {
        add_names(endpoint, short, &record.config.hostname);
    }
}

/// The names that a container has on networks of one's own beside those that the user gave it (moby 20.10,
/// container_operations.go `updateNetworkConfig`).
pub(super) fn add_names(endpoint: &mut Endpoint, short: &str, hostname: &str) {
    let aliases = endpoint.aliases.get_or_insert_default();
    for name in [short, hostname] {
        if !aliases.iter().any(|alias| alias == name) {
            aliases.push(name.to_owned());
        }
    }
}

/// Forgets where it was (moby 20.10, container_operations.go `releaseNetwork`, `cleanOperationalData`).
pub(crate) fn note_end(record: &mut Record) {
    let settings = &mut record.network_settings;
    settings.ports = None;
    for endpoint in settings.networks.iter_mut().flatten().map(|(_, endpoint)| endpoint) {
        forget(endpoint);
    }
}

fn forget(endpoint: &mut Endpoint) {
    for text in [
        &mut endpoint.endpoint_id,
        &mut endpoint.gateway,
        &mut endpoint.ip_address,
        &mut endpoint.ipv6_gateway,
        &mut endpoint.global_ipv6_address,
        &mut endpoint.mac_address,
    ] {
        text.clear();
    }
    (endpoint.ip_prefix_len, endpoint.global_ipv6_prefix_len) = (0, 0);
    endpoint.ipam_operational = false;
}
