//! What a container's host config becomes: checked against this host, and its defaults filled in.
//! Pure but for [`HostFacts::of_this_host`].
//!
//! moby 20.10, daemon/daemon_unix.go `verifyPlatformContainerSettings` and
//! `adaptContainerSettings`, daemon/container.go `validateHostConfig`.

use std::path::Path;

use containers::{HostConfig, hostconfig::RestartPolicy};

use crate::{
    caps::{self, UnknownCapability},
    limits::{self, BadLimit},
};

/// Why a host config is refused. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// `--rm` and `--restart` contradict each other.
    #[error("can't create 'AutoRemove' container with restart policy")]
    AutoRemoveAndRestart,
    /// `--restart`.
    #[error("invalid restart policy '{0}'")]
    RestartPolicy(String),
    /// `--restart always:3`.
    #[error("maximum retry count cannot be used with restart policy '{0}'")]
    RetryCount(String),
    /// `--restart on-failure:-1`.
    #[error("maximum retry count cannot be negative")]
    NegativeCount,
    /// `--cap-add`.
    #[error("invalid CapAdd: {0}")]
    CapAdd(UnknownCapability),
    /// `--cap-drop`.
    #[error("invalid CapDrop: {0}")]
    CapDrop(UnknownCapability),
    /// A limit.
    #[error(transparent)]
    Limit(#[from] BadLimit),
    /// `--shm-size`.
    #[error("SHM size can not be less than 0")]
    ShmSize,
    /// `--oom-score-adj`.
    #[error("Invalid value {0}, range for oom score adj is [-1000, 1000]")]
    OomScore(i64),
}

/// What the host can do, as far as it changes what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Processors.
    pub processors: usize,
    /// Whether the unified hierarchy is the only one.
    pub cgroup_v2: bool,
    /// Whether memory can be limited.
    pub memory: bool,
    /// Whether swap can be limited.
    pub swap: bool,
    /// Whether the number of processes can be limited.
    pub pids: bool,
    /// Whether a process may be spared from the OOM killer (v1 only).
    pub oom_kill_disable: bool,
    /// Whether memory can have a soft limit.
    pub reservation: bool,
    /// Whether swappiness can be set (v1 only).
    pub swappiness: bool,
    /// Whether the kernel's memory can be limited (v1 only).
    pub kernel_memory: bool,
    /// Whether processors have shares.
    pub cpu_shares: bool,
    /// Whether processors have quotas.
    pub cpu_quota: bool,
    /// Whether processors and nodes of memory can be chosen.
    pub cpuset: bool,
    /// Which processors can be.
    pub cpus: String,
    /// Which nodes of memory can be.
    pub mems: String,
    /// Whether block devices have weights.
    pub weight: bool,
    /// Whether one block device can have its own.
    pub weight_of_device: bool,
    /// Whether packets for others are passed on.
    pub forwarding: bool,
}

impl HostFacts {
    /// Asks the kernel.
    pub fn of_this_host() -> Self {
        let cgroup = Path::new("/sys/fs/cgroup");
        let cgroup_v2 = cgroup.join("cgroup.controllers").exists();
        let v2 = std::fs::read_to_string(cgroup.join("cgroup.controllers")).unwrap_or_default();
        let has = |controller: &str| match cgroup_v2 {
            true => v2.split_whitespace().any(|word| word == controller),
            false => cgroup.join(controller).is_dir(),
        };
        let v1 = |path: &str| !cgroup_v2 && cgroup.join(path).exists();
        let set = |file: &str| {
            let path = if cgroup_v2 { format!("cpuset.{file}.effective") } else { format!("cpuset/cpuset.{file}") };
            std::fs::read_to_string(cgroup.join(path)).map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        let forwarding = std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward");
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            cgroup_v2,
            memory: has("memory"),
            swap: if cgroup_v2 { has("memory") } else { v1("memory/memory.memsw.limit_in_bytes") },
            pids: has("pids"),
            oom_kill_disable: v1("memory/memory.oom_control"),
            reservation: if cgroup_v2 { has("memory") } else { v1("memory/memory.soft_limit_in_bytes") },
            swappiness: v1("memory/memory.swappiness"),
            kernel_memory: v1("memory/memory.kmem.limit_in_bytes"),
            cpu_shares: if cgroup_v2 { has("cpu") } else { v1("cpu/cpu.shares") },
            cpu_quota: if cgroup_v2 { has("cpu") } else { v1("cpu/cpu.cfs_quota_us") },
            cpuset: has("cpuset"),
            cpus: set("cpus"),
            mems: set("mems"),
            weight: if cgroup_v2 { has("io") } else { v1("blkio/blkio.weight") },
            weight_of_device: if cgroup_v2 { has("io") } else { v1("blkio/blkio.weight_device") },
            forwarding: forwarding.is_ok_and(|text| text.trim() == "1"),
        }
    }
}

