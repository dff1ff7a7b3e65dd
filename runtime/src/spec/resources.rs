//! `linux.resources`: limits and devices.
//!
//! moby 20.10, daemon/daemon_unix.go `getMemoryResources`, `getCPUResources`, `getPidsLimit`,
//! oci/defaults.go.

use containers::HostConfig;
use serde_json::{Value, json};

use super::{Device, Throttles};

pub(super) fn resources(host: &HostConfig, devices: &[Device], throttles: &Throttles) -> Value {
    let mut resources = json!({"devices": device_rules(host, devices)});
    resources["memory"] = memory(host);
    resources["cpu"] = cpu(host);
    match host.pids_limit {
        None => {}
        Some(limit) => resources["pids"] = json!({"limit": if limit <= 0 { -1 } else { limit }}),
    }
    resources["blockIO"] = json!({"weight": host.blkio_weight});
    for (key, limits) in &throttles.0 {
        resources["blockIO"][key] = limits.as_slice().into();
    }
    resources
}

fn memory(host: &HostConfig) -> Value {
    let mut memory = json!({});
    let mut positive = |key: &str, value: i64| {
        if value > 0 {
            memory[key] = value.into();
        }
    };
    positive("limit", host.memory);
    positive("reservation", host.memory_reservation);
    positive("swap", host.memory_swap);
    positive("kernel", host.kernel_memory);
    positive("kernelTCP", host.kernel_memory_tcp);
    if let Some(swappiness) = host.memory_swappiness {
        memory["swappiness"] = swappiness.into();
    }
    if let Some(disable) = host.oom_kill_disable {
        memory["disableOOMKiller"] = disable.into();
    }
    memory
}

fn cpu(host: &HostConfig) -> Value {
    let mut cpu = json!({"shares": host.cpu_shares});
    if host.nano_cpus > 0 {
        // A share of each tenth of a second.
        cpu["quota"] = (i128::from(host.nano_cpus) * 100_000 / 1_000_000_000).try_into().unwrap_or(i64::MAX).into();
        cpu["period"] = 100_000.into();
    }
    let mut given = |key: &str, value: i64| {
        if value != 0 {
            cpu[key] = value.into();
        }
    };
    given("quota", host.cpu_quota);
    given("period", host.cpu_period);
    given("realtimeRuntime", host.cpu_realtime_runtime);
    given("realtimePeriod", host.cpu_realtime_period);
    if !host.cpuset_cpus.is_empty() {
        cpu["cpus"] = host.cpuset_cpus.as_str().into();
    }
    if !host.cpuset_mems.is_empty() {
        cpu["mems"] = host.cpuset_mems.as_str().into();
    }
    cpu
}

/// Nothing, but for zero, null, urandom, random, tty and console; and no FUSE.
fn device_rules(host: &HostConfig, devices: &[Device]) -> Vec<Value> {
    if host.privileged {
        return vec![json!({"allow": true, "access": "rwm"})];
    }
    let rule = |allow: bool, major: i64, minor: i64| json!({"allow": allow, "type": "c", "major": major, "minor": minor, "access": "rwm"});
    let mut rules = vec![json!({"allow": false, "access": "rwm"})];
    rules.extend([(1, 5), (1, 3), (1, 9), (1, 8), (5, 0), (5, 1)].map(|(major, minor)| rule(true, major, minor)));
    rules.push(rule(false, 10, 229));
    rules.extend(devices.iter().map(|device| {
        let (kind, access) = (device.kind.to_string(), device.access.as_str());
        json!({"allow": true, "type": kind, "major": device.major, "minor": device.minor, "access": access})
    }));
    rules.extend(host.device_cgroup_rules.iter().flatten().filter_map(|text| cgroup_rule(text)));
    rules
}

/// `c 1:3 rwm`, with `*` for any number.
fn cgroup_rule(text: &str) -> Option<Value> {
    let mut words = text.split_whitespace();
    let (kind, numbers, access) = (words.next()?, words.next()?, words.next()?);
    let (major, minor) = numbers.split_once(':')?;
    let number = |text: &str| if text == "*" { Some(-1) } else { text.parse::<i64>().ok() };
    Some(json!({"allow": true, "type": kind, "major": number(major)?, "minor": number(minor)?, "access": access}))
}

/// A device that the runtime makes in the container's `/dev`.
pub(super) fn device(device: &Device) -> Value {
    json!({
        "path": device.path,
        "type": device.kind.to_string(),
        "major": device.major,
        "minor": device.minor,
        "fileMode": device.mode,
        "uid": device.uid,
        "gid": device.gid,
    })
}
