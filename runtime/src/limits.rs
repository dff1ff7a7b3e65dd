//! What a container may use, checked against what this host can limit. Pure.
//!
//! moby 20.10, daemon/daemon_unix.go `verifyPlatformContainerResources`.

use std::collections::BTreeSet;

use containers::HostConfig;

use crate::host::HostFacts;

/// The least memory a container can be limited to: 6 MiB.
const MIN_MEMORY: i64 = 6 << 20;

/// As many processors, or nodes of memory, as a list may name.
const MOST: usize = 8192;

/// Why limits are refused. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLimit {
    /// `--memory`.
    #[error("Minimum memory limit allowed is 6MB")]
    Memory,
    /// `--memory-swap`.
    #[error("Minimum memoryswap limit should be larger than memory limit, see usage")]
    MemorySwap,
    /// `--memory-swap` alone.
    #[error("You should always set the Memory limit when using Memoryswap limit, see usage")]
    SwapWithoutMemory,
    /// `--memory-reservation`.
    #[error("Minimum memory reservation allowed is 6MB")]
    Reservation,
    /// `--memory-reservation` above `--memory`.
    #[error("Minimum memory limit can not be less than memory reservation limit, see usage")]
    ReservationAboveLimit,
    /// `--kernel-memory`.
    #[error("Minimum kernel memory limit allowed is 6MB")]
    KernelMemory,
    /// `--cpus` and `--cpu-period`.
    #[error("Conflicting options: Nano CPUs and CPU Period cannot both be set")]
    CpusAndPeriod,
    /// `--cpus` and `--cpu-quota`.
    #[error("Conflicting options: Nano CPUs and CPU Quota cannot both be set")]
    CpusAndQuota,
    /// `--cpus` where the kernel cannot.
    #[error("NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted")]
    NoCpus,
    /// `--cpus`.
    #[error("Range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available")]
    Cpus(usize),
    /// `--cpu-period`.
    #[error("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")]
    Period,
    /// `--cpu-quota`.
    #[error("CPU cfs quota can not be less than 1ms (i.e. 1000)")]
    Quota,
    /// `--cpuset-cpus` or `--cpuset-mems`.
    #[error("Invalid value {text} for cpuset {what}: {why}")]
    Set {
        /// As typed.
        text: String,
        /// `cpus` or `mems`.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// `--cpuset-cpus`.
    #[error("Requested CPUs are not available - requested {0}, available: {1}")]
    NoSuchCpus(String, String),
    /// `--cpuset-mems`.
    #[error("Requested memory nodes are not available - requested {0}, available: {1}")]
    NoSuchMems(String, String),
    /// `--blkio-weight`.
    #[error("Range of blkio weight is from 10 to 1000")]
    Weight,
}

/// Checks what was asked for; what this host cannot limit is dropped, with a warning. `update`: of
/// a container that is there, and may have the rest already.
///
/// # Errors
/// [`BadLimit`]; the first thing that is wrong.
pub(crate) fn check(host: &mut HostConfig, facts: &HostFacts, update: bool) -> Result<Vec<String>, BadLimit> {
    let mut warnings = Vec::new();
    memory(host, facts, update, &mut warnings)?;
    processors(host, facts, &mut warnings)?;
    sets(host, facts, &mut warnings)?;
    if host.blkio_weight > 0 && !facts.weight {
        warnings.push(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.".to_owned(),
        );
        host.blkio_weight = 0;
    }
    if host.blkio_weight > 0 && !(10..=1000).contains(&host.blkio_weight) {
        return Err(BadLimit::Weight);
    }
    if host.blkio_weight_device.as_ref().is_some_and(|devices| !devices.is_empty()) && !facts.weight_of_device {
        let words = "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. \
                     Weight-device discarded.";
        warnings.push(words.to_owned());
        host.blkio_weight_device = Some(Vec::new());
    }
    Ok(warnings)
}

fn memory(host: &mut HostConfig, facts: &HostFacts, update: bool, warnings: &mut Vec<String>) -> Result<(), BadLimit> {
    if host.memory != 0 && host.memory < MIN_MEMORY {
        return Err(BadLimit::Memory);
    }
    if host.memory > 0 && !facts.memory {
        warnings.push(without("memory limit", "Limitation discarded."));
        (host.memory, host.memory_swap) = (0, -1);
    }
    if host.memory > 0 && host.memory_swap != -1 && !facts.swap {
        warnings.push(without("swap limit", "Memory limited without swap."));
        host.memory_swap = -1;
    }
    if host.memory > 0 && host.memory_swap > 0 && host.memory_swap < host.memory {
        return Err(BadLimit::MemorySwap);
    }
    if host.memory == 0 && host.memory_swap > 0 && !update {
        return Err(BadLimit::SwapWithoutMemory);
    }
    if host.memory_swappiness.is_some() && !facts.swappiness {
        warnings.push(without("memory swappiness", "Memory swappiness discarded."));
        host.memory_swappiness = None;
    }
    if host.memory_reservation > 0 && !facts.reservation {
        warnings.push(without("memory soft limit", "Limitation discarded."));
        host.memory_reservation = 0;
    }
    if host.memory_reservation > 0 && host.memory_reservation < MIN_MEMORY {
        return Err(BadLimit::Reservation);
    }
    if host.memory > 0 && host.memory_reservation > 0 && host.memory < host.memory_reservation {
        return Err(BadLimit::ReservationAboveLimit);
    }
    kernel_memory(host, facts, warnings)?;
    if !facts.oom_kill_disable {
        if host.oom_kill_disable == Some(true) {
            warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.".to_owned());
        }
        host.oom_kill_disable = None;
    }
    if host.oom_kill_disable == Some(true) && host.memory == 0 {
        let words = "OOM killer is disabled for the container, but no memory limit is set, this can result in the \
                     system running out of resources.";
        warnings.push(words.to_owned());
    }
    if host.pids_limit.is_some() && !facts.pids {
        if host.pids_limit.is_some_and(|limit| limit > 0) {
            warnings.push(without("PIDs limit", "PIDs limit discarded."));
        }
        host.pids_limit = None;
    }
    Ok(())
}

