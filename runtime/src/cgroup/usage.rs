//! How much a group has used, as its files count.
//!
//! containerd/cgroups, v1 and v2 `Stat`; moby 20.10, daemon/daemon_unix.go `statsV1`, `statsV2`.

use std::path::Path;

use super::Cgroup;

/// What a group has used so far, and has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time of processors, in nanoseconds.
    pub cpu: u64,
    /// Bytes, without those of files that nobody has looked at for long.
    pub memory: u64,
    /// The most there may be.
    pub limit: u64,
    /// Bytes read from block devices.
    pub read: u64,
    /// Bytes written to block devices.
    pub written: u64,
    /// Processes and threads.
    pub pids: u64,
}

impl Cgroup {
    /// Reads the counters; `None` when the group is gone. What is not counted here is zero.
    pub fn usage(&self) -> Option<Usage> {
        match self.unified() {
            Some(dir) => v2(&dir),
            None => self.v1_usage(),
        }
    }

    fn v1_usage(&self) -> Option<Usage> {
        let dir = |controller: &str| self.dir_of(controller).unwrap_or_default();
        let (memory, blkio) = (dir("memory"), dir("blkio"));
        let used = number(&memory, "memory.usage_in_bytes")?;
        let (read, written) =
            ["io_service_bytes_recursive", "throttle.io_service_bytes_recursive", "throttle.io_service_bytes"]
                .iter()
                .map(|file| v1_bytes(&text(&blkio, &format!("blkio.{file}")).unwrap_or_default()))
                .find(|bytes| *bytes != (0, 0))
                .unwrap_or_default();
        Some(Usage {
            cpu: number(&dir("cpuacct"), "cpuacct.usage").unwrap_or(0),
            memory: without(used, field(&text(&memory, "memory.stat")?, "total_inactive_file")),
            limit: number(&memory, "memory.limit_in_bytes").unwrap_or(0),
            read,
            written,
            pids: number(&dir("pids"), "pids.current").unwrap_or(0),
        })
    }
}

fn v2(dir: &Path) -> Option<Usage> {
    let used = number(dir, "memory.current")?;
    let (read, written) = v2_bytes(&text(dir, "io.stat").unwrap_or_default());
    Some(Usage {
        cpu: field(&text(dir, "cpu.stat")?, "usage_usec").saturating_mul(1000),
        memory: without(used, field(&text(dir, "memory.stat")?, "inactive_file")),
        // `max` is no number.
        limit: number(dir, "memory.max").unwrap_or(u64::MAX),
        read,
        written,
        pids: number(dir, "pids.current").unwrap_or(0),
    })
}

/// docker/cli 20.10, stats_helpers.go `calculateMemUsageUnixNoCache`.
fn without(used: u64, inactive: u64) -> u64 {
    if inactive < used { used - inactive } else { used }
}

fn text(dir: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(dir.join(file)).ok()
}

fn number(dir: &Path, file: &str) -> Option<u64> {
    text(dir, file)?.trim().parse().ok()
}

/// The number behind a name that begins a line.
fn field(text: &str, name: &str) -> u64 {
    let found = text.lines().find_map(|line| line.split_once(' ').filter(|(key, _)| *key == name));
    found.and_then(|(_, number)| number.trim().parse().ok()).unwrap_or(0)
}

/// `8:0 Read 4096`, device by device.
fn v1_bytes(text: &str) -> (u64, u64) {
    let all = |operation: &str| {
        let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        words
            .filter(|words| words.get(1) == Some(&operation))
            .filter_map(|words| words.get(2)?.parse::<u64>().ok())
            .sum()
    };
    (all("Read"), all("Write"))
}

/// `8:0 rbytes=4096 wbytes=0 rios=1 …`, device by device.
fn v2_bytes(text: &str) -> (u64, u64) {
    let all = |key: &str| text.split_whitespace().filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok()).sum();
    (all("rbytes="), all("wbytes="))
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    fn group(dir: &Path, version: Version, files: &[(&str, &str, &str)]) -> Cgroup {
        let names: &[&str] = if version == Version::V2 { &[""] } else { &["memory", "cpuacct", "pids", "blkio"] };
        let hierarchies = names.iter().map(|name| Hierarchy {
            mount: dir.join(name),
            version,
            controllers: vec![(*name).to_owned()],
        });
        for (controller, file, text) in files {
            let dir = dir.join(controller).join("g");
            sys::create_dir_all(&dir, 0o755).expect("a directory");
            sys::truncate_write(dir.join(file), text.as_bytes(), 0o644).expect("a file");
        }
        Cgroup::at(Path::new("/g"), &hierarchies.collect::<Vec<_>>()).expect("a group")
    }

    #[test]
    fn v1_counts_in_many_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = [
            ("memory", "memory.usage_in_bytes", "5000\n"),
            ("memory", "memory.stat", "inactive_file 7\ntotal_inactive_file 1000\n"),
            ("memory", "memory.limit_in_bytes", "9000\n"),
            ("cpuacct", "cpuacct.usage", "123\n"),
            ("pids", "pids.current", "2\n"),
            (
                "blkio",
                "blkio.throttle.io_service_bytes",
                "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n8:16 Read 5\nTotal 35\n",
            ),
        ];
        let usage = group(dir.path(), Version::V1, &files).usage();
        let expected = Usage { cpu: 123, memory: 4000, limit: 9000, read: 15, written: 20, pids: 2 };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn v2_counts_in_few() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = [
            ("", "memory.current", "5000\n"),
            ("", "memory.stat", "anon 1\ninactive_file 1000\n"),
            ("", "memory.max", "max\n"),
            ("", "cpu.stat", "usage_usec 12\nuser_usec 5\n"),
            ("", "pids.current", "2\n"),
            ("", "io.stat", "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=5 wbytes=0\n"),
        ];
        let usage = group(dir.path(), Version::V2, &files).usage();
        let expected = Usage { cpu: 12_000, memory: 4000, limit: u64::MAX, read: 15, written: 20, pids: 2 };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn a_group_that_is_gone_has_no_usage() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(group(dir.path(), Version::V1, &[]).usage(), None);
        assert_eq!(group(dir.path(), Version::V2, &[]).usage(), None);
    }
}
