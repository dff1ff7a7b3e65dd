//! The flags of `create` and `run`: what is recorded of each, what each does inside, and what is said of values that
//! mean nothing.

use integration::{House, Said, same_on_both};

const IMAGE: &str = "busybox:golden";

fn created(house: &House, name: &str, flags: &[&str]) -> Said {
    house.run(&[&["create", "--network", "none", "--name", name], flags, &[IMAGE, "true"]].concat())
}

fn ran(house: &House, flags: &[&str], script: &str) -> Said {
    house.run(&[&["run", "--rm", "--network", "none"], flags, &[IMAGE, "sh", "-c", script]].concat())
}

/// Limits, namespaces, rights, names, health, logs: the same two files.
#[test]
fn every_flag_is_recorded_alike() {
    same_on_both(|house| {
        let said = vec![
            created(house, "memory", &["-m", "64m", "--memory-reservation", "32m", "--memory-swap", "-1"]),
            created(house, "swap", &["-m", "64m", "--memory-swap", "96m", "--memory-swappiness", "10"]),
            created(house, "oom", &["--oom-score-adj", "300", "-m", "64m", "--oom-kill-disable"]),
            created(house, "cpu", &["-c", "512", "--cpuset-cpus", "0", "--cpuset-mems", "0"]),
            created(house, "quota", &["--cpu-period", "50000", "--cpu-quota", "25000"]),
            created(house, "blkio", &["--device-read-bps", "/dev/null:1mb", "--device-write-iops", "/dev/null:7"]),
            created(house, "limits", &["--ulimit", "nofile=100:200", "--ulimit", "core=0", "--shm-size", "1m"]),
            created(house, "rights", &["--privileged"]),
            created(
                house,
                "security",
                &["--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined"],
            ),
            created(house, "paths", &["--security-opt", "systempaths=unconfined"]),
            created(house, "groups", &["--group-add", "audio", "--group-add", "1234"]),
            created(house, "sysctl", &["--sysctl", "net.ipv4.ip_forward=1"]),
            created(house, "devices", &["--device", "/dev/null:/dev/x:r", "--device-cgroup-rule", "c 1:3 rwm"]),
            created(house, "spaces", &["--pid", "host", "--ipc", "host", "--uts", "host", "--userns", "host"]),
            created(house, "cgroup", &["--cgroupns", "private", "--cgroup-parent", "/some"]),
            created(house, "init", &["--init"]),
            created(house, "restart", &["--restart", "on-failure:3"]),
            created(house, "always", &["--restart", "unless-stopped"]),
            created(house, "names", &["--domainname", "d", "--add-host", "db:10.0.0.1", "--dns", "9.9.9.9"]),
            created(house, "dns", &["--dns-search", "example.com", "--dns-option", "ndots:2"]),
            created(house, "health", &["--health-cmd", "true", "--health-interval", "5s", "--health-retries", "2"]),
            created(house, "no-health", &["--no-healthcheck"]),
            created(
                house,
                "log",
                &["--log-driver", "json-file", "--log-opt", "max-size=10k", "--log-opt", "max-file=3"],
            ),
            created(house, "quiet", &["--log-driver", "none"]),
            created(house, "streams", &["-a", "stdout"]),
            created(house, "input", &["-a", "STDIN", "-i"]),
            created(house, "ports", &["--expose", "80", "--expose", "90-92/udp"]),
            created(house, "tmpfs", &["--tmpfs", "/t", "--tmpfs", "/u:size=1m,exec"]),
        ];
        (said, house.tree("containers"))
    });
}

#[test]
fn mounts_are_recorded_alike() {
    same_on_both(|house| {
        let dir = house.room().join("shared");
        std::fs::create_dir(&dir).expect("a fresh room");
        let bind = format!("type=bind,src={},dst=/b,ro,bind-propagation=rslave", dir.display());
        let said = vec![
            created(house, "bind", &["--mount", &bind]),
            created(house, "volume", &["--mount", "src=v1,dst=/v", "--mount", "type=volume,dst=/anonymous"]),
            created(house, "memory", &["--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770"]),
            created(house, "two", &["--volumes-from", "volume"]),
            created(house, "read", &["--volumes-from", "volume:ro", "-v", "v2:/v"]),
            created(house, "twice", &["-v", "v1:/v", "--mount", "src=v2,dst=/v"]),
            created(house, "missing", &["--mount", "type=bind,src=/no/such/thing,dst=/x"]),
            created(house, "nobody", &["--volumes-from", "ghost"]),
            created(house, "mode", &["--volumes-from", "volume:bad"]),
            created(house, "kind", &["--mount", "type=bogus,dst=/x"]),
        ];
        (said, house.tree("containers"))
    });
}

