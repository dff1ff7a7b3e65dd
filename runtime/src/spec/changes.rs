//! What is said otherwise than dockerd would say it, each change with its reason. What else
//! libcontainer does wrongly, the shim takes out of what it is told.

use containers::HostConfig;
use serde_json::Value;

use crate::user::User;

/// Changes dockerd's spec to the one our shim is given.
pub fn for_libcontainer(spec: &mut Value, host: &HostConfig, id: &str, user: &User) {
    own_cgroup(spec, host, id);
    if host.network_mode == "host" {
        host_network_is_no_namespace(spec);
    }
    unset_zeroes(spec);
    home(&mut spec["process"], user);
}

/// dockerd's containers are in `/docker`; ours are in a cgroup of our own, so that nobody takes
/// one for the other's.
fn own_cgroup(spec: &mut Value, host: &HostConfig, id: &str) {
    spec["linux"]["cgroupsPath"] = super::cgroups_path(host, id, "/minidock").into();
}

/// dockerd's name for the host's network is in its exec root. Ours needs no name: a container
/// without a network namespace has the host's.
fn host_network_is_no_namespace(spec: &mut Value) {
    let namespaces = spec["linux"]["namespaces"].as_array_mut();
    if let Some(namespaces) = namespaces {
        namespaces.retain(|namespace| namespace["type"] != "network" || namespace.get("path").is_none());
    }
}

/// dockerd's zeroes mean "not set", and runc takes them so; libcontainer would write them.
fn unset_zeroes(spec: &mut Value) {
    let resources = &mut spec["linux"]["resources"];
    for (part, key) in [("cpu", "shares"), ("blockIO", "weight")] {
        if resources[part][key] == 0
            && let Some(part) = resources[part].as_object_mut()
        {
            part.shift_remove(key);
        }
    }
    if let Some(resources) = resources.as_object_mut() {
        resources.retain(|_, part| part.as_object().is_none_or(|part| !part.is_empty()));
    }
    // Without a memory limit, "do not disable the OOM killer" is how it is anyway; cgroup v2 has
    // no such switch.
    if let Some(memory) = resources["memory"].as_object_mut() {
        if memory.get("disableOOMKiller") == Some(&Value::Bool(false)) {
            memory.shift_remove("disableOOMKiller");
        }
        if memory.is_empty()
            && let Some(resources) = resources.as_object_mut()
        {
            resources.shift_remove("memory");
        }
    }
}

/// runc looks HOME up in the container's passwd. libcontainer would do it through the C library,
/// which runs what the image's nsswitch.conf names; so it is there already.
pub(crate) fn home(process: &mut Value, user: &User) {
    let mut env: Vec<Value> = process["env"].as_array().cloned().unwrap_or_default();
    let set = |entry: &Value| entry.as_str().is_some_and(|text| text.starts_with("HOME=") && text != "HOME=");
    if !env.iter().any(set) {
        env.retain(|entry| entry != "HOME=");
        env.push(format!("HOME={}", user.home).into());
    }
    process["env"] = env.into();
}
