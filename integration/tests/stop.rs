//! `stop`: asks, waits, kills.

use std::time::Instant;

use integration::{House, same_on_both};

const POLITE: &str = "trap 'echo bye; exit 3' TERM; echo ready; while true; do sleep 0.1; done";
const DEAF: &str = "trap '' TERM; echo ready; while true; do sleep 0.1; done";

fn up(house: &House, name: &str, script: &str) {
    house.ok(&["run", "-d", "--network", "none", "--name", name, "busybox:golden", "sh", "-c", script]);
    // Its trap is set when it says so.
    while !house.ok(&["logs", name]).contains("ready") {
        std::thread::yield_now();
    }
}

#[test]
fn a_polite_one_ends_itself() {
    same_on_both(|house| {
        up(house, "polite", POLITE);
        let said = house.run(&["stop", "polite"]);
        (said, house.run(&["logs", "polite"]), house.run(&["ps", "-a"]), house.tree("containers"))
    });
}

#[test]
fn a_deaf_one_is_killed_in_time() {
    same_on_both(|house| {
        up(house, "deaf", DEAF);
        let began = Instant::now();
        let said = house.run(&["stop", "-t", "1", "deaf"]);
        let took = began.elapsed().as_secs();
        (said, (1..8).contains(&took), house.run(&["inspect", "-f", "{{.State.ExitCode}} {{.State.Status}}", "deaf"]))
    });
}

#[test]
fn stopped_missing_and_several() {
    same_on_both(|house| {
        up(house, "one", POLITE);
        up(house, "two", POLITE);
        house.ok(&["create", "--network", "none", "--name", "never", "busybox:golden"]);
        let said = [
            house.run(&["stop", "one", "nosuch", "two"]),
            house.run(&["stop", "one"]),
            house.run(&["stop", "never"]),
            house.run(&["stop", "nosuch"]),
        ];
        (said.to_vec(), house.run(&["ps", "-a"]))
    });
}

/// The image's or the user's own signal.
#[test]
fn its_own_signal() {
    same_on_both(|house| {
        let script = "trap 'echo usr1; exit 4' USR1; echo ready; while true; do sleep 0.1; done";
        let run = [
            "run",
            "-d",
            "--network",
            "none",
            "--stop-signal",
            "SIGUSR1",
            "--name",
            "own",
            "busybox:golden",
            "sh",
            "-c",
            script,
        ];
        house.ok(&run);
        while !house.ok(&["logs", "own"]).contains("ready") {
            std::thread::yield_now();
        }
        (house.run(&["stop", "own"]), house.run(&["logs", "own"]), house.run(&["wait", "own"]))
    });
}