fn kernel_memory(host: &mut HostConfig, facts: &HostFacts, warnings: &mut Vec<String>) -> Result<(), BadLimit> {
    if host.kernel_memory > 0 {
        let words = "Specifying a kernel memory limit is deprecated and will be removed in a future release.";
        warnings.push(words.to_owned());
    }
    if host.kernel_memory > 0 && !facts.kernel_memory {
        warnings.push(without("kernel memory limit", "Limitation discarded."));
        host.kernel_memory = 0;
    }
    if host.kernel_memory > 0 && host.kernel_memory < MIN_MEMORY {
        return Err(BadLimit::KernelMemory);
    }
    Ok(())
}

fn processors(host: &mut HostConfig, facts: &HostFacts, warnings: &mut Vec<String>) -> Result<(), BadLimit> {
    let most = i64::try_from(facts.processors).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    match () {
        () if host.nano_cpus > 0 && host.cpu_period > 0 => return Err(BadLimit::CpusAndPeriod),
        () if host.nano_cpus > 0 && host.cpu_quota > 0 => return Err(BadLimit::CpusAndQuota),
        () if host.nano_cpus > 0 && !facts.cpu_quota => return Err(BadLimit::NoCpus),
        () if !(0..=most).contains(&host.nano_cpus) => return Err(BadLimit::Cpus(facts.processors)),
        () => {}
    }
    if host.cpu_shares > 0 && !facts.cpu_shares {
        warnings
            .push("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.".to_owned());
        host.cpu_shares = 0;
    }
    if (host.cpu_period != 0 || host.cpu_quota != 0) && !facts.cpu_quota {
        warnings.push("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.".to_owned());
        (host.cpu_period, host.cpu_quota) = (0, 0);
    }
    if host.cpu_period != 0 && !(1000..=1_000_000).contains(&host.cpu_period) {
        return Err(BadLimit::Period);
    }
    if (1..1000).contains(&host.cpu_quota) {
        return Err(BadLimit::Quota);
    }
    Ok(())
}

fn sets(host: &mut HostConfig, facts: &HostFacts, warnings: &mut Vec<String>) -> Result<(), BadLimit> {
    if (!host.cpuset_cpus.is_empty() || !host.cpuset_mems.is_empty()) && !facts.cpuset {
        warnings.push("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.".to_owned());
        host.cpuset_cpus.clear();
        host.cpuset_mems.clear();
    }
    if !is_within(&host.cpuset_cpus, &facts.cpus, "cpus")? {
        return Err(BadLimit::NoSuchCpus(host.cpuset_cpus.clone(), facts.cpus.clone()));
    }
    if !is_within(&host.cpuset_mems, &facts.mems, "mems")? {
        return Err(BadLimit::NoSuchMems(host.cpuset_mems.clone(), facts.mems.clone()));
    }
    Ok(())
}

fn without(what: &str, so: &str) -> String {
    format!("Your kernel does not support {what} capabilities or the cgroup is not mounted. {so}")
}

/// Whether all numbers of a list (`0-2,4`) are in another one.
fn is_within(text: &str, available: &str, what: &'static str) -> Result<bool, BadLimit> {
    let there = numbers(available, usize::MAX).unwrap_or_default();
    let most = there.last().copied().unwrap_or(0).max(MOST);
    let bad = |why| BadLimit::Set { text: text.to_owned(), what, why };
    Ok(numbers(text, most).map_err(bad)?.is_subset(&there))
}

/// moby 20.10, pkg/parsers/parsers.go `ParseUintListMaximum`.
fn numbers(text: &str, most: usize) -> Result<BTreeSet<usize>, String> {
    let mut found = BTreeSet::new();
    if text.is_empty() {
        return Ok(found);
    }
    let format = || format!("invalid format: {text}");
    let number = |text: &str| text.parse::<usize>().map_err(|_| format());
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            None => (number(part)?, number(part)?),
            Some((first, last)) => (number(first)?, number(last)?),
        };
        match () {
            () if last < first => return Err(format()),
            () if last > most => return Err(format!("value of out range, maximum is {most}")),
            () => found.extend(first..=last),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_gos() {
        assert_eq!(numbers("0,3-4,03", MOST), Ok([0, 3, 4].into()));
        assert_eq!(numbers("", MOST), Ok([].into()));
        assert_eq!(numbers("4-3", MOST), Err("invalid format: 4-3".to_owned()));
        assert_eq!(numbers("0-9999999999", MOST), Err("value of out range, maximum is 8192".to_owned()));
        assert_eq!(is_within("0-1", "0-3", "cpus"), Ok(true));
        assert_eq!(is_within("4", "0-3", "cpus"), Ok(false));
        let words = is_within("x", "0-3", "mems").expect_err("no list").to_string();
        assert_eq!(words, "Invalid value x for cpuset mems: invalid format: x");
    }
}
