//! `update`: other limits, or another restart policy, for a container that is there.
//!
//! moby 20.10, daemon/update.go, container/container_unix.go `UpdateContainer`.

use base::ContainerId;
use containers::{HostConfig, LookupError};

use crate::{
    events,
    home::{Home, HomeError},
    host::{self, BadHost, HostFacts},
    limits::{self, BadLimit},
    policy::Rule,
    recover::{self, SettleError, Settled},
    shim::{ConnectError, Connection},
    truth,
};

/// Why a container was not changed. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The restart policy means nothing.
    #[error(transparent)]
    Policy(#[from] BadHost),
    /// A limit means nothing, or nothing here.
    #[error(transparent)]
    Limit(#[from] BadLimit),
    /// It contradicts what the container has.
    #[error("Cannot update container {0}: {1}")]
    Conflict(ContainerId, Conflict),
    /// The kernel would not; the container is as it was.
    #[error("Cannot update container {0}")]
    Kernel(ContainerId, #[source] sys::Error),
    /// The process that keeps it could not be told.
    #[error("Cannot update container {0}")]
    Shim(ContainerId, #[source] ConnectError),
    /// Its files cannot be saved.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// How a wish contradicts what a container has. The words are dockerd's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `--cpus` beside a period.
    #[error("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set")]
    CpusAndPeriod,
    /// `--cpus` beside a quota.
    #[error("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set")]
    CpusAndQuota,
    /// `--cpu-period` beside `--cpus`.
    #[error("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set")]
    PeriodAndCpus,
    /// `--cpu-quota` beside `--cpus`.
    #[error("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set")]
    QuotaAndCpus,
    /// `--memory` above what it has with swap.
    #[error("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time")]
    MemoryAboveSwap,
    /// `--restart` of one that is to be removed.
    #[error("Restart policy cannot be updated because AutoRemove is enabled for the container")]
    AutoRemove,
}

/// Changes a container to what `wanted` has; zero, empty and none in it mean as it was. Returns
/// warnings.
///
/// # Errors
/// [`UpdateError`].
pub fn update(home: &Home, container: &str, wanted: &HostConfig) -> Result<Vec<String>, UpdateError> {
    let id = home.containers().lookup(container)?;
    let mut wanted = wanted.clone();
    host::check_restart_policy(&wanted.restart_policy)?;
    // moby 20.10, api/server/router/container: whatever is not above zero is no limit.
    wanted.pids_limit = wanted.pids_limit.map(|limit| limit.max(0));
    let facts = HostFacts::of_this_host();
    let mut warnings = limits::check(&mut wanted, &facts, true)?;
    if !facts.forwarding {
        // What is sent says nothing of a network, and counts as if it had one.
        warnings.push("IPv4 forwarding is disabled. Networking will not work.".to_owned());
    }
    let writer = home.writer()?;
    let Settled { mut container, running, lock } = recover::settle(home, &writer, &id)?;
    let before = container.host_config.clone();
    apply(&mut container.host_config, &wanted).map_err(|conflict| UpdateError::Conflict(id.clone(), conflict))?;
    let containers = home.containers();
    containers.save(&id, &container.record, &container.host_config)?;
    if running && !container.record.state.restarting {
        let changed =
            truth::group(home, &container).map_or(Ok(()), |group| group.change(&wanted, &container.host_config));
        if let Err(error) = changed {
            containers.save(&id, &container.record, &before)?;
            return Err(UpdateError::Kernel(id, error));
        }
    }
    let rule = Rule::of(&container.host_config);
    // Its shim may be waiting for the right to write down an end.
    drop(lock);
    if running && !wanted.restart_policy.name.is_empty() {
        tell(home, &id, rule).map_err(|error| UpdateError::Shim(id, error))?;
    }
    events::container(home, &container, "update", &[]);
    Ok(warnings)
}

/// Tells the shim. Who has ended meanwhile goes by the file when it is started the next time.
fn tell(home: &Home, id: &ContainerId, rule: Rule) -> Result<(), ConnectError> {
    match Connection::open(&home.run_dir(id)).and_then(|shim| shim.set_restart(rule)) {
        Err(ConnectError::Gone(_) | ConnectError::Lost | ConnectError::Refused(_)) => Ok(()),
        told => told,
    }
}

/// Puts a wish among what a container has. On an error it may be changed in part.
fn apply(host: &mut HostConfig, wanted: &HostConfig) -> Result<(), Conflict> {
    match () {
        () if wanted.nano_cpus > 0 && host.cpu_period > 0 => return Err(Conflict::CpusAndPeriod),
        () if wanted.nano_cpus > 0 && host.cpu_quota > 0 => return Err(Conflict::CpusAndQuota),
        () if wanted.cpu_period > 0 && host.nano_cpus > 0 => return Err(Conflict::PeriodAndCpus),
        () if wanted.cpu_quota > 0 && host.nano_cpus > 0 => return Err(Conflict::QuotaAndCpus),
        () if wanted.memory != 0 && wanted.memory > host.memory_swap && wanted.memory_swap == 0 => {
            return Err(Conflict::MemoryAboveSwap);
        }
        () => {}
    }
    let put = |to: &mut i64, value: i64| {
        if value != 0 {
            *to = value;
        }
    };
    put(&mut host.cpu_shares, wanted.cpu_shares);
    put(&mut host.nano_cpus, wanted.nano_cpus);
    put(&mut host.cpu_period, wanted.cpu_period);
    put(&mut host.cpu_quota, wanted.cpu_quota);
    put(&mut host.memory, wanted.memory);
    put(&mut host.memory_swap, wanted.memory_swap);
    put(&mut host.memory_reservation, wanted.memory_reservation);
    put(&mut host.kernel_memory, wanted.kernel_memory);
    put(&mut host.cpu_realtime_period, wanted.cpu_realtime_period);
    put(&mut host.cpu_realtime_runtime, wanted.cpu_realtime_runtime);
    if wanted.blkio_weight != 0 {
        host.blkio_weight = wanted.blkio_weight;
    }
    for (to, list) in [(&mut host.cpuset_cpus, &wanted.cpuset_cpus), (&mut host.cpuset_mems, &wanted.cpuset_mems)] {
        if !list.is_empty() {
            to.clone_from(list);
        }
    }
    host.pids_limit = wanted.pids_limit.or(host.pids_limit);
    let policy = &wanted.restart_policy;
    if !policy.name.is_empty() {
        if host.auto_remove && policy.name != "no" {
            return Err(Conflict::AutoRemove);
        }
        host.restart_policy.name.clone_from(&policy.name);
        host.restart_policy.maximum_retry_count = policy.maximum_retry_count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_stays() {
        let mut host = HostConfig { memory: 64 << 20, memory_swap: 128 << 20, cpu_shares: 5, ..HostConfig::new() };
        let wanted = HostConfig { memory: 100 << 20, ..HostConfig::default() };
        assert_eq!(apply(&mut host, &wanted), Ok(()));
        assert_eq!((host.memory, host.memory_swap, host.cpu_shares), (100 << 20, 128 << 20, 5));
        assert_eq!(host.restart_policy.name, "no");
    }

    #[test]
    fn contradictions_are_named() {
        let cpus = HostConfig { nano_cpus: 1, ..HostConfig::default() };
        let quota = HostConfig { cpu_quota: 1, ..HostConfig::default() };
        assert_eq!(apply(&mut cpus.clone(), &quota), Err(Conflict::QuotaAndCpus));
        assert_eq!(apply(&mut quota.clone(), &cpus), Err(Conflict::CpusAndQuota));
        let memory = HostConfig { memory: 9 << 20, ..HostConfig::default() };
        assert_eq!(apply(&mut HostConfig::new(), &memory), Err(Conflict::MemoryAboveSwap));
    }
}
