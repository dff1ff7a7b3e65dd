//! What libcontainer 0.7 gets wrong when it is used as its documents show, one test each, numbered.
//! `libcontainer.rs` beside this shows them without our part.
//!
//! T14 has no cure (no containers without root on cgroup v1), T18 is no fault.

mod support;

use serde_json::json;
use support::{House, field};

/// T1: the cgroup mount's `ro` is ignored on v1.
#[test]
fn t1_a_container_cannot_change_its_own_limits() {
    let mut house = House::new();
    house.spec["linux"]["resources"]["memory"]["limit"] = json!(64 << 20);
    house.script(
        "cd /sys/fs/cgroup/memory && echo 1000000000 > memory.limit_in_bytes; mkdir child; cat memory.limit_in_bytes; \
         for dir in /sys/fs/cgroup/*; do touch $dir/tasks && echo $dir; done",
    );
    let said = house.run().expect("it starts");
    assert_eq!(said.out, "67108864\n");
    assert_eq!(said.err.matches("Read-only file system").count(), 11, "{}", said.err);
}

/// T1, the other half: what a privileged container makes below its group goes with it.
#[test]
fn t1_groups_made_by_a_container_go_with_it() {
    let mut house = House::new();
    house.spec["mounts"][4]["options"] = json!(["nosuid", "noexec", "nodev"]);
    assert_eq!(house.spec["mounts"][4]["type"], "cgroup");
    house.script("mkdir -p /sys/fs/cgroup/memory/a/b /sys/fs/cgroup/pids/c && echo made");
    assert_eq!(house.run().expect("it starts").out, "made\n");
    house.assert_all_gone();
}

/// T2: `noNewPrivileges: false`, as dockerd spells it, made the filter be loaded when the right to
/// was gone. T5: defaults of the builders that are not docker's.
#[test]
fn t2_t5_init_has_dockers_rights_and_filter() {
    let mut house = House::new();
    house.spec["process"]["noNewPrivileges"] = json!(false);
    house.script("cat /proc/self/status; grep 'open files' /proc/self/limits");
    let said = house.run().expect("it starts");
    assert_rights(&said.out);
    let ours = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let ours = ours.lines().find(|line| line.contains("open files")).expect("a line");
    assert!(said.out.contains(ours.trim_end()), "{}", said.out);
}

/// What `docker run` and `docker exec` of 20.10.24 show.
fn assert_rights(status: &str) {
    let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|name| field(status, name));
    let (none, defaults) = ("0000000000000000", "00000000a80425fb");
    assert_eq!(sets, [none, defaults, defaults, defaults, none]);
    let rest =
        ["NoNewPrivs", "Seccomp", "Seccomp_filters", "SigBlk", "SigIgn", "Umask"].map(|name| field(status, name));
    assert_eq!(rest, ["0", "2", "1", none, none, "0022"]);
}

/// T3: exec had no filter. T4: it was always root, and could gain no privileges.
#[test]
fn t3_t4_exec_has_the_filter_and_its_own_user() {
    let house = House::running(&["sleep", "1000"]);
    // Not by `sh -c`: it would ignore SIGQUIT, under docker too.
    assert_rights(&house.exec_as(&["cat", "/proc/self/status"], |_| {}).expect("it starts").out);
    let as_user =
        |process: &mut serde_json::Value| process["user"] = json!({"uid": 1000, "gid": 5, "additionalGids": [5, 6]});
    let said = house.exec_as(&["sh", "-c", "id -u; id -g; cat /proc/self/status"], as_user).expect("it starts");
    assert!(said.out.starts_with("1000\n5\n"), "{}", said.out);
    assert_eq!(field(&said.out, "Groups"), "5 6");
    assert_eq!(["NoNewPrivs", "Seccomp", "CapEff"].map(|name| field(&said.out, name)), ["0", "2", "0000000000000000"]);
}

/// T3: and the filter is the profile.
#[test]
fn t3_the_filter_refuses_what_docker_refuses() {
    let house = House::running(&["sleep", "1000"]);
    let said = house.exec("mount -t tmpfs x /tmp; cd /; true");
    assert!(said.err.contains("permission denied") || said.err.contains("Operation not permitted"), "{said:?}");
}

