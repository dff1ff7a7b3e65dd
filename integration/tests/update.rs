//! `update`: other limits and restart policies, in the file and in the kernel.

use integration::{House, Said, same_on_both};

const IMAGE: &str = "busybox:golden";

fn made(house: &House, name: &str, flags: &[&str]) {
    house.run(&[&["create", "--network", "none", "--name", name], flags, &[IMAGE, "sleep", "1000"]].concat()).ok();
}

/// The file with a container's limits.
fn limits(house: &House, name: &str) -> serde_json::Value {
    let id = house.ok(&["inspect", "-f", "{{.Id}}", name]);
    house.json(&format!("containers/{id}/hostconfig.json"))
}

/// What the kernel says, of a container that runs on v1.
fn group(house: &House, name: &str) -> Vec<String> {
    let pid = house.ok(&["inspect", "-f", "{{.State.Pid}}", name]);
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("it runs");
    let files = [
        ("cpu", "cpu.shares"),
        ("cpu", "cpu.cfs_quota_us"),
        ("cpu", "cpu.cfs_period_us"),
        ("cpuset", "cpuset.cpus"),
        ("memory", "memory.limit_in_bytes"),
        ("memory", "memory.memsw.limit_in_bytes"),
        ("memory", "memory.soft_limit_in_bytes"),
        ("pids", "pids.max"),
    ];
    let v1 = files.map(|(controller, file)| {
        let path = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (names, path) = rest.split_once(':')?;
            names.split(',').any(|name| name == controller).then_some(path)
        });
        let text = path.map(|path| std::fs::read_to_string(format!("/sys/fs/cgroup/{controller}{path}/{file}")));
        format!("{file}: {}", text.and_then(Result::ok).unwrap_or_default().trim())
    });
    v1.to_vec()
}

#[test]
fn what_does_not_run_gets_it_in_its_file() {
    same_on_both(|house| {
        made(house, "one", &["-m", "64m"]);
        made(house, "two", &["--cpus", "1"]);
        let said = [
            house.run(&["update", "-m", "100m", "--memory-reservation", "50m", "one", "two"]),
            house.run(&["update", "--cpus", "0.5", "--cpuset-cpus", "0", "--cpuset-mems", "0", "two"]),
            house.run(&["update", "-c", "300", "--pids-limit", "50", "--cpu-rt-period", "7", "one"]),
            house.run(&["container", "update", "--cpu-period", "20000", "--cpu-quota", "10000", "one"]),
            house.run(&["update", "-m", "200m", "--memory-swap", "-1", "two"]),
            house.run(&["update", "--restart", "on-failure:3", "one", "two"]),
            house.run(&["update", "--pids-limit", "-1", "--blkio-weight", "300", "--kernel-memory", "50m", "one"]),
        ];
        (said.to_vec(), limits(house, "one"), limits(house, "two"))
    });
}

/// The kernel has it at once, also of one that is held still.
#[test]
fn what_runs_gets_it_at_once() {
    same_on_both(|house| {
        made(house, "one", &["-m", "64m"]);
        house.ok(&["start", "one"]);
        let before = group(house, "one");
        let all = ["-m", "100m", "--memory-swap", "300m", "--memory-reservation", "32m", "--cpus", "0.5", "-c", "512"];
        let more = ["--cpuset-cpus", "0", "--pids-limit", "77", "one"];
        let said = house.run(&[&["update"], &all[..], &more[..]].concat());
        let after = group(house, "one");
        let smaller = house.run(&["update", "-m", "30m", "--memory-reservation", "20m", "--memory-swap", "40m", "one"]);
        house.ok(&["pause", "one"]);
        let unlimited = house.run(&["update", "--pids-limit", "-1", "one"]);
        house.ok(&["unpause", "one"]);
        let later = (group(house, "one"), limits(house, "one"));
        house.ok(&["restart", "-t", "0", "one"]);
        let again = group(house, "one");
        house.ok(&["rm", "-f", "one"]);
        ((before, said, after), (smaller, unlimited), later, again)
    });
}

