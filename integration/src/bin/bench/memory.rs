//! What an engine keeps in memory for each container that runs: the proportional set size of its supervisors.

use std::fs;

use integration::House;

use crate::name;
use crate::table::Table;

const RUNNING: usize = 20;

/// Mean of twenty containers at once, in KiB.
pub(crate) fn measure(table: &mut Table, houses: &[House; 2]) {
    for house in houses {
        for _ in 0..RUNNING {
            house.ok(&["run", "-d", "--network", "none", "busybox:golden", "sleep", "100000"]);
        }
        let pids = if house.is_ours() { house.shims() } else { containerd_shims(house) };
        assert_eq!(pids.len(), RUNNING, "a supervisor for each");
        let total: u64 = pids.iter().map(|pid| pss_kib(*pid)).sum();
        table.note("KiB (PSS) of a running container's supervisor", &name(house), total as f64 / pids.len() as f64);
        let ids = house.ok(&["ps", "-q"]);
        house.run(&[&["rm", "-f"][..], &ids.lines().collect::<Vec<_>>()].concat()).ok();
    }
}

fn containerd_shims(house: &House) -> Vec<u32> {
    let room = house.room().display().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let argv = fs::read(process.path().join("cmdline")).ok()?;
            let argv = String::from_utf8_lossy(&argv).into_owned();
            (argv.contains("containerd-shim") && argv.contains(&room)).then_some(pid)
        })
        .collect()
}

fn pss_kib(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
