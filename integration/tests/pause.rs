//! `pause` and `unpause`, and what other commands say to a container that is held still.

use integration::{House, same_on_both};

const IMAGE: &str = "busybox:golden";

fn counting(house: &House, name: &str) {
    let script = "trap 'exit 3' TERM; i=0; while true; do i=$((i+1)); echo $i > /count; done";
    house.ok(&["run", "-d", "--network", "none", "--name", name, IMAGE, "sh", "-c", script]);
}

/// Whether it goes on counting. Of one that is held still nothing can be asked but its files.
fn counts(house: &House, name: &str) -> bool {
    let upper = house.inspect(name)["GraphDriver"]["Data"]["UpperDir"].as_str().expect("a path").to_owned();
    let read = || std::fs::read_to_string(format!("{upper}/count")).unwrap_or_default();
    let before = read();
    let deadline = std::time::Instant::now() + std::time::Duration::from_millis(500);
    while std::time::Instant::now() < deadline {
        if !read().is_empty() && read() != before {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn state(house: &House, name: &str) -> Vec<String> {
    let state = house.inspect(name)["State"].clone();
    ["Status", "Running", "Paused", "ExitCode"].map(|key| format!("{key}={}", state[key])).to_vec()
}

#[test]
fn held_still_and_let_go_on() {
    same_on_both(|house| {
        counting(house, "web");
        assert!(counts(house, "web"));
        let paused = house.run(&["pause", "web"]);
        assert!(!counts(house, "web"), "it goes on");
        let while_paused = (
            state(house, "web"),
            house.ok(&["ps", "--format", "{{.Names}} {{.State}}"]),
            house.ok(&["ps", "--format", "{{.Status}}"]).contains("(Paused)"),
            house.run(&["pause", "web"]),
            house.run(&["exec", "web", "true"]),
            house.run(&["start", "web"]),
            house.run(&["rm", "web"]),
        );
        let attached = house.run(&["attach", "web"]);
        let on_again = house.run(&["unpause", "web"]);
        assert!(counts(house, "web"), "it holds still");
        let again = house.run(&["unpause", "web"]);
        let after = state(house, "web");
        house.ok(&["rm", "-f", "web"]);
        (paused, while_paused, attached, on_again, again, after)
    });
}

#[test]
fn what_ends_a_container_that_is_held_still() {
    same_on_both(|house| {
        let ends: [&[&str]; 4] = [&["stop", "-t", "20"], &["kill"], &["kill", "-s", "TERM"], &["restart", "-t", "20"]];
        let said = ends.map(|words| {
            counting(house, "web");
            assert!(counts(house, "web"));
            house.ok(&["pause", "web"]);
            let said = house.run(&[words, &["web"]].concat());
            if words[0] == "restart" {
                assert!(counts(house, "web"));
            } else {
                house.ended("web");
            }
            let state = state(house, "web");
            house.ok(&["rm", "-f", "web"]);
            (said, state)
        });
        counting(house, "forced");
        house.ok(&["pause", "forced"]);
        (said.to_vec(), house.run(&["rm", "-f", "forced"]))
    });
}

#[test]
fn what_cannot_be_held_still() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "new", IMAGE, "true"]);
        let refused = (house.run(&["pause", "new"]), house.run(&["unpause", "new"]), house.run(&["pause", "ghost"]));
        counting(house, "one");
        let several = house.run(&["pause", "ghost", "one", "new"]);
        house.ok(&["rm", "-f", "one"]);
        (refused, several)
    });
}
