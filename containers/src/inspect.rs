//! What `docker inspect CONTAINER` of 20.10.24 says: the API's object, in its key order.
//!
//! moby 20.10, daemon/inspect.go `ContainerInspectCurrent`. Most of it stands in the two files;
//! what does not comes in [`Facts`]. A record of another version is shown in this shape too:
//! missing fields as zero, foreign ones not at all, as a dockerd 20.10.24 that took it over would.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Container, HostConfig, State,
    config_v2::{Endpoint, MountPoint, NetworkSettings},
    go_object::GoValue,
};

/// What inspect tells and the container's files do not.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The driver's own words: `LowerDir`, `MergedDir`, …; none for a dead container's, null.
    pub graph_driver: Option<BTreeMap<String, String>>,
    /// Where each existing volume's files are, by its name.
    pub volumes: BTreeMap<String, String>,
    /// Of what runs by `exec` just now.
    pub exec_ids: Vec<String>,
    /// `--link`s as `/child:/parent/alias`.
    pub links: Option<Vec<String>>,
    /// `--size`.
    pub sizes: Option<Sizes>,
}

/// What a container takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Its own layer; -1 when unknown.
    pub rw: i64,
    /// Its own and all below.
    pub root_fs: i64,
}

/// The API's object.
pub fn inspect(container: &Container, facts: &Facts) -> Value {
    let record = &container.record;
    let mut object = object(json!({
        "Id": record.id,
        "Created": record.created,
        "Path": record.path,
        "Args": record.args,
        "State": state(&record.state),
        "Image": record.image,
        "ResolvConfPath": record.resolv_conf_path,
        "HostnamePath": record.hostname_path,
        "HostsPath": record.hosts_path,
        "LogPath": record.log_path,
        "Name": record.stored_name,
        "RestartCount": record.restart_count,
        "Driver": record.driver,
        "Platform": if record.os.is_empty() { "linux" } else { &record.os },
        "MountLabel": record.mount_label,
        "ProcessLabel": record.process_label,
        "AppArmorProfile": record.app_armor_profile,
        "ExecIDs": (!facts.exec_ids.is_empty()).then_some(&facts.exec_ids),
        "HostConfig": host_config(&container.host_config, facts),
        "GraphDriver": { "Data": facts.graph_driver, "Name": record.driver },
    }));
    if let Some(sizes) = facts.sizes {
        object.insert("SizeRw".to_owned(), json!(sizes.rw));
        object.insert("SizeRootFs".to_owned(), json!(sizes.root_fs));
    }
    let mounts = record.mounts().map(|point| mount(point, facts)).collect();
    object.insert("Mounts".to_owned(), Value::Array(mounts));
    object.insert("Config".to_owned(), declared(&record.config));
    object.insert("NetworkSettings".to_owned(), network_settings(&record.network_settings));
    Value::Object(object)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// As 20.10.24 declares it, whatever version wrote it.
fn declared<T: GoValue + Clone + serde::Serialize>(value: &T) -> Value {
    let mut value = value.clone();
    value.forget_spelling();
    serde_json::to_value(value).expect("objects of a record have string keys only")
}

fn state(state: &State) -> Value {
    let mut object = object(json!({
        "Status": state.word(),
        "Running": state.running,
        "Paused": state.paused,
        "Restarting": state.restarting,
        "OOMKilled": state.oom_killed,
        "Dead": state.dead,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started_at,
        "FinishedAt": state.finished_at,
    }));
    if let Some(health) = &state.health {
        let log: Vec<_> = health.log.iter().flatten().map(declared).collect();
        let told = json!({ "Status": health.word(), "FailingStreak": health.failing_streak, "Log": log });
        object.insert("Health".to_owned(), told);
    }
    Value::Object(object)
}

fn host_config(stored: &HostConfig, facts: &Facts) -> Value {
    let mut shown = stored.clone();
    shown.links.clone_from(&facts.links);
    // moby 20.10, container_unix.go InitDNSHostConfig, at each load.
    for list in [&mut shown.dns, &mut shown.dns_options, &mut shown.dns_search] {
        list.get_or_insert_default();
    }
    declared(&shown)
}

/// moby 20.10, container_unix.go `GetMountPoints`; there in the order of a Go map, by chance.
fn mount(point: &MountPoint, facts: &Facts) -> Value {
    let source = point.volume().and_then(|name| facts.volumes.get(name)).unwrap_or(&point.source);
    let said = [
        ("Type", point.kind.as_str(), true),
        ("Name", &point.name, true),
        ("Source", source, false),
        ("Destination", &point.destination, false),
        ("Driver", &point.driver, true),
        ("Mode", &point.mode, false),
    ];
    let mut object = Map::new();
    for (key, value, omit) in said {
        if !(omit && value.is_empty()) {
            object.insert(key.to_owned(), json!(value));
        }
    }
    object.insert("RW".to_owned(), json!(point.rw));
    object.insert("Propagation".to_owned(), json!(point.propagation));
    Value::Object(object)
}

fn network_settings(settings: &NetworkSettings) -> Value {
    let networks: BTreeMap<_, _> = settings.networks.iter().flatten().collect();
    let none = Endpoint::default();
    let bridge = settings.networks.as_ref().and_then(|networks| networks.get("bridge")).unwrap_or(&none);
    let shown: Map<String, Value> = networks.iter().map(|(name, on)| ((*name).clone(), endpoint(on))).collect();
    let ports: Map<String, Value> = settings
        .ports
        .iter()
        .flatten()
        .map(|(port, bindings)| {
            (port.clone(), bindings.as_ref().map_or(Value::Null, |list| list.iter().map(declared).collect()))
        })
        .collect();
    json!({
        "Bridge": settings.bridge,
        "SandboxID": settings.sandbox_id,
        "HairpinMode": settings.hairpin_mode,
        "LinkLocalIPv6Address": settings.link_local_ipv6_address,
        "LinkLocalIPv6PrefixLen": settings.link_local_ipv6_prefix_len,
        "Ports": ports,
        "SandboxKey": settings.sandbox_key,
        "SecondaryIPAddresses": settings.secondary_ip_addresses,
        "SecondaryIPv6Addresses": settings.secondary_ipv6_addresses,
        "EndpointID": bridge.endpoint_id,
        "Gateway": bridge.gateway,
        "GlobalIPv6Address": bridge.global_ipv6_address,
        "GlobalIPv6PrefixLen": bridge.global_ipv6_prefix_len,
        "IPAddress": bridge.ip_address,
        "IPPrefixLen": bridge.ip_prefix_len,
        "IPv6Gateway": bridge.ipv6_gateway,
        "MacAddress": bridge.mac_address,
        "Networks": shown,
    })
}

/// As stored, but for what the API does not know.
fn endpoint(stored: &Endpoint) -> Value {
    let mut shown = object(declared(stored));
    shown.shift_remove("IPAMOperational");
    Value::Object(shown)
}
