//! Other limits for a group that runs: what `update` changes, and nothing else.
//!
//! runc 1.1, libcontainer/cgroups/fs and fs2: zero and empty mean as it was.

use std::path::{Path, PathBuf};

use containers::HostConfig;

use super::Cgroup;

/// The period that `--cpus` is a part of, in microseconds.
const PERIOD: i64 = 100_000;

impl Cgroup {
    /// Sets what `wanted` has; `whole` are the container's limits with these among them.
    ///
    /// # Errors
    /// The first file that the kernel would not take; those before are changed.
    pub fn change(&self, wanted: &HostConfig, whole: &HostConfig) -> sys::Result<()> {
        match self.unified() {
            Some(dir) => v2(&dir, wanted, whole),
            None => self.v1(wanted),
        }
    }

    fn v1(&self, wanted: &HostConfig) -> sys::Result<()> {
        let at = |controller: &str, file: &str| self.dir_of(controller).map(|dir| dir.join(file));
        let put = |controller: &str, file: &str, value: i64| match at(controller, file) {
            Some(path) if value != 0 => write(&path, &value.to_string()),
            _ => Ok(()),
        };
        put("cpu", "cpu.shares", wanted.cpu_shares)?;
        let (period, quota) = processors(wanted);
        // A smaller period may not be taken before the quota is.
        let first = put("cpu", "cpu.cfs_period_us", period);
        if quota == 0 {
            first?;
        } else {
            put("cpu", "cpu.cfs_quota_us", quota)?;
            put("cpu", "cpu.cfs_period_us", period)?;
        }
        for (file, list) in [("cpuset.cpus", &wanted.cpuset_cpus), ("cpuset.mems", &wanted.cpuset_mems)] {
            if let Some(path) = at("cpuset", file).filter(|_| !list.is_empty()) {
                write(&path, list)?;
            }
        }
        if let Some(dir) = self.dir_of("memory") {
            v1_memory(&dir, wanted.memory, wanted.memory_swap.max(0))?;
        }
        put("memory", "memory.soft_limit_in_bytes", wanted.memory_reservation)?;
        if let (Some(limit), Some(path)) = (wanted.pids_limit, at("pids", "pids.max")) {
            write(&path, &pids(limit))?;
        }
        put("blkio", "blkio.weight", i64::from(wanted.blkio_weight))
    }
}

/// Neither limit may pass the other on the way.
fn v1_memory(dir: &Path, memory: i64, swap: i64) -> sys::Result<()> {
    let (limit, both) = (dir.join("memory.limit_in_bytes"), dir.join("memory.memsw.limit_in_bytes"));
    let put = |path: &PathBuf, value: i64| if value == 0 { Ok(()) } else { write(path, &value.to_string()) };
    let now = std::fs::read_to_string(&limit).ok().and_then(|text| text.trim().parse::<i64>().ok());
    if memory != 0 && swap != 0 && now.is_some_and(|now| now < swap) {
        put(&both, swap)?;
        return put(&limit, memory);
    }
    put(&limit, memory)?;
    put(&both, swap)
}

fn v2(dir: &Path, wanted: &HostConfig, whole: &HostConfig) -> sys::Result<()> {
    let put = |file: &str, text: String| write(&dir.join(file), &text);
    if wanted.cpu_shares != 0 {
        put("cpu.weight", weight(wanted.cpu_shares).to_string())?;
    }
    if processors(wanted) != (0, 0) {
        let (period, quota) = processors(whole);
        let quota = if quota > 0 { quota.to_string() } else { "max".to_owned() };
        put("cpu.max", if period == 0 { quota } else { format!("{quota} {period}") })?;
    }
    for (file, list) in [("cpuset.cpus", &wanted.cpuset_cpus), ("cpuset.mems", &wanted.cpuset_mems)] {
        if !list.is_empty() {
            put(file, list.clone())?;
        }
    }
    // Of swap alone, of both together by v1's count.
    if wanted.memory_swap > 0 || wanted.memory_swap == -1 {
        let swap = whole.memory_swap - whole.memory;
        put("memory.swap.max", if whole.memory_swap == -1 { "max".to_owned() } else { swap.max(0).to_string() })?;
    }
    if wanted.memory != 0 {
        put("memory.max", wanted.memory.to_string())?;
    }
    if wanted.memory_reservation != 0 {
        put("memory.low", wanted.memory_reservation.to_string())?;
    }
    if let Some(limit) = wanted.pids_limit {
        put("pids.max", pids(limit))?;
    }
    if wanted.blkio_weight != 0 {
        let bfq = dir.join("io.bfq.weight");
        if bfq.exists() {
            write(&bfq, &wanted.blkio_weight.to_string())?;
        } else {
            put("io.weight", format!("default {}", 1 + (i64::from(wanted.blkio_weight) - 10) * 9999 / 990))?;
        }
    }
    Ok(())
}

