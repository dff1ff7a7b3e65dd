//! `start`: words, exit codes, and the files a started container has.

use integration::{Driver, House, same_on, same_on_both};

fn create(house: &House, args: &[&str]) -> String {
    house.ok(&[&["create", "--network", "none"], args].concat())
}

#[test]
fn start_leaves_the_same_files() {
    same_on_both(|house| {
        create(
            house,
            &[
                "--name",
                "once",
                "busybox:golden",
                "sh",
                "-c",
                "echo out; sleep 0.1; echo err >&2; echo new > /data/new",
            ],
        );
        let said = house.run(&["start", "-a", "once"]);
        (said, house.tree("containers"), house.tree("DRIVER"), house.run(&["ps", "-a"]))
    });
}

#[test]
fn start_leaves_the_same_files_on_vfs() {
    same_on(Driver::Vfs, |house| {
        create(house, &["--name", "once", "busybox:golden", "sh", "-c", "echo new > /data/new; rm /data/kept"]);
        (house.run(&["start", "-a", "once"]), house.tree("DRIVER"), house.run(&["diff", "once"]).sorted())
    });
}

/// While it runs: the record, the mount, and nothing else.
#[test]
fn a_running_container_is_recorded_alike() {
    same_on_both(|house| {
        create(house, &["--name", "long", "busybox:golden", "sleep", "1000"]);
        let said = (house.run(&["start", "long"]), house.run(&["start", "long"]));
        let told = (said, house.tree("containers"), house.run(&["ps"]), house.run(&["inspect", "long"]).json());
        house.run(&["kill", "long"]).ok();
        told
    });
}

#[test]
fn several_arguments_are_all_tried() {
    same_on_both(|house| {
        create(house, &["--name", "one", "busybox:golden", "true"]);
        create(house, &["--name", "two", "busybox:golden", "true"]);
        let mixed = house.run(&["start", "one", "nosuch", "two", "also-missing"]);
        let attached = house.run(&["start", "-a", "one", "two"]);
        let codes = house.run(&["wait", "one", "two"]);
        (mixed, attached, codes)
    });
}

/// Exit codes of `start -a`; a command that is not there is 1 here, where `run` has 127.
#[test]
fn exit_codes() {
    same_on_both(|house| {
        let commands: [&[&str]; 6] = [
            &["sh", "-c", "exit 0"],
            &["sh", "-c", "exit 7"],
            &["sh", "-c", "kill -9 $$"],
            &["no-such-command"],
            &["/data/kept"],
            &["/data"],
        ];
        let said: Vec<_> = commands
            .iter()
            .map(|command| {
                let id = create(house, &[&["busybox:golden"], *command].concat());
                let said = house.run(&["start", "-a", &id]);
                let state =
                    house.run(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}", &id]);
                (said, state)
            })
            .collect();
        (said, house.run(&["ps", "-a", "--format", "{{.Status}}"]))
    });
}

/// `-i` gives it the user's input, to the end of it.
#[test]
fn attached_with_input() {
    same_on_both(|house| {
        create(house, &["-i", "--name", "cat", "busybox:golden", "sh", "-c", "cat; echo done"]);
        let said = house.run_fed(&["start", "-ai", "cat"], b"one\ntwo\n");
        (said, house.run(&["logs", "cat"]))
    });
}

/// Started a second time it has its files, and its log goes on.
#[test]
fn again_and_again() {
    same_on_both(|house| {
        create(house, &["--name", "count", "busybox:golden", "sh", "-c", "echo x >> /count; wc -l < /count"]);
        let said = ["1", "2", "3"].map(|_| house.run(&["start", "-a", "count"]));
        (said.to_vec(), house.run(&["logs", "count"]), house.run(&["diff", "count"]))
    });
}

/// What is inside: who, where, with which environment, name and resolver.
#[test]
fn what_the_process_sees() {
    same_on_both(|house| {
        let script = "id; pwd; env | sort; hostname; cat /etc/hosts; \
                      stat -c '%n %F %a %u %g %t,%T' /dev/* /dev/pts /dev/shm /dev/mqueue; \
                      cat /etc/resolv.conf; ip link | grep -c UP; cat /proc/self/cgroup | cut -d: -f2 | sort; umask; \
                      cat /proc/mounts | awk '{print $2, $3, $4}' | grep -v '^/ '; ls -la / | awk '{print $1, $3, $4, $9}'";
        house.run(&["run", "--rm", "--network", "none", "--name", "see", "busybox:golden", "sh", "-c", script])
    });
}
