//! `restart`: the same container, the same files, another process.

use integration::{Driver, House, same_on, same_on_both};

fn story(house: &mut House) -> impl integration::Tell + use<> {
    let script = "echo run >> /data/runs; wc -l < /data/runs; echo ready; while true; do sleep 0.1; done";
    house.ok(&["run", "-d", "--network", "none", "--name", "web", "busybox:golden", "sh", "-c", script]);
    house.ok(&["exec", "web", "sh", "-c", "echo kept > /data/mine; rm /data/kept"]);
    let pid = |house: &House| house.ok(&["inspect", "-f", "{{.State.Pid}}", "web"]);
    let first = pid(house);
    let said = house.run(&["restart", "-t", "0", "web"]);
    let changed = first != pid(house);
    let files = house.run(&["exec", "web", "sh", "-c", "cat /data/mine; ls /data"]);
    let told = (said, changed, files, house.run(&["ps"]), house.run(&["diff", "web"]).sorted());
    house.ok(&["kill", "web"]);
    house.ended("web");
    (told, house.run(&["logs", "web"]), house.tree("containers"))
}

#[test]
fn restart_keeps_the_upper_directory() {
    same_on_both(story);
}

#[test]
fn restart_keeps_the_directory_on_vfs() {
    same_on(Driver::Vfs, story);
}

#[test]
fn what_was_not_running_is_started() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden", "sleep", "1000"]);
        let said = [house.run(&["restart", "-t", "0", "one"]), house.run(&["restart", "-t", "0", "nosuch", "one"])];
        let state = house.run(&["inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "one"]);
        house.ok(&["kill", "one"]);
        (said.to_vec(), state)
    });
}
