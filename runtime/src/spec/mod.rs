//! The OCI spec of a container, as dockerd 20.10.24 would hand it to runc. Pure.
//!
//! [`build`] gives dockerd's own JSON, key order included, so that it can be compared with the
//! real one; [`for_libcontainer`] then changes what libcontainer needs otherwise, and says why.
//!
//! It is JSON and not `oci-spec`'s types: their builders put in what dockerd leaves out
//! (`noNewPrivileges: true`, a limit of 1024 files, inheritable capabilities).

mod changes;
mod env;
mod mounts;
mod process;
mod resources;

use std::path::{Path, PathBuf};

use containers::{HostConfig, Record};
use serde_json::{Value, json};

pub use self::{
    changes::for_libcontainer,
    mounts::{Bind, network_file},
    process::{ProcessPlan, process},
};
pub(crate) use self::{
    changes::home,
    process::{capability_sets, with_env, with_terminal},
};
use crate::{caps::UnknownCapability, seccomp, user::User};

/// Why there can be no spec for a container.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// `--cap-add` or `--cap-drop`.
    #[error(transparent)]
    Capability(#[from] UnknownCapability),
    /// `--tmpfs`. The words are dockerd's.
    #[error("Invalid tmpfs option [\"{0}\" ]")]
    Tmpfs(String),
    /// `--ipc`.
    #[error("Invalid IPC mode: {0}")]
    Ipc(String),
    /// `--security-opt seccomp=FILE`. The words are dockerd's.
    #[error("Decoding seccomp profile failed: {0}")]
    Seccomp(String),
}

/// All a spec depends on.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The container.
    pub record: &'a Record,
    /// Its host config.
    pub host: &'a HostConfig,
    /// Where its files are seen as one.
    pub rootfs: &'a Path,
    /// Who its process is.
    pub user: &'a User,
    /// Volumes and binds, and the files for `/etc/hosts` and its like, each ready on the host.
    pub binds: &'a [Bind],
    /// What `/dev/shm` is, if other containers may share it.
    pub shm: Option<&'a Path>,
    /// `--device`s, looked up on the host; of a privileged container all that the host has.
    pub devices: &'a [Device],
    /// Limits on block devices, looked up on the host.
    pub throttles: &'a Throttles,
    /// Where the process finds others' namespaces, by kind: `pid`.
    pub joined: &'a [(&'static str, PathBuf)],
    /// Where docker's init is on the host, if the container is to have it.
    pub init: Option<&'a Path>,
    /// Sysctls that this kernel has, of those every container with its own network gets.
    pub network_sysctls: &'a [(&'static str, &'static str)],
    /// AppArmor's profile for it, if the host has AppArmor.
    pub apparmor: Option<&'a str>,
    /// Version of the kernel: a rule of the default seccomp profile depends on it.
    pub kernel: (u32, u32),
}

/// A device of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Where the container sees it.
    pub path: PathBuf,
    /// `c` or `b`.
    pub kind: char,
    /// Device number.
    pub major: i64,
    /// Device number.
    pub minor: i64,
    /// Permission bits, without the kind.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Of `rwm`.
    pub access: String,
}

/// Limits on block devices: numbers in place of paths, in OCI's own JSON, by OCI's key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Throttles(pub Vec<(&'static str, Vec<Value>)>);

/// Where the container sees docker's init (moby 20.10, oci_linux.go `inContainerInitPath`).
pub const INIT_INSIDE: &str = "/sbin/docker-init";