/// A process that is not root has a bounding set, and no more.
#[test]
fn a_user_has_only_a_bounding_set() {
    let mut house = House::new();
    house.spec["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    let bounding = house.spec["process"]["capabilities"]["bounding"].clone();
    house.spec["process"]["capabilities"] = json!({ "bounding": bounding });
    let said = house.script("cat /proc/self/status").run().expect("it starts");
    let sets = ["CapPrm", "CapEff", "CapBnd"].map(|name| field(&said.out, name).to_owned());
    assert_eq!(sets, ["0000000000000000", "0000000000000000", "00000000a80425fb"]);
}

/// T6: SIGPIPE was ignored.
#[test]
fn t6_a_broken_pipe_ends_a_writer_silently() {
    let mut house = House::new();
    let said = house.script("yes | head -n 1").run().expect("it starts");
    assert_eq!((said.out.as_str(), said.err.as_str(), said.code), ("y\n", "", 0));
    let house = House::running(&["sleep", "1000"]);
    assert_eq!(house.exec("yes | head -n 1").err, "");
}

/// T7: an executable that only its owner may run was refused, and so was a container without PATH.
#[test]
fn t7_root_runs_what_is_roots() {
    let mut house = House::new();
    sys::chmod(house.root().join("bin/busybox"), 0o750).expect("chmod");
    assert_eq!(house.args(&["echo", "hi"]).run().expect("it starts").out, "hi\n");
    house.spec["process"]["env"] = json!(["HOME=/"]);
    assert_eq!(house.args(&["/bin/echo", "hi"]).run().expect("it starts").out, "hi\n");
}

/// T8: a failing execve was invisible. Words and codes as dockerd 20.10.24 with runc 1.1.5.
#[test]
fn t8_what_cannot_be_executed_is_said_in_dockers_words() {
    const BEFORE: &str = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
                          container process: ";
    let mut house = House::new();
    sys::write_new(house.root().join("bin/noexec"), b"x", 0o644).expect("write");
    for (program, words, code) in [
        ("nope", "exec: \"nope\": executable file not found in $PATH", 127),
        ("/nope", "exec: \"/nope\": stat /nope: no such file or directory", 127),
        ("/tmp", "exec: \"/tmp\": permission denied", 126),
        ("/bin/noexec", "exec: \"/bin/noexec\": permission denied", 126),
    ] {
        let error = house.args(&[program]).detached().expect_err("not executable");
        assert_eq!((error.message, error.exit_code), (format!("{BEFORE}{words}: unknown"), code));
        house.assert_all_gone();
    }
    let house = House::running(&["sleep", "1000"]);
    let error = house.exec_as(&["nope"], |_| {}).expect_err("not executable");
    let words = "OCI runtime exec failed: exec failed: unable to start container process: exec: \"nope\": executable \
                 file not found in $PATH: unknown";
    assert_eq!((error.message.as_str(), error.exit_code), (words, 126));
}

/// T8: what only execve finds out is the container's own output, as with runc.
#[test]
fn t8_what_only_the_kernel_refuses_is_output() {
    let mut house = House::new();
    sys::write_new(house.root().join("bin/badinterp"), b"#!/no/such/thing\n", 0o755).expect("write");
    sys::write_new(house.root().join("bin/junk"), b"junk\n", 0o755).expect("write");
    let said = house.args(&["/bin/junk"]).run().expect("it starts");
    assert_eq!((said.err.as_str(), said.code), ("exec /bin/junk: exec format error\n", 1));
    let said = house.args(&["badinterp"]).run().expect("it starts");
    assert_eq!((said.err.as_str(), said.code), ("exec /bin/badinterp: no such file or directory\n", 1));
}

/// T9: a variable of the caller's that is not UTF-8 broke init; nor does any other come through.
#[test]
fn t9_nothing_of_the_callers_environment_arrives() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut house = House::new();
    house.args(&["env"]);
    let bad = std::ffi::OsString::from_vec(b"\xff\xfe".to_vec());
    let said = house.minishim_run(|command| command.env("BAD", &bad).env("LISTEN_FDS", "3"));
    let expected =
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOSTNAME=a843c83a00e4\nHOME=/root\n";
    assert_eq!((said.out.as_str(), said.err.as_str(), said.code), (expected, "", 0));
}

/// T10: HOME was looked up with the image's own files: one that never ends would hang the start.
#[test]
fn t10_the_images_user_files_are_not_read() {
    let mut house = House::new();
    for file in ["passwd", "nsswitch.conf"] {
        let path = house.root().join("etc").join(file);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o644)).expect("mkfifo");
    }
    house.spec["process"]["env"] = json!(["PATH=/bin"]);
    assert_eq!(house.args(&["env"]).run().expect("it starts").out, "PATH=/bin\nHOME=/\n");
}

