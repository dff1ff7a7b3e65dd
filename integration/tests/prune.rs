//! `container prune`.

use integration::{House, same_on_both};

fn furnish(house: &House) {
    let made = |name: &str, label: &str, words: &[&str]| {
        house
            .ok(&[&["run", "-d", "--network", "none", "--name", name, "--label", label, "busybox:golden"], words]
                .concat());
    };
    made("up", "kept=1", &["sleep", "1000"]);
    for (name, label) in [("one", "a=1"), ("two", "a=2"), ("three", "b")] {
        made(name, label, &["sh", "-c", "echo 0123456789 > /file"]);
        house.ended(name);
    }
    house.ok(&["create", "--network", "none", "--name", "never", "-v", "/v", "busybox:golden"]);
}

fn names(house: &House) -> String {
    house.ok(&["ps", "-a", "--format", "{{.Names}}"])
}

#[test]
fn what_does_not_run_goes() {
    same_on_both(|house| {
        furnish(house);
        let said = [
            house.run(&["container", "prune", "-f", "--filter", "label=a=1"]),
            house.run(&["container", "prune", "-f", "--filter", "label!=a"]),
            house.run(&["container", "prune", "-f", "--filter", "until=24h"]),
        ];
        let left = names(house);
        let all = house.run(&["container", "prune", "-f"]);
        let none = house.run(&["container", "prune", "-f"]);
        let told = (said.to_vec(), left, all, none, names(house));
        house.ok(&["kill", "up"]);
        told
    });
}

#[test]
fn it_asks_first_and_refuses_what_it_does_not_know() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
        let said = vec![
            house.run_fed(&["container", "prune"], b"n\n"),
            house.run_fed(&["container", "prune"], b""),
            house.run(&["container", "prune", "-f", "--filter", "nosuch=1"]),
            house.run(&["container", "prune", "-f", "--filter", "bad"]),
        ];
        let left = names(house);
        (said, left, house.run_fed(&["container", "prune"], b"y\n"), names(house))
    });
}