/// Period and quota.
fn processors(host: &HostConfig) -> (i64, i64) {
    if host.nano_cpus > 0 {
        let quota = i128::from(host.nano_cpus) * i128::from(PERIOD) / 1_000_000_000;
        return (PERIOD, i64::try_from(quota).unwrap_or(i64::MAX));
    }
    (host.cpu_period, host.cpu_quota)
}

fn pids(limit: i64) -> String {
    if limit > 0 { limit.to_string() } else { "max".to_owned() }
}

/// Of shares 2 to 262144, weights 1 to 10000.
fn weight(shares: i64) -> i64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

fn write(path: &Path, text: &str) -> sys::Result<()> {
    sys::truncate_write(path, text.as_bytes(), 0o644)
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    fn group(dir: &Path, version: Version) -> Cgroup {
        let names = match version {
            Version::V1 => vec![vec!["memory"], vec!["cpu", "cpuacct"], vec!["pids"]],
            Version::V2 => vec![vec![]],
        };
        let hierarchies = names.into_iter().map(|names| Hierarchy {
            mount: dir.join(names.join(",")),
            version,
            controllers: names.into_iter().map(str::to_owned).collect(),
        });
        let group = Cgroup::at(Path::new("/g"), &hierarchies.collect::<Vec<_>>()).expect("a group");
        group.dirs.iter().for_each(|(_, dir)| sys::create_dir_all(dir, 0o755).expect("a directory"));
        group
    }

    fn read(path: PathBuf) -> String {
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn v1_has_a_file_for_each() {
        let dir = tempfile::tempdir().expect("a directory");
        let group = group(dir.path(), Version::V1);
        let wanted = HostConfig {
            memory: 64 << 20,
            memory_swap: 128 << 20,
            nano_cpus: 1_500_000_000,
            pids_limit: Some(-1),
            ..HostConfig::default()
        };
        group.change(&wanted, &wanted).expect("changed");
        let at = |file: &str| read(dir.path().join(file));
        assert_eq!(at("memory/g/memory.limit_in_bytes"), "67108864");
        assert_eq!(at("memory/g/memory.memsw.limit_in_bytes"), "134217728");
        assert_eq!(at("cpu,cpuacct/g/cpu.cfs_quota_us"), "150000");
        assert_eq!(at("cpu,cpuacct/g/cpu.cfs_period_us"), "100000");
        assert_eq!(at("pids/g/pids.max"), "max");
        assert!(!dir.path().join("cpu,cpuacct/g/cpu.shares").exists(), "as it was");
    }

    #[test]
    fn v2_counts_swap_apart_and_shares_as_weight() {
        let dir = tempfile::tempdir().expect("a directory");
        let group = group(dir.path(), Version::V2);
        let wanted = HostConfig {
            memory_swap: 128 << 20,
            cpu_shares: 1024,
            cpu_quota: 50_000,
            pids_limit: Some(7),
            ..HostConfig::default()
        };
        let whole = HostConfig { memory: 64 << 20, cpu_period: 20_000, ..wanted.clone() };
        group.change(&wanted, &whole).expect("changed");
        let at = |file: &str| read(dir.path().join("g").join(file));
        assert_eq!(at("memory.swap.max"), "67108864");
        assert_eq!((at("cpu.weight"), at("cpu.max")), ("39".to_owned(), "50000 20000".to_owned()));
        assert_eq!(at("pids.max"), "7");
        assert!(!dir.path().join("g/memory.max").exists());
    }
}