/// T11: a limit that may not be set failed the start with `io error`.
#[test]
fn t11_a_limit_too_high_is_named() {
    if caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE).expect("caps") {
        caps::drop(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE).expect("dropped for this thread");
    }
    let mut house = House::new();
    house.spec["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": u64::MAX, "hard": u64::MAX}]);
    let error = house.detached().expect_err("not allowed");
    assert!(error.message.contains("error setting rlimit type 7: operation not permitted: unknown"), "{error}");
    house.spec["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}]);
    assert_eq!(house.script("ulimit -n; ulimit -Hn").run().expect("it starts").out, "99\n100\n");
}

/// T12: a missing working directory failed the start.
#[test]
fn t12_a_missing_working_directory_is_made() {
    let mut house = House::new();
    house.spec["process"]["cwd"] = json!("/made/by/us");
    house.spec["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    let said = house.script("pwd; stat -c '%a %u:%g' . /made").run().expect("it starts");
    assert_eq!(said.out, "/made/by/us\n755 0:0\n755 0:0\n");
}

/// T12: but not for exec, where runc refuses it.
#[test]
fn t12_exec_wants_its_working_directory() {
    let house = House::running(&["sleep", "1000"]);
    let error = house.exec_as(&["true"], |process| process["cwd"] = json!("/none")).expect_err("no directory");
    assert!(error.message.contains("chdir to cwd (\"/none\") set in config.json failed: no such file or directory"));
}

/// A process may start where its user could not go.
#[test]
fn a_secret_working_directory_is_entered_as_root() {
    let mut house = House::new();
    sys::create_dir(house.root().join("secret"), 0o700).expect("mkdir");
    house.spec["process"]["cwd"] = json!("/secret");
    house.spec["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    house.spec["process"]["capabilities"] = json!({ "bounding": [] });
    assert_eq!(house.args(&["/bin/echo", "in"]).run().expect("it starts").out, "in\n");
}

/// T13: any signal made libcontainer believe that the container had stopped.
#[test]
fn t13_a_signal_is_not_an_end() {
    let house = House::running(&["sleep", "1000"]);
    house.connect().kill(libc::SIGCONT).expect("sent");
    assert_eq!(house.exec("echo still here").out, "still here\n");
    assert!(matches!(house.state(), runtime::shim::State::Running(_)));
}

/// T15: a filter that cannot be enforced was silently none.
#[test]
fn t15_a_filter_that_cannot_be_enforced_stops_the_start() {
    let mut house = House::new();
    house.spec["linux"]["seccomp"] =
        json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]});
    let error = house.detached().expect_err("refused");
    assert!(error.message.contains("seccomp action"), "{error}");
    house.assert_all_gone();
}

/// T16: the caller's directory, oom_score_adj and dumpable were changed.
#[test]
fn t16_the_shim_stays_as_it_was() {
    let mut house = House::new();
    house.spec["process"]["oomScoreAdj"] = json!(300);
    house.args(&["sleep", "1000"]).detached().expect("it starts");
    let read = |pid: i32, file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("readable");
    assert_eq!(read(house.pid(), "oom_score_adj").trim(), "300");
    assert_eq!(read(house.shim(), "oom_score_adj"), read(std::process::id().cast_signed(), "oom_score_adj"));
    let cwd = std::fs::read_link(format!("/proc/{}/cwd", house.shim())).expect("a directory");
    assert_eq!(cwd, std::path::Path::new("/"));
}

/// T17: a group at the hierarchy's root, left behind; and not in systemd's hierarchy.
#[test]
fn t17_the_group_is_where_it_was_to_be_and_goes() {
    let house = House::running(&["sleep", "1000"]);
    let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", house.pid())).expect("groups");
    let elsewhere = groups.lines().find(|line| !line.ends_with(&format!(":/docker/{}", house.id)));
    assert_eq!(elsewhere, None);
    assert!(!house.groups().is_empty());
    assert!(house.exec("cat /proc/self/cgroup").out == groups, "exec joins the same");
    house.kill();
    house.assert_all_gone();
}

/// T19: nobody was there for the exit code.
#[test]
fn t19_the_exit_code_is_kept_though_nobody_waits() {
    let mut house = House::new();
    house.script("exit 7").detached().expect("it starts");
    support::until("the end is recorded", || house.end().is_some());
    assert_eq!(house.end().as_deref(), Some("7 oom=false rm=false"));
    support::until("the directory goes", || !house.run_dir().exists());
}