/// Sysctls that make up for capabilities a container's root has anyway: every user of it may
/// ping and open low ports (moby 20.10, oci_linux.go `WithCommonOptions`).
pub const NETWORK_SYSCTLS: [(&str, &str); 2] =
    [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647")];

/// dockerd's spec, but for the hook by which it gets hold of the network namespace.
///
/// # Errors
/// [`SpecError`] for what dockerd would refuse, too.
pub fn build(plan: &Plan<'_>) -> Result<Value, SpecError> {
    let Plan { record, host, .. } = plan;
    let own = std::iter::once(&record.path).chain(record.args.iter().flatten()).cloned();
    let init = plan.init.map(|_| [INIT_INSIDE.to_owned(), "--".to_owned()]);
    let process = process(&ProcessPlan {
        record,
        host,
        user: plan.user,
        args: init.into_iter().flatten().chain(own).collect(),
        apparmor: plan.apparmor,
    })?;
    let mut root = json!({"path": plan.rootfs});
    if host.readonly_rootfs {
        root["readonly"] = true.into();
    }
    let mut spec = json!({"ociVersion": "1.0.2-dev", "process": process, "root": root});
    if host.uts_mode != "host" && !record.config.hostname.is_empty() {
        spec["hostname"] = record.config.hostname.as_str().into();
    }
    spec["mounts"] = mounts::mounts(plan)?;
    spec["linux"] = linux(plan)?;
    Ok(spec)
}

fn linux(plan: &Plan<'_>) -> Result<Value, SpecError> {
    let Plan { record, host, .. } = plan;
    let mut linux = json!({});
    let sysctls = sysctls(plan);
    if !sysctls.is_empty() {
        linux["sysctl"] = sysctls.into();
    }
    linux["resources"] = resources::resources(host, plan.devices, plan.throttles);
    linux["cgroupsPath"] = cgroups_path(host, &record.id, "/docker").into();
    linux["namespaces"] = namespaces(plan)?;
    if !plan.devices.is_empty() {
        linux["devices"] = plan.devices.iter().map(resources::device).collect();
    }
    if let Some(profile) = seccomp_profile(plan)? {
        linux["seccomp"] = profile;
    }
    let propagation = mounts::root_propagation(plan.binds);
    if let Some(propagation) = propagation {
        linux["rootfsPropagation"] = propagation.into();
    }
    if !host.privileged {
        // Null is the default at each start, an empty list is a wish.
        let or_default = |given: &Option<Vec<String>>, default: &[&str]| match given {
            Some(paths) => json!(paths),
            None => json!(default),
        };
        let masked = or_default(&host.masked_paths, &containers::hostconfig::MASKED_PATHS);
        let readonly = or_default(&host.readonly_paths, &containers::hostconfig::READONLY_PATHS);
        for (key, paths) in [("maskedPaths", masked), ("readonlyPaths", readonly)] {
            if paths.as_array().is_some_and(|paths| !paths.is_empty()) {
                linux[key] = paths;
            }
        }
    }
    if !record.mount_label.is_empty() {
        linux["mountLabel"] = record.mount_label.as_str().into();
    }
    Ok(linux)
}

/// Docker's default profile, resolved for the capabilities the container has.
fn seccomp_profile(plan: &Plan<'_>) -> Result<Option<Value>, SpecError> {
    if plan.host.privileged || plan.record.seccomp_profile == "unconfined" {
        return Ok(None);
    }
    let names = process::capabilities(plan.host)?;
    let known = |name: &String| {
        let name = name.strip_prefix("CAP_").unwrap_or(name);
        name.parse().map_err(|_| UnknownCapability(name.to_owned()))
    };
    let bounding = names.iter().map(known).collect::<Result<_, _>>()?;
    let own = plan.record.seccomp_profile.as_str();
    let profile = match own {
        "" => seccomp::docker_default(&bounding, plan.kernel),
        text => seccomp::parse(text, &bounding, plan.kernel).map_err(SpecError::Seccomp)?,
    };
    Ok(Some(serde_json::to_value(profile).expect("a profile has string keys only")))
}

/// Sorted by name, as Go writes maps.
fn sysctls(plan: &Plan<'_>) -> serde_json::Map<String, Value> {
    let mut all = std::collections::BTreeMap::<&str, &str>::new();
    if !plan.record.config.domainname.is_empty() {
        all.insert("kernel.domainname", &plan.record.config.domainname);
    }
    let shares_network = plan.host.network_mode == "host" || plan.host.network_mode.starts_with("container:");
    if !shares_network {
        all.extend(plan.network_sysctls.iter().copied());
    }
    all.extend(plan.host.sysctls.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())));
    all.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

/// The container's cgroup below the hierarchies' roots.
fn cgroups_path(host: &HostConfig, id: &str, default_parent: &str) -> String {
    let parent = if host.cgroup_parent.is_empty() { default_parent } else { &host.cgroup_parent };
    format!("{}/{id}", parent.trim_end_matches('/'))
}

fn namespaces(plan: &Plan<'_>) -> Result<Value, SpecError> {
    let Plan { record, host, .. } = plan;
    let mut kinds = vec!["mount", "network", "uts", "pid", "ipc"];
    match host.ipc_mode.as_str() {
        "" | "private" | "shareable" | "none" => {}
        other if other.starts_with("container:") => {}
        "host" => kinds.retain(|kind| *kind != "ipc"),
        other => return Err(SpecError::Ipc(other.to_owned())),
    }
    if host.pid_mode == "host" {
        kinds.retain(|kind| *kind != "pid");
    }
    if host.uts_mode == "host" {
        kinds.retain(|kind| *kind != "uts");
    }
    if host.cgroupns_mode == "private" {
        kinds.push("cgroup");
    }
    let mut namespaces: Vec<_> = kinds.into_iter().map(|kind| json!({"type": kind})).collect();
    if host.network_mode == "host" {
        // dockerd keeps the host's namespace mounted under this name in its exec root.
        for namespace in namespaces.iter_mut().filter(|namespace| namespace["type"] == "network") {
            namespace["path"] = record.network_settings.sandbox_key.as_str().into();
        }
    }
    for (kind, path) in plan.joined {
        for namespace in namespaces.iter_mut().filter(|namespace| namespace["type"] == *kind) {
            namespace["path"] = json!(path);
        }
    }
    Ok(namespaces.into())
}

#[cfg(test)]
mod tests;
