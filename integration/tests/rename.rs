//! `rename` and `port`.

use integration::{House, same_on_both};

fn made(house: &House, name: &str) {
    house.ok(&["create", "--network", "none", "--name", name, "busybox:golden", "true"]);
}

#[test]
fn a_container_gets_another_name() {
    same_on_both(|house| {
        made(house, "one");
        made(house, "two");
        house.ok(&["create", "--network", "none", "busybox:golden", "true"]);
        let made_up = house.ok(&["ps", "-lq"]);
        let renamed = house.run(&["rename", "one", "three"]);
        let said = vec![
            renamed,
            house.run(&["rename", "one", "four"]),
            house.run(&["rename", "two", "three"]),
            house.run(&["rename", "two", "two"]),
            house.run(&["rename", "two", "bad name"]),
            house.run(&["rename", "two", "x"]),
            house.run(&["rename", "two", " "]),
            house.run(&["container", "rename", "two", "/five"]),
        ];
        house.ok(&["rename", &made_up, "chosen"]);
        let names = house.run(&["ps", "-a", "--format", "{{.Names}}"]);
        let gone = house.run(&["inspect", "one"]);
        (said, names, gone, house.tree("containers"))
    });
}

/// Its shim goes on, and writes the end into the record with the new name.
#[test]
fn a_running_container_keeps_its_new_name() {
    same_on_both(|house| {
        house.ok(&["run", "-d", "--network", "none", "--name", "old", "busybox:golden", "sleep", "1000"]);
        let said = house.run(&["rename", "old", "new"]);
        let up = house.run(&["ps", "--format", "{{.Names}} {{.State}}"]);
        house.ok(&["kill", "new"]);
        house.ended("new");
        made(house, "old");
        (said, up, house.run(&["ps", "-a", "--format", "{{.Names}} {{.State}}"]))
    });
}

#[test]
fn ports_of_a_container_without_any() {
    same_on_both(|house| {
        made(house, "one");
        let said = [
            &["port", "one"][..],
            &["port", "one", "80"],
            &["port", "one", "80/udp"],
            &["port", "one", "80/"],
            &["port", "one", "x"],
            &["port", "one", "99999"],
            &["port", "one", "90-80"],
            &["port", "one", ""],
            &["port", "nosuch"],
        ];
        said.map(|args| house.run(args)).to_vec()
    });
}