#[test]
fn a_value_that_means_nothing_is_refused_alike() {
    same_on_both(|house| {
        let bad: [&[&str]; 33] = [
            &["-m", "x"],
            &["-m", "1m"],
            &["--memory-swap", "1x"],
            &["--memory-swappiness", "101"],
            &["--oom-score-adj", "2000"],
            &["--cpu-shares", "many"],
            &["--cpus", "x"],
            &["--pids-limit", "x"],
            &["--blkio-weight-device", "/tmp:10"],
            &["--device-read-bps", "/dev/null:x"],
            &["--device-read-iops", "null"],
            &["--ulimit", "nofile"],
            &["--ulimit", "bogus=1"],
            &["--ulimit", "nofile=3:2"],
            &["--shm-size", "x"],
            &["--sysctl", "kernel.panic=1"],
            &["--device", "null"],
            &["--device-cgroup-rule", "x"],
            &["--pid", "bogus"],
            &["--uts", "bogus"],
            &["--userns", "bogus"],
            &["--cgroupns", "bogus"],
            &["--restart", "bogus"],
            &["--restart", "always:3"],
            &["--restart", "on-failure:x"],
            &["--security-opt", "bogus"],
            &["--security-opt", "seccomp=/no/such/file"],
            &["--add-host", "db"],
            &["--dns", "x"],
            &["--health-interval", "x"],
            &["--health-retries", "-1"],
            &["--log-driver", "none", "--log-opt", "a=b"],
            &["--expose", "80:80"],
        ];
        bad.map(|flags| created(house, "bad", flags)).to_vec()
    });
}

/// What a container's process notices of them.
#[test]
fn what_the_flags_do_inside() {
    same_on_both(|house| {
        let seen = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";
        vec![
            ran(house, &["-m", "64m", "--memory-swap", "96m"], seen),
            ran(
                house,
                &["-c", "512", "--cpuset-cpus", "0"],
                "cat /sys/fs/cgroup/cpu/cpu.shares; grep Cpus_allowed_list /proc/self/status",
            ),
            ran(house, &["--cpu-period", "50000", "--cpu-quota", "25000"], "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
            ran(house, &["--ulimit", "nofile=100:200"], "ulimit -n; ulimit -Hn"),
            ran(
                house,
                &["--shm-size", "1m", "--oom-score-adj", "300"],
                "df -k /dev/shm | tail -n 1; cat /proc/self/oom_score_adj",
            ),
            ran(house, &["--group-add", "1234"], "id -G"),
            ran(house, &["--sysctl", "net.ipv4.ip_forward=1"], "cat /proc/sys/net/ipv4/ip_forward"),
            ran(
                house,
                &["--device", "/dev/null:/dev/x"],
                "ls -l /dev/x | cut -c1-10; echo gone > /dev/x && echo written",
            ),
            ran(house, &["--security-opt", "no-new-privileges"], "grep NoNewPrivs /proc/self/status"),
            ran(house, &["--security-opt", "seccomp=unconfined"], "grep Seccomp: /proc/self/status"),
            ran(house, &["--add-host", "db:10.0.0.1", "--dns", "9.9.9.9"], "grep db /etc/hosts; cat /etc/resolv.conf"),
            ran(house, &["--domainname", "d.example"], "cat /proc/sys/kernel/domainname"),
            ran(house, &["--tmpfs", "/t:size=1m,mode=700"], "stat -c %a /t; df -k /t | tail -n 1"),
            ran(
                house,
                &["--mount", "type=tmpfs,dst=/t,tmpfs-size=2m"],
                "df -k /t | tail -n 1; touch /t/x && echo writable",
            ),
        ]
    });
}

/// A profile of the user's own counts for init and for exec.
#[test]
fn a_seccomp_profile_from_a_file() {
    same_on_both(|house| {
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}"#;
        let file = house.write("profile.json", profile.as_bytes());
        let option = format!("seccomp={}", file.display());
        let flags = ["--security-opt", &option];
        let init = ran(house, &flags, "mkdir /x; grep Seccomp: /proc/self/status");
        let long = [&["run", "-d", "--network", "none", "--name", "long"], &flags[..], &[IMAGE, "sleep", "1000"]];
        house.ok(&long.concat());
        let exec = house.run(&["exec", "long", "mkdir", "/y"]);
        house.ok(&["rm", "-f", "long"]);
        let bad = house.write("bad.json", b"nonsense").display().to_string();
        let bad = created(house, "bad", &["--security-opt", &format!("seccomp={bad}")]);
        (init, exec, bad.code)
    });
}

