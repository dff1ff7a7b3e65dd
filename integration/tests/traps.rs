//! What libcontainer does unlike Docker unless one takes care: a story for each trap that shows from outside.

use std::os::unix::ffi::OsStrExt;

use integration::images::{Layer, archive, base_layer};
use integration::{House, Said, same_on_both};
use serde_json::json;

fn run(house: &House, args: &[&str]) -> Said {
    house.run(&[&["run", "--rm", "--network", "none"], args].concat())
}

/// SIGPIPE ends a writer nobody reads, silently.
#[test]
fn a_broken_pipe_is_silent() {
    same_on_both(|house| {
        let said = run(
            house,
            &[
                "busybox:golden",
                "sh",
                "-c",
                "yes | head -n 1; trap; grep -E '^Sig(Blk|Ign)' /proc/self/status | sed 's/[0-9a-f]*\\(....\\)$/\\1/'",
            ],
        );
        house.ok(&["run", "-d", "--network", "none", "--name", "up", "busybox:golden", "sleep", "1000"]);
        let exec = house.run(&[
            "exec",
            "up",
            "sh",
            "-c",
            "yes | head -n 1; grep -E '^Sig(Blk|Ign)' /proc/self/status | sed 's/[0-9a-f]*\\(....\\)$/\\1/'",
        ]);
        house.ok(&["kill", "up"]);
        (said, exec)
    });
}

/// A program of root's with mode 0750 runs for root; a PATH of one's own is searched; none at all is the default one.
#[test]
fn programs_are_found_and_run() {
    same_on_both(|house| {
        let script = b"#!/bin/sh\necho here\n";
        let layer = Layer::new()
            .dir("opt", 0o755)
            .file_as("opt/owner", 0o750, 0, script)
            .file_as("opt/guest", 0o700, 1000, script)
            .file_as("opt/none", 0o644, 0, script)
            .file_as("opt/no-interpreter", 0o755, 0, b"#!/no/such\n")
            .file_as("opt/garbage", 0o755, 0, b"\x00\x01garbage");
        house.run_fed(&["load"], &archive(&[base_layer().to_vec(), layer.tar()], &json!({}), &["opt:1"])).ok();
        let said = [
            run(house, &["opt:1", "/opt/owner"]),
            run(house, &["-e", "PATH=/opt:/bin", "opt:1", "owner"]),
            run(house, &["-u", "guest", "opt:1", "/opt/owner"]),
            run(house, &["-u", "guest", "opt:1", "/opt/guest"]),
            run(house, &["opt:1", "/opt/none"]),
            run(house, &["-e", "PATH=", "opt:1", "true"]),
            run(house, &["opt:1", "/opt/no-interpreter"]),
            run(house, &["-w", "/opt", "opt:1", "./owner"]),
            run(house, &["opt:1", "/opt/garbage"]),
        ];
        said.to_vec()
    });
}

/// HOME comes from the image's own passwd, or is `/` for one who is not in it.
#[test]
fn home_is_set() {
    same_on_both(|house| {
        let said = [
            &["busybox:golden"][..],
            &["-u", "guest", "busybox:golden"],
            &["-u", "4321", "busybox:golden"],
            &["-e", "HOME=/mine", "busybox:golden"],
        ];
        said.map(|flags| run(house, &[flags, &["sh", "-c", "echo $HOME"]].concat())).to_vec()
    });
}

/// A caller whose own environment is no text, or is full of what must not leak in.
#[test]
fn the_callers_environment_stays_outside() {
    same_on_both(|house| {
        let mut client = house.client();
        client.env("ODD", std::ffi::OsStr::from_bytes(b"\xff\xff")).env("LEAK", "secret").env("LD_PRELOAD", "");
        let said =
            client.args(["run", "--rm", "--network", "none", "busybox:golden", "env"]).output().expect("it runs");
        let mut lines: Vec<_> = String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    });
}

/// The init is who the user asked for, and so is an exec without a word about it.
#[test]
fn exec_is_the_containers_user() {
    same_on_both(|house| {
        house.ok(&[
            "run",
            "-d",
            "--network",
            "none",
            "-u",
            "1000:50",
            "-w",
            "/data",
            "--name",
            "up",
            "busybox:golden",
            "sleep",
            "1000",
        ]);
        let said = house.run(&[
            "exec",
            "up",
            "sh",
            "-c",
            "id; pwd; grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status",
        ]);
        house.ok(&["kill", "up"]);
        said
    });
}

/// A signal that ends nothing leaves it running.
#[test]
fn a_signal_is_no_stop() {
    same_on_both(|house| {
        house.ok(&[
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            "up",
            "busybox:golden",
            "sh",
            "-c",
            "trap : WINCH; while true; do sleep 0.1; done",
        ]);
        let said = [
            house.run(&["kill", "-s", "CONT", "up"]),
            house.run(&["inspect", "-f", "{{.State.Status}}", "up"]),
            house.run(&["exec", "up", "true"]),
        ];
        house.ok(&["kill", "up"]);
        said.to_vec()
    });
}

/// Short ones by the dozen: no exit code is lost, no start hangs.
#[test]
fn very_short_containers() {
    same_on_both(|house| {
        let codes: Vec<_> =
            (0..20).map(|number| run(house, &["busybox:golden", "sh", "-c", &format!("exit {number}")]).code).collect();
        (codes, house.tree("containers"))
    });
}

/// Children that outlive the first process do not keep it, its cgroup or its files.
#[test]
fn orphans_end_with_it() {
    same_on_both(|house| {
        let said = run(
            house,
            &[
                "--name",
                "one",
                "busybox:golden",
                "sh",
                "-c",
                "setsid sleep 1000 & setsid sh -c 'sleep 1000' & echo gone",
            ],
        );
        let mounts: Vec<_> = house.mounts().into_iter().filter(|mount| mount.contains("merged")).collect();
        (said, mounts, house.tree("containers"))
    });
}

/// `/proc/self/exe` of a container's process is never a way to the host's binary.
#[test]
fn the_hosts_binary_is_out_of_reach() {
    same_on_both(|house| {
        let before = house.client();
        let binary =
            std::fs::read(before.get_program()).map(|bytes| integration::images::hex(&bytes)).unwrap_or_default();
        // An image whose entry point is the runtime's own binary (CVE-2019-5736), and one that waits for an exec.
        let said = run(house, &["--entrypoint", "/proc/self/exe", "busybox:golden", "--version"]);
        let script = "for n in 1 2 3; do for exe in /proc/[0-9]*/exe; do (echo x > $exe) 2>/dev/null && echo wrote $exe; done; done; echo tried";
        house.ok(&[
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            "up",
            "busybox:golden",
            "sh",
            "-c",
            &format!("while true; do {script} >/tried; done"),
        ]);
        for _ in 0..5 {
            house.ok(&["exec", "up", "true"]);
        }
        let wrote = house.run(&["exec", "up", "grep", "-c", "wrote", "/tried"]).out;
        house.ok(&["kill", "up"]);
        let after =
            std::fs::read(before.get_program()).map(|bytes| integration::images::hex(&bytes)).unwrap_or_default();
        assert_eq!(binary, after, "the binary was changed");
        (said.code != 0, wrote)
    });
}
