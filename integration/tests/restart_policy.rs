//! Restart policies: who is started again, how often, what is said meanwhile, and how it is made to stop.

use integration::{House, same_on_both};

const IMAGE: &str = "busybox:golden";

/// Runs until a file `/die` is there, and takes that away.
const UNTIL_TOLD: &str =
    "trap 'exit 0' TERM; echo up; while ! test -e /die; do busybox sleep 0.02; done; busybox rm /die; exit 4";

fn begin(house: &House, name: &str, policy: &str, script: &str) {
    house.ok(&["run", "-d", "--network", "none", "--restart", policy, "--name", name, IMAGE, "sh", "-c", script]);
}

/// What inspect and the record on disk say of it.
fn account(house: &House, name: &str) -> Vec<String> {
    let all = house.inspect(name);
    let state = ["Status", "Running", "Restarting", "ExitCode", "Error", "OOMKilled", "Dead"]
        .map(|key| format!("{key}={}", all["State"][key]));
    let id = all["Id"].as_str().expect("an id");
    let record = house.json(&format!("containers/{id}/config.v2.json"));
    let kept =
        ["RestartCount", "HasBeenManuallyStopped", "HasBeenStartedBefore"].map(|key| format!("{key}={}", record[key]));
    let policy = format!("{} {}", all["HostConfig"]["RestartPolicy"], all["RestartCount"]);
    [state.as_slice(), &kept, &[policy]].concat()
}

#[test]
fn a_failure_is_tried_again_so_many_times() {
    same_on_both(|house| {
        begin(house, "fails", "on-failure:2", "echo run; exit 3");
        house.becomes("fails", "{{.RestartCount}} {{.State.Status}}", "2 exited");
        let failed = (account(house, "fails"), house.run(&["logs", "fails"]));
        begin(house, "works", "on-failure", "echo run");
        house.becomes("works", "{{.State.Status}}", "exited");
        (failed, account(house, "works"), house.run(&["logs", "works"]))
    });
}

#[test]
fn what_ends_by_itself_is_started_again_until_a_user_stops_it() {
    same_on_both(|house| {
        let mut told = Vec::new();
        for policy in ["always", "unless-stopped", "on-failure:5"] {
            begin(house, "web", policy, UNTIL_TOLD);
            house.ok(&["exec", "web", "busybox", "touch", "/kept", "/die"]);
            house.becomes("web", "{{.RestartCount}} {{.State.Running}}", "1 true");
            house.becomes("web", "{{.State.Restarting}}", "false");
            let again = account(house, "web");
            house.ok(&["exec", "web", "busybox", "test", "-e", "/kept"]);
            let stopped = house.run(&["stop", "web"]);
            let after_stop = account(house, "web");
            house.ok(&["start", "web"]);
            let started = account(house, "web");
            house.ok(&["kill", "web"]);
            house.becomes("web", "{{.State.Running}}", "false");
            told.push((policy.to_owned(), again, stopped, after_stop, started, account(house, "web")));
            house.ok(&["rm", "web"]);
        }
        told.into_iter().map(|one| format!("{one:?}")).collect::<Vec<_>>()
    });
}

/// Ends at once, again and again, until the wait for the next start is long.
fn restless(house: &House, name: &str) {
    begin(house, name, "always", "exit 5");
    house.becomes(name, "{{.RestartCount}} {{.State.Restarting}}", "6 true");
}

#[test]
fn while_it_waits_to_be_started_again() {
    same_on_both(|house| {
        restless(house, "rest");
        let meanwhile = [
            house.run(&["exec", "rest", "true"]),
            house.run(&["attach", "rest"]),
            house.run(&["pause", "rest"]),
            house.run(&["rm", "rest"]),
            house.run(&["start", "rest"]),
        ];
        let shown = house
            .ok(&["ps", "--format", "{{.Names}} {{.State}} {{.Status}}"])
            .contains("rest restarting Restarting (5)");
        let before = account(house, "rest");
        let stopped = house.run(&["stop", "rest"]);
        let after = account(house, "rest");
        house.ok(&["rm", "rest"]);
        (meanwhile.to_vec(), shown, before, stopped, after)
    });
}

#[test]
fn what_waits_can_be_killed_removed_and_restarted() {
    same_on_both(|house| {
        restless(house, "rest");
        let killed = house.run(&["kill", "rest"]);
        house.becomes("rest", "{{.State.Running}}", "false");
        let after_kill = account(house, "rest");
        house.ok(&["rm", "rest"]);
        restless(house, "rest");
        let restarted = house.run(&["restart", "-t", "0", "rest"]);
        house.becomes("rest", "{{.State.Restarting}}", "true");
        let removed = house.run(&["rm", "-f", "rest"]);
        let left = house.ok(&["ps", "-aq"]);
        let mounted = house.mounts().iter().any(|mount| mount.contains("merged"));
        (killed, after_kill, restarted, removed, left, mounted)
    });
}

#[test]
fn each_end_is_waited_for() {
    same_on_both(|house| {
        begin(house, "web", "always", UNTIL_TOLD);
        let waiting = house.spawn(&["wait", "web"]);
        house.ok(&["exec", "web", "busybox", "touch", "/die"]);
        let ended = waiting.end();
        house.becomes("web", "{{.RestartCount}}", "1");
        house.ok(&["rm", "-f", "web"]);
        let attached = house.run(&[
            "run",
            "--network",
            "none",
            "--restart",
            "on-failure:1",
            "--name",
            "seen",
            IMAGE,
            "sh",
            "-c",
            "echo run; exit 3",
        ]);
        house.becomes("seen", "{{.RestartCount}} {{.State.Running}}", "1 false");
        (ended, attached, house.run(&["logs", "seen"]))
    });
}
