//! The machine has stopped and started: what dockerd starts again when it starts, `minidock boot` does too.

use integration::{Driver, House, Side};

const IMAGE: &str = "busybox:golden";

/// One container for each policy and each way to have ended before.
fn furnish(house: &House) {
    for policy in ["no", "always", "unless-stopped", "on-failure", "on-failure:1"] {
        let begin = |name: &str, script: &str| {
            let name = format!("{}-{name}", policy.replace(':', "-"));
            let all =
                ["run", "-d", "--network", "none", "--restart", policy, "--name", &name, IMAGE, "sh", "-c", script];
            house.ok(&all);
            name
        };
        begin("running", "sleep 600");
        let stopped = begin("stopped", "sleep 600");
        house.ok(&["stop", "-t", "0", &stopped]);
        let killed = begin("killed", "trap 'exit 0' TERM; echo up; while :; do busybox sleep 0.05; done");
        while house.ok(&["logs", &killed]).is_empty() {
            std::thread::yield_now();
        }
        house.ok(&["kill", "-s", "TERM", &killed]);
        house.becomes(&killed, "{{.State.Running}}", "false");
        let fresh = format!("{}-fresh", policy.replace(':', "-"));
        house.ok(&["create", "--network", "none", "--restart", policy, "--name", &fresh, IMAGE, "sleep", "600"]);
    }
    house.ok(&["run", "-d", "--rm", "--network", "none", "--name", "rm", IMAGE, "sleep", "600"]);
    house.ok(&[
        "run",
        "-d",
        "--network",
        "none",
        "--restart",
        "always",
        "--pid",
        "container:always-running",
        "--name",
        "a-guest",
        IMAGE,
        "sleep",
        "600",
    ]);
}

/// Name, state, count and mark of each.
fn account(house: &House) -> Vec<String> {
    let names = house.ok(&["ps", "-a", "--format", "{{.Names}}"]);
    let mut all: Vec<String> = names
        .lines()
        .map(|name| {
            let format = "{{.Name}} {{.State.Running}} {{.RestartCount}} {{.State.Restarting}}";
            let text = house.ok(&["inspect", "-f", format, name]);
            let id = house.ok(&["inspect", "-f", "{{.Id}}", name]);
            let record = house.json(&format!("containers/{id}/config.v2.json"));
            format!("{text} {}", record["HasBeenManuallyStopped"])
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_a_policy_wants_runs_again() {
    let mut theirs = House::open(&Side::first(), Driver::Overlay2);
    theirs.load_golden();
    furnish(&theirs);
    theirs.lose_power();
    theirs.restart_engine();
    let wanted = account(&theirs);

    let mut ours = House::open(&Side::under_test(), Driver::Overlay2);
    ours.load_golden();
    furnish(&ours);
    ours.lose_power();
    let said = ours.ok(&["boot"]);
    assert_eq!(account(&ours), wanted, "{said}");
    assert_eq!(ours.run(&["boot"]).ok(), "", "nothing is left to do");
}

/// dockerd is killed, its containers with it: minidock starts them, and the other way round.
#[test]
fn each_starts_what_the_other_left() {
    for (one, other) in [(Side::first(), Side::under_test()), (Side::under_test(), Side::first())] {
        let mut house = House::open(&one, Driver::Overlay2);
        house.load_golden();
        furnish(&house);
        house.lose_power();
        house.hand_to(&other);
        if house.is_ours() {
            house.run(&["boot"]).ok();
        }
        house.becomes("a-guest", "{{.State.Running}}", "true");
        let running = house.ok(&["ps", "--format", "{{.Names}}"]);
        let mut names: Vec<_> = running.lines().collect();
        names.sort_unstable();
        let mut wanted = vec!["a-guest", "always-killed", "always-running", "always-stopped"];
        if house.is_ours() {
            // An end that nobody saw is a failure, as it is to dockerd when its containerd knows the container; of one
            // of ours that has never heard, and dockerd takes it for a success.
            wanted.extend(["on-failure-1-running", "on-failure-running"]);
        }
        wanted.extend(["on-failure-1-stopped", "on-failure-stopped", "unless-stopped-running"]);
        wanted.sort_unstable();
        assert_eq!(names, wanted, "from {} to {}", one.name(), other.name());
        house.ok(&[&["rm", "-f"], &names[..]].concat());
    }
}

#[test]
fn the_unit_calls_what_there_is() {
    let unit = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/systemd/minidock-boot.service"));
    let unit = unit.expect("the unit is in the repository");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    let (program, words) = line.split_once(' ').expect("a program and a command");
    assert!(program.ends_with("/minidock"), "{program}");
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    assert_eq!(house.run(&words.split(' ').collect::<Vec<_>>()).ok(), "");
}
