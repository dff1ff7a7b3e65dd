//! `run`: create and start in one, with the container's own exit code.

use integration::{House, same_on_both};

fn run(house: &House, args: &[&str]) -> integration::Said {
    house.run(&[&["run", "--network", "none"], args].concat())
}

#[test]
fn exit_codes() {
    same_on_both(|house| {
        let commands: [&[&str]; 8] = [
            &["true"],
            &["false"],
            &["sh", "-c", "exit 42"],
            &["sh", "-c", "kill -TERM $$; sleep 9"],
            &["no-such-command"],
            &["/no/such/file"],
            &["/data/kept"],
            &["/data"],
        ];
        let said: Vec<_> =
            commands.iter().map(|command| run(house, &[&["--rm", "busybox:golden"], *command].concat())).collect();
        (said, house.run(&["ps", "-a"]), house.tree("containers"))
    });
}

#[test]
fn bad_options_are_125() {
    same_on_both(|house| {
        let name = run(house, &["--name", "x y", "busybox:golden"]);
        let flag = run(house, &["--no-such-flag", "busybox:golden"]);
        let conflict = run(house, &["-d", "--name", "web", "busybox:golden", "true"]).code;
        let taken = run(house, &["--name", "web", "busybox:golden"]);
        (name, flag.code, conflict, taken)
    });
}

#[test]
fn rm_leaves_nothing() {
    same_on_both(|house| {
        let said =
            run(house, &["--rm", "--name", "gone", "busybox:golden", "sh", "-c", "echo hi; echo x > /x; exit 3"]);
        let bad = run(house, &["--rm", "busybox:golden", "nosuch"]);
        (
            said,
            bad,
            house.run(&["ps", "-a"]),
            house.tree("containers"),
            house.tree("DRIVER"),
            house.tree("image/DRIVER/layerdb/mounts"),
        )
    });
}

#[test]
fn detached() {
    same_on_both(|house| {
        let said = run(house, &["-d", "--name", "back", "busybox:golden", "sh", "-c", "echo hello; exit 5"]);
        let told = (house.run(&["wait", "back"]), house.run(&["logs", "back"]), house.run(&["ps", "-a"]));
        // One that removes itself when it ends.
        run(house, &["-d", "--rm", "-i", "--name", "brief", "busybox:golden", "cat"]).ok();
        house.run(&["stop", "-t", "0", "brief"]).ok();
        while house.ok(&["ps", "-a"]).contains("brief") {
            std::thread::yield_now();
        }
        (said, told, house.run(&["ps", "-a"]))
    });
}

#[test]
fn output_and_error_are_kept_apart() {
    same_on_both(|house| {
        run(house, &["--rm", "busybox:golden", "sh", "-c", "echo out; echo err >&2; printf 'no newline'"])
    });
}

#[test]
fn input_reaches_it_only_with_i() {
    same_on_both(|house| {
        let with =
            house.run_fed(&["run", "--rm", "-i", "--network", "none", "busybox:golden", "wc", "-c"], &[b'x'; 200_000]);
        let without = house.run_fed(&["run", "--rm", "--network", "none", "busybox:golden", "wc", "-c"], b"unheard\n");
        (with, without)
    });
}

/// A megabyte of output, whole.
#[test]
fn much_output() {
    same_on_both(|house| {
        let said = run(house, &["--rm", "busybox:golden", "sh", "-c", "seq 1 150000"]);
        (said.out.len(), said.code, integration::images::hex(said.out.as_bytes()))
    });
}

