//! Whether a group's memory ran out and the kernel killed for it.
//!
//! dockerd listens for the event; the counters say the same afterwards: v1 `memory.oom_control`
//! (since Linux 4.13), v2 `memory.events`.

use std::path::Path;

use super::Version;

/// Whether the counter of kills in the group's directory is above zero.
pub(super) fn killed(version: Version, dir: &Path) -> bool {
    let file = match version {
        Version::V1 => "memory.oom_control",
        Version::V2 => "memory.events",
    };
    std::fs::read_to_string(dir.join(file)).is_ok_and(|text| count(&text) > 0)
}

fn count(text: &str) -> u64 {
    let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    kills.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_counts_kills_not_the_switch() {
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"), 0);
        assert_eq!(count("oom_kill_disable 1\nunder_oom 1\noom_kill 2\n"), 2);
    }

    #[test]
    fn v2_counts_kills_not_events() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let events = dir.path().join("memory.events");
        sys::truncate_write(&events, b"low 0\nhigh 0\nmax 7\noom 3\noom_kill 0\noom_group_kill 0\n", 0o644)
            .expect("write");
        assert!(!killed(Version::V2, dir.path()));
        sys::truncate_write(&events, b"max 7\noom 3\noom_kill 1\n", 0o644).expect("write");
        assert!(killed(Version::V2, dir.path()));
    }

    #[test]
    fn a_host_without_the_counter_knows_of_no_kill() {
        assert!(!killed(Version::V1, Path::new("/nonexistent")));
    }
}