/// Refused, whatever the reason, it stays as it was.
#[test]
fn what_is_refused() {
    same_on_both(|house| {
        made(house, "one", &["-m", "64m", "--cpus", "1"]);
        made(house, "quota", &["--cpu-quota", "5000", "--cpu-period", "10000", "--rm"]);
        let refused: [&[&str]; 26] = [
            &["update", "one"],
            &["update", "-m", "1m", "one"],
            &["update", "-m", "500m", "one"],
            &["update", "-m", "50m", "--memory-swap", "40m", "one"],
            &["update", "-m", "50m", "--memory-reservation", "60m", "one"],
            &["update", "--memory-reservation", "1m", "one"],
            &["update", "-m", "lots", "one"],
            &["update", "--cpus", "99", "one"],
            &["update", "--cpus", "x", "one"],
            &["update", "--cpus", "1", "quota"],
            &["update", "--cpu-quota", "5000", "one"],
            &["update", "--cpu-period", "5000", "one"],
            &["update", "--cpu-period", "5", "quota"],
            &["update", "--cpu-quota", "5", "quota"],
            &["update", "--cpus", "1", "--cpu-period", "5000", "quota"],
            &["update", "--cpuset-cpus", "77", "one"],
            &["update", "--cpuset-cpus", "x", "one"],
            &["update", "--cpuset-mems", "9", "one"],
            &["update", "--restart", "sometimes", "one"],
            &["update", "--restart", "always:3", "one"],
            &["update", "--restart", "on-failure:x", "one"],
            &["update", "--restart", "on-failure:-1", "one"],
            &["update", "--restart", "always", "quota"],
            &["update", "--kernel-memory", "1m", "one"],
            &["update", "-c", "5", "ghost"],
            &["update", "-c", "700", "ghost", "one", "spirit"],
        ];
        let said: Vec<Said> = refused.iter().map(|args| house.run(args)).collect();
        (said, house.run(&["update", "-c", "5"]).code, limits(house, "one"), limits(house, "quota"))
    });
}

/// Who runs hears of its new policy.
#[test]
fn a_restart_policy_for_what_runs() {
    same_on_both(|house| {
        let script = "echo begun; read end; exit 1";
        house.ok(&["run", "-di", "--network", "none", "--name", "one", IMAGE, "sh", "-c", script]);
        let said = house.run(&["update", "--restart", "on-failure:1", "one"]);
        house.spawn(&["attach", "one"]).feed(b"end\n");
        while house.ok(&["logs", "one"]) != "begun\nbegun" {
            std::thread::yield_now();
        }
        let back = house.run(&["update", "--restart", "no", "one"]);
        house.spawn(&["attach", "one"]).feed(b"end\n");
        house.ended("one");
        (said, back, house.ok(&["inspect", "-f", "{{.RestartCount}} {{json .HostConfig.RestartPolicy}}", "one"]))
    });
}

/// One that ends and begins all the time is in nobody's way, and ends for good when it shall.
#[test]
fn what_comes_and_goes() {
    same_on_both(|house| {
        let flags = ["run", "-d", "--network", "none", "--restart", "always", "--name", "one", IMAGE];
        house.ok(&[&flags[..], &["sh", "-c", "sleep 0.02; exit 1"]].concat());
        for round in 0..12 {
            let policy = ["always", "on-failure:500", "unless-stopped"][round % 3];
            // dockerd refuses one that is just ending.
            let said = house.run(&["update", "--restart", policy, "one"]);
            assert!(said.code == 0 || !house.is_ours(), "{said:?}");
        }
        let mut last = house.run(&["update", "--restart", "no", "one"]);
        while last.code != 0 {
            last = house.run(&["update", "--restart", "no", "one"]);
        }
        while house.ok(&["inspect", "-f", "{{.State.Status}}", "one"]) != "exited" {
            std::thread::yield_now();
        }
        (last, house.ok(&["inspect", "-f", "{{.State.ExitCode}}", "one"]))
    });
}

/// What the kernel will not have is in no file either.
#[test]
fn what_the_kernel_refuses() {
    same_on_both(|house| {
        made(house, "one", &["-m", "64m", "--memory-swap", "128m"]);
        house.ok(&["start", "one"]);
        let before = group(house, "one");
        // More than it may have with swap, which an unlimited one leaves as it is in the kernel.
        let said = house.run(&["update", "-m", "200m", "--memory-swap", "-1", "one"]);
        let cannot = said.err.contains("Cannot update container");
        let same = group(house, "one") == before;
        let limits = limits(house, "one");
        house.ok(&["rm", "-f", "one"]);
        (said.code, cannot, same, limits)
    });
}