/// T20, CVE-2019-5736: a container that is made to run `/proc/self/exe` could write to it.
#[test]
fn t20_our_own_program_cannot_be_overwritten_from_inside() {
    let mut house = House::new();
    // What our program needs to run inside, so that it can be made to.
    for dir in ["usr", "usr/lib", "usr/lib64"] {
        sys::create_dir(house.root().join(dir), 0o755).expect("mkdir");
        if dir != "usr" {
            let bind = json!({"destination": format!("/{dir}"), "type": "bind", "source": format!("/{dir}"),
                              "options": ["rbind", "ro"]});
            house.spec["mounts"].as_array_mut().expect("a list").push(bind);
        }
    }
    for (link, to) in [("lib", "usr/lib"), ("lib64", "usr/lib64")] {
        sys::symlink(to, house.root().join(link)).expect("symlink");
    }
    house.args(&["sleep", "1000"]);
    let before = std::fs::read(support::minishim()).expect("the program");
    let said = house.minishim_run_detached();
    assert_eq!(said, "");
    let mut process = house.spec["process"].clone();
    process["args"] = json!(["/proc/self/exe", "hold"]);
    let process = serde_json::from_value(process).expect("a process");
    let attach = runtime::shim::Attach { stdin: true, stdout: true, stderr: true };
    let exec = runtime::shim::ExecProcess { process, attach };
    let (held, session) = house.connect().exec(exec).expect("our program runs inside");
    let inside = std::fs::read_to_string(format!("/proc/{}/status", held.pid)).expect("it lives");
    let inside = field(&inside, "NSpid").split_whitespace().last().expect("its number inside").to_owned();
    let said = house.exec(&format!(
        "exec 3</proc/{inside}/exe; kill -9 {inside}; while kill -0 {inside} 2>/dev/null; do sleep 0.01; done; \
         echo overwritten > /proc/self/fd/3"
    ));
    assert!(said.err.contains("Read-only file system"), "{said:?}");
    assert!(std::fs::read(support::minishim()).expect("the program") == before);
    drop(session);
}

/// T21: a process that ends before anybody waits for its end.
#[test]
fn t21_the_shortest_lives_are_noticed() {
    let mut house = House::new();
    house.args(&["true"]);
    for _ in 0..20 {
        assert_eq!(house.run().expect("it starts").code, 0);
    }
}

/// Not in the list: the pipes behind `/dev/stdout` were root's, and a user could not open them.
#[test]
fn a_user_can_open_its_own_stdout() {
    let mut house = House::new();
    house.spec["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    house.spec["process"]["capabilities"] = json!({ "bounding": [] });
    let said = house.script("echo out > /dev/stdout; echo err > /dev/stderr").run().expect("it starts");
    assert_eq!((said.out.as_str(), said.err.as_str(), said.code), ("out\n", "err\n", 0));
}

/// Not in the list: which mount failed, and why, libcontainer tells only its log.
#[test]
fn a_mount_that_fails_is_named_in_runcs_words() {
    let mut house = House::new();
    let source = house.dir.path().join("run");
    let bind = json!({"destination": "/bin/busybox", "type": "bind", "source": source, "options": ["rbind"]});
    house.spec["mounts"].as_array_mut().expect("a list").push(bind);
    let error = house.detached().expect_err("a directory is no file");
    let words = format!(
        "error during container init: error mounting {source:?} to rootfs at \"/bin/busybox\": mount \
         {}:/bin/busybox (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you trying",
        source.display()
    );
    assert!(error.message.contains(&words), "{error}");
    assert_eq!(error.exit_code, 127);
    house.assert_all_gone();
}

/// What `/dev` and the masked paths look like, as `docker run` shows them.
#[test]
fn devices_and_masks_are_dockers() {
    let mut house = House::new();
    let said = house
        .script(
            "ls -l /dev | tr -s ' ' | grep -v '^total' | while read m l u g s n rest; do echo $m $rest; done | \
             grep ^c | cut -d' ' -f1; ls /proc/acpi /sys/firmware; wc -c < /proc/keys; \
             echo x > /proc/sys/kernel/hostname",
        )
        .run()
        .expect("it starts");
    assert!(said.err.contains("Read-only file system"), "{}", said.err);
}