/// Checks what was asked for and fills in what was not, as it will be stored. Returns warnings.
///
/// # Errors
/// [`BadHost`]; the first thing that is wrong.
pub fn adapt(host: &mut HostConfig, facts: &HostFacts) -> Result<Vec<String>, BadHost> {
    check(host)?;
    let mut warnings = limits::check(host, facts, false)?;
    if host.shm_size < 0 {
        return Err(BadHost::ShmSize);
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        return Err(BadHost::OomScore(host.oom_score_adj));
    }
    if host.network_mode == "host" && host.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty()) {
        warnings.push("Published ports are discarded when using host network mode".to_owned());
    }
    if host.memory > 0 && host.memory_swap == 0 {
        host.memory_swap = host.memory * 2;
    }
    if host.shm_size == 0 {
        host.shm_size = 64 << 20;
    }
    if host.ipc_mode.is_empty() {
        "private".clone_into(&mut host.ipc_mode);
    }
    if host.cgroupns_mode.is_empty() || facts.cgroup_v2 {
        let mode = if facts.cgroup_v2 { "private" } else { "host" };
        mode.clone_into(&mut host.cgroupns_mode);
    }
    not_confined(host);
    Ok(warnings)
}

/// Who sees the host's processes is not labelled, and who is privileged not masked (moby 20.10,
/// daemon/create.go `generateSecurityOpt`, daemon_unix.go `adaptContainerSettings`).
fn not_confined(host: &mut HostConfig) {
    let labelled = host.security_opt.iter().flatten().any(|option| option.split('=').next() == Some("label"));
    let open = host.privileged || host.ipc_mode == "host" || host.pid_mode == "host";
    if open && !labelled {
        host.security_opt.get_or_insert_default().push("label=disable".to_owned());
    }
    if host.privileged {
        (host.masked_paths, host.readonly_paths) = (None, None);
    }
}

fn check(host: &HostConfig) -> Result<(), BadHost> {
    let policy = &host.restart_policy;
    if host.auto_remove && !matches!(policy.name.as_str(), "no" | "") {
        return Err(BadHost::AutoRemoveAndRestart);
    }
    check_restart_policy(policy)?;
    let known =
        |names: &Option<Vec<String>>| names.iter().flatten().try_for_each(|name| caps::normalize(name).map(drop));
    known(&host.cap_add).map_err(BadHost::CapAdd)?;
    known(&host.cap_drop).map_err(BadHost::CapDrop)
}

/// moby 20.10, daemon/container.go `validateRestartPolicy`.
pub(crate) fn check_restart_policy(policy: &RestartPolicy) -> Result<(), BadHost> {
    match policy.name.as_str() {
        "no" | "always" | "unless-stopped" if policy.maximum_retry_count != 0 => {
            Err(BadHost::RetryCount(policy.name.clone()))
        }
        "on-failure" if policy.maximum_retry_count < 0 => Err(BadHost::NegativeCount),
        "" | "no" | "always" | "unless-stopped" | "on-failure" => Ok(()),
        other => Err(BadHost::RestartPolicy(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> HostFacts {
        HostFacts {
            processors: 2,
            cgroup_v2: false,
            memory: true,
            swap: true,
            pids: true,
            oom_kill_disable: true,
            reservation: true,
            swappiness: true,
            kernel_memory: true,
            cpu_shares: true,
            cpu_quota: true,
            cpuset: true,
            cpus: "0-1".to_owned(),
            mems: "0".to_owned(),
            weight: true,
            weight_of_device: true,
            forwarding: true,
        }
    }

    fn words(host: HostConfig) -> String {
        adapt(&mut host.clone(), &facts()).expect_err("a bad wish").to_string()
    }

    #[test]
    fn what_docker_create_sends_without_flags_is_stored_as_it_is() {
        let mut host = HostConfig::new();
        assert_eq!(adapt(&mut host, &facts()), Ok(vec![]));
        assert_eq!(host, HostConfig::new());
    }

    #[test]
    fn a_memory_limit_doubles_as_swap_limit() {
        let mut host = HostConfig { memory: 64 << 20, ..HostConfig::new() };
        assert_eq!(adapt(&mut host, &facts()), Ok(vec![]));
        assert_eq!(host.memory_swap, 128 << 20);
    }

    #[test]
    fn a_limit_the_kernel_does_not_know_is_dropped_with_a_warning() {
        let mut host = HostConfig { memory: 64 << 20, pids_limit: Some(5), ..HostConfig::new() };
        let bare = HostFacts { memory: false, swap: false, pids: false, oom_kill_disable: false, ..facts() };
        assert_eq!(adapt(&mut host, &bare).map(|warnings| warnings.len()), Ok(2));
        assert_eq!((host.memory, host.memory_swap, host.pids_limit, host.oom_kill_disable), (0, -1, None, None));
    }

    #[test]
    fn on_cgroup_v2_a_container_has_a_cgroup_namespace() {
        let mut host = HostConfig::new();
        adapt(&mut host, &HostFacts { cgroup_v2: true, ..facts() }).expect("no wishes");
        assert_eq!(host.cgroupns_mode, "private");
    }

    #[test]
    fn bad_wishes_are_refused_in_dockerds_words() {
        assert_eq!(words(HostConfig { memory: 1 << 20, ..HostConfig::new() }), "Minimum memory limit allowed is 6MB");
        let range = "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available";
        assert_eq!(words(HostConfig { nano_cpus: 99_000_000_000, ..HostConfig::new() }), range);
        let caps = Some(vec!["foo".to_owned()]);
        let unknown = "invalid CapAdd: unknown capability: \"CAP_FOO\"";
        assert_eq!(words(HostConfig { cap_add: caps, ..HostConfig::new() }), unknown);
        let restart_policy = RestartPolicy { name: "always".to_owned(), ..RestartPolicy::default() };
        let both = "can't create 'AutoRemove' container with restart policy";
        assert_eq!(words(HostConfig { auto_remove: true, restart_policy, ..HostConfig::new() }), both);
    }
}
