//! `logs`: what a container said, from its json-file.

use integration::{House, same_on_both};

fn ran(house: &House, script: &str) {
    house.run(&["run", "-d", "--network", "none", "--name", "one", "busybox:golden", "sh", "-c", script]).ok();
    house.ended("one");
}

/// The file as dockerd writes it, and what is made of it.
#[test]
fn both_streams_in_order() {
    same_on_both(|house| {
        ran(house, "echo out 1; sleep 0.05; echo err 1 >&2; sleep 0.05; echo out 2; printf 'no newline'");
        let said = [
            &["logs", "one"][..],
            &["logs", "--tail", "1", "one"],
            &["logs", "-n", "0", "one"],
            &["logs", "--tail", "all", "one"],
            &["logs", "--since", "1h", "one"],
            &["logs", "--until", "1h", "one"],
            &["logs", "--since", "2099-01-01T00:00:00Z", "one"],
            &["logs", "-t", "one"],
            &["logs", "--details", "one"],
        ];
        (said.map(|args| house.run(args)).to_vec(), house.tree("containers"))
    });
}

/// Bytes that JSON has its own way with, and lines longer than a record.
#[test]
fn odd_bytes_and_long_lines() {
    same_on_both(|house| {
        ran(
            house,
            "printf '\\000\\001\\033[1m<&>\"\\\\ \\377\\376 caf\\303\\251 \\342\\200\\250\\r\\n'; seq -s ' ' 1 9000; head -c 40000 /dev/zero | tr '\\000' x; echo; echo end",
        );
        (house.run(&["logs", "one"]), house.tree("containers"))
    });
}

#[test]
fn what_never_spoke_and_what_is_not_there() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "never", "busybox:golden"]);
        ran(house, "true");
        let said = [house.run(&["logs", "never"]), house.run(&["logs", "one"]), house.run(&["logs", "nosuch"])];
        (said.to_vec(), house.run(&["logs", "--tail", "many", "one"]))
    });
}

/// Also while it runs.
#[test]
fn of_a_running_one() {
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
            "echo early; sleep 1000",
        ]);
        while house.ok(&["logs", "up"]).is_empty() {
            std::thread::yield_now();
        }
        let said = house.run(&["logs", "up"]);
        house.ok(&["kill", "up"]);
        said
    });
}