#[test]
fn flags_do_what_they_say() {
    same_on_both(|house| {
        std::fs::create_dir(house.room().join("shared")).expect("a fresh room");
        house.write("shared/file", b"from the host\n");
        let shared = house.room().join("shared").display().to_string();
        let script = "id -u; id -G; pwd; hostname; echo $A-$GREETING-$EMPTY; cat /shared/file; echo in > /shared/back; touch /x; echo $?";
        let said = [
            run(
                house,
                &[
                    "--rm",
                    "-e",
                    "A=b",
                    "-w",
                    "/data/fresh",
                    "--hostname",
                    "box",
                    "-v",
                    &format!("{shared}:/shared"),
                    "busybox:golden",
                    "sh",
                    "-c",
                    script,
                ],
            ),
            run(
                house,
                &["--rm", "-u", "guest", "-v", &format!("{shared}:/shared:ro"), "busybox:golden", "sh", "-c", script],
            ),
            run(
                house,
                &[
                    "--rm",
                    "-u",
                    "1234:5678",
                    "busybox:golden",
                    "sh",
                    "-c",
                    "id; echo $HOME; touch /tmp/x; stat -c '%A %u:%g %s %n' /tmp/*",
                ],
            ),
            run(house, &["--rm", "-u", "nosuch", "busybox:golden", "id"]),
            run(
                house,
                &[
                    "--rm",
                    "--read-only",
                    "busybox:golden",
                    "sh",
                    "-c",
                    "touch /x; touch /dev/shm/x; touch /tmp/y; mount | grep ' / ' | grep -o ro,",
                ],
            ),
            run(house, &["--rm", "--entrypoint", "/bin/echo", "busybox:golden", "an", "entry point"]),
            run(house, &["--rm", "-v", &format!("{shared}/made/by/run:/m"), "busybox:golden", "ls", "-la", "/m"]),
        ];
        let back = std::fs::read_to_string(house.room().join("shared/back")).unwrap_or_default();
        (
            said.map(|mut said| {
                said.args.clear();
                said
            })
            .to_vec(),
            back,
            house.room().join("shared/made/by/run").is_dir(),
        )
    });
}

/// A volume of the user's naming, or of nobody's, filled from the image.
#[test]
fn volumes() {
    same_on_both(|house| {
        let said = [
            run(
                house,
                &[
                    "--name",
                    "one",
                    "-v",
                    "kept:/data",
                    "busybox:golden",
                    "sh",
                    "-c",
                    "ls /data; echo more > /data/more",
                ],
            ),
            run(
                house,
                &[
                    "--name",
                    "two",
                    "-v",
                    "kept:/elsewhere:ro",
                    "busybox:golden",
                    "sh",
                    "-c",
                    "ls /elsewhere; touch /elsewhere/x",
                ],
            ),
            run(house, &["--name", "three", "-v", "/anonymous", "busybox:golden", "touch", "/anonymous/file"]),
        ];
        (
            said.to_vec(),
            house.tree("volumes/kept"),
            house.run(&["rm", "-v", "one", "two", "three"]),
            house.tree("volumes/kept"),
        )
    });
}

#[test]
fn limits_are_set() {
    same_on_both(|house| {
        let script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes \
                      /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us \
                      /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max 2>/dev/null; true";
        let limits = run(
            house,
            &["--rm", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "50", "busybox:golden", "sh", "-c", script],
        );
        let forks = run(
            house,
            &[
                "--rm",
                "--pids-limit",
                "5",
                "busybox:golden",
                "sh",
                "-c",
                "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait",
            ],
        );
        (limits, forks.err.contains("can't fork"))
    });
}

/// Too much memory: killed, and it says why.
#[test]
fn out_of_memory() {
    same_on_both(|house| {
        let hungry = "x=x; while true; do x=$x$x; done";
        let said = run(house, &["--name", "hungry", "--memory", "16m", "busybox:golden", "sh", "-c", hungry]);
        (
            said.code,
            house.run(&["inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Status}}", "hungry"]),
        )
    });
}

/// A signal to the client reaches the container.
#[test]
fn signals_are_passed_on() {
    same_on_both(|house| {
        let script = "trap 'echo caught; exit 9' TERM; echo ready; while true; do sleep 0.1; done";
        let going = house.spawn(&["run", "--rm", "--network", "none", "busybox:golden", "sh", "-c", script]);
        going.await_words("ready");
        going.signal("TERM");
        going.end()
    });
}

/// The client dies, the container goes on.
#[test]
fn the_container_outlives_its_client() {
    same_on_both(|house| {
        let going = house.spawn(&[
            "run",
            "--network",
            "none",
            "--name",
            "stays",
            "busybox:golden",
            "sh",
            "-c",
            "echo ready; sleep 1000",
        ]);
        going.await_words("ready");
        going.signal("KILL");
        going.end();
        let state = house.run(&["inspect", "-f", "{{.State.Status}}", "stays"]);
        (state, house.run(&["kill", "stays"]), house.run(&["wait", "stays"]))
    });
}

#[test]
fn host_network() {
    same_on_both(|house| {
        let script = "ip -o link | wc -l; hostname; cat /etc/hosts /etc/resolv.conf";
        let said = house.run(&["run", "--name", "on-host", "--network", "host", "busybox:golden", "sh", "-c", script]);
        (said, house.tree("containers"))
    });
}