/// All rights: devices, no filter, nothing masked, limits can be changed from inside.
#[test]
fn a_privileged_container() {
    same_on_both(|house| {
        let script = "grep -E 'Cap(Eff|Bnd)|Seccomp:' /proc/self/status; ls /dev | wc -l; touch /proc/sys/kernel/x 2>&1; \
                      mount -t tmpfs x /mnt && echo mounted; mkdir /sys/fs/cgroup/memory/child && echo made; \
                      grep ' /sys ' /proc/mounts";
        (ran(house, &["--privileged"], script), ran(house, &[], "mount -t tmpfs x /mnt"))
    });
}

#[test]
fn an_id_goes_to_a_file_which_must_not_be_there() {
    same_on_both(|house| {
        let file = house.room().join("id").display().to_string();
        let first = created(house, "one", &["--cidfile", &file]);
        let written = std::fs::read_to_string(&file).expect("the file");
        let second = created(house, "two", &["--cidfile", &file]);
        let third = house.room().join("id3").display().to_string();
        let run = ran(house, &["--cidfile", &third], "exit 3");
        (first, written, second, run, std::fs::read_to_string(&third).is_ok_and(|id| id.len() == 64))
    });
}

#[test]
fn variables_and_labels_come_from_files() {
    same_on_both(|house| {
        let env = house.write("env", b"# comment\nA=1\n  B=two words \nNOT_OURS\n").display().to_string();
        let labels = house.write("labels", b"x=1\ny\n").display().to_string();
        let shown = ran(house, &["--env-file", &env, "-e", "A=2"], "echo \"$A|$B|$NOT_OURS\"");
        let kept = created(house, "kept", &["--env-file", &env, "--label-file", &labels, "-l", "x=2"]);
        let missing = created(house, "missing", &["--env-file", "/no/such/file"]);
        let bad = house.write("bad", b"a b=1\n").display().to_string();
        let bad = created(house, "bad", &["--env-file", &bad]);
        (shown, kept, missing, bad, house.tree("containers"))
    });
}

/// Both see the same processes.
#[test]
fn a_container_in_another_ones_pid_namespace() {
    same_on_both(|house| {
        house.ok(&["run", "-d", "--network", "none", "--name", "first", IMAGE, "sleep", "4711"]);
        let seen = ran(house, &["--pid", "container:first"], "cat /proc/1/cmdline | tr '\\0' ' '");
        let own = ran(house, &[], "cat /proc/1/cmdline | tr '\\0' ' '");
        house.ok(&["kill", "first"]);
        house.ended("first");
        let stopped = ran(house, &["--pid", "container:first"], "true");
        (seen, own, stopped.code, stopped.err.contains("cannot join PID of a non running container"))
    });
}

/// What one writes into its shared memory the other reads; nothing stays mounted.
#[test]
fn containers_that_share_memory() {
    same_on_both(|house| {
        let share = ["run", "-d", "--network", "none", "--ipc", "shareable", "--shm-size", "2m", "--name"];
        house.ok(&[&share[..], &["donor", IMAGE, "sleep", "1000"]].concat());
        house.ok(&["exec", "donor", "sh", "-c", "echo shared > /dev/shm/x; echo 77 > /proc/sys/kernel/msgmax || true"]);
        house.ok(&["run", "-d", "--network", "none", "--name", "alone", IMAGE, "sleep", "1000"]);
        let script = "cat /dev/shm/x; df -k /dev/shm | tail -n 1; stat -c %a /dev/shm";
        let seen = ran(house, &["--ipc", "container:donor"], script);
        let own = ran(house, &[], "ls /dev/shm");
        let refused = ran(house, &["--ipc", "container:alone"], "true");
        let nobody = ran(house, &["--ipc", "container:nosuch"], "true");
        let said = ["donor", "alone"].map(|name| house.run(&["kill", name]));
        house.ended("donor");
        house.ended("alone");
        let stopped = ran(house, &["--ipc", "container:donor"], "true");
        let mounts = house.mounts().iter().filter(|mount| mount.contains("shm")).count();
        house.ok(&["start", "donor"]);
        let again = house.run(&["exec", "donor", "ls", "/dev/shm"]);
        house.ok(&["rm", "-f", "donor"]);
        (seen, own, refused, nobody, said.to_vec(), stopped, mounts, again)
    });
}
