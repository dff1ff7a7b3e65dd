//! SIGKILL at any moment: the next command tells the truth, and what a crash left, a further command clears.

use std::time::Duration;

use integration::images::golden;
use integration::{Driver, House, Side};

/// dockerd goes on when its client is killed, so there is nothing to compare.
fn ours() -> bool {
    matches!(Side::under_test(), Side::Ours)
}

fn house() -> House {
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    house
}

/// Kills the client at moments spread over the time the command takes.
fn killed_at_many_moments(house: &House, args: &[&str], then: impl Fn(&House)) {
    let began = std::time::Instant::now();
    house.run(args);
    let whole = began.elapsed();
    then(house);
    for part in 0..24 {
        let going = house.spawn(args);
        std::thread::sleep(whole * part / 22 + Duration::from_micros(300));
        going.signal("KILL");
        going.end();
        then(house);
    }
}

/// What is listed can be removed, if it does not go by itself (`--rm`), and then nothing is there.
fn settled(house: &House) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let listed = house.ok(&["ps", "-aq", "--no-trunc"]);
        if listed.is_empty() {
            return;
        }
        for id in listed.lines() {
            let said = house.run(&["rm", "-f", id]);
            let gone = ["No such container", "already in progress"].iter().any(|words| said.err.contains(words));
            assert!(said.code == 0 || gone, "{}", said.err);
        }
        assert!(std::time::Instant::now() < deadline, "still there: {listed}");
    }
}

/// SIGKILL, and waits until it has worked; who is left as a zombie is dead.
fn kill(pids: &[String]) {
    for pid in pids {
        integration::send(pid.parse().expect("a number"), "KILL");
    }
    for pid in pids {
        while alive(pid) {
            std::thread::yield_now();
        }
    }
}

fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

/// After all that, a dockerd opens the tree, and what is there is what a fresh tree has, whatever was half-made.
fn nothing_leaked(mut house: House) {
    house.ok(&["create", "--network", "none", "--name", "last", "busybox:golden", "cat", "/data/kept"]);
    house.ok(&["rm", "last"]);
    assert_eq!(house.shims(), [0_u32; 0], "a shim is left");
    let mounts = house.mounts();
    assert!(!house.is_ours() || mounts.is_empty(), "{mounts:?}");
    if house.is_ours() {
        // Three layers and `l`; of containers nothing.
        let count = |inside: &str| std::fs::read_dir(house.path(inside)).map_or(0, Iterator::count);
        let found = [count("DRIVER"), count("DRIVER/l"), count("image/DRIVER/layerdb/mounts"), count("containers")];
        assert_eq!(found, [4, 3, 0, 0], "{}", house.tree("DRIVER"));
        assert_eq!(count("image/DRIVER/layerdb/sha256"), 3);
    }
    house.hand_to(&Side::first());
    let said = house.run(&["run", "--rm", "--network", "none", "busybox:golden", "cat", "/data/kept"]);
    assert_eq!(said.ok(), "kept");
}

#[test]
fn create_is_killed() {
    if !ours() {
        return;
    }
    let house = house();
    killed_at_many_moments(&house, &["create", "--network", "none", "--name", "one", "busybox:golden"], settled);
    nothing_leaked(house);
}

#[test]
fn run_is_killed() {
    if !ours() {
        return;
    }
    let house = house();
    killed_at_many_moments(&house, &["run", "--rm", "--network", "none", "busybox:golden", "true"], settled);
    nothing_leaked(house);
}

#[test]
fn start_is_killed() {
    if !ours() {
        return;
    }
    let house = house();
    house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden", "sleep", "1000"]);
    killed_at_many_moments(&house, &["start", "one"], |house| {
        let state = house.ok(&["inspect", "-f", "{{.State.Status}} {{.State.Running}}", "one"]);
        assert!(["created false", "running true", "exited false"].contains(&state.as_str()), "{state}");
        house.run(&["kill", "one"]);
        house.ok(&["start", "one"]);
        assert_eq!(house.ok(&["exec", "one", "cat", "/data/kept"]), "kept");
        house.ok(&["kill", "one"]);
        house.ended("one");
    });
    house.ok(&["rm", "one"]);
    nothing_leaked(house);
}

#[test]
fn rm_is_killed() {
    if !ours() {
        return;
    }
    let house = house();
    house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
    killed_at_many_moments(&house, &["rm", "one"], |house| {
        // It is there, or half gone and can be removed again, or gone; then the name is free.
        house.run(&["rm", "-f", "one"]).ok();
        house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
    });
    house.ok(&["rm", "one"]);
    nothing_leaked(house);
}

#[test]
fn load_is_killed() {
    if !ours() {
        return;
    }
    let house = house();
    let path = house.write("golden.tar", golden()).display().to_string();
    house.ok(&["rmi", "busybox:golden"]);
    killed_at_many_moments(&house, &["load", "-i", &path], |house| {
        house.run(&["images", "-a"]).ok();
        house.run(&["rmi", "-f", "busybox:golden"]).ok();
    });
    house.ok(&["load", "-i", &path]);
    nothing_leaked(house);
}

/// Its supervisor gone, nothing is said of the container that is not so, and the next commands have their way with it.
#[test]
fn the_shim_is_killed() {
    if !ours() {
        return;
    }
    let house = house();
    house.ok(&["run", "-d", "--network", "none", "--name", "one", "busybox:golden", "sleep", "1000"]);
    let init = house.ok(&["inspect", "-f", "{{.State.Pid}}", "one"]);
    let shims: Vec<_> = house.shims().iter().map(ToString::to_string).collect();
    assert_eq!(shims.len(), 1, "one shim for one container");
    kill(&shims);
    let running = house.ok(&["inspect", "-f", "{{.State.Running}}", "one"]);
    assert_eq!(running, alive(&init).to_string());
    assert_eq!(house.ok(&["ps", "-q"]).is_empty(), running == "false");
    house.run(&["kill", "one"]);
    house.ok(&["start", "one"]);
    assert!(!alive(&init), "the old process still runs");
    assert_eq!(house.ok(&["exec", "one", "cat", "/data/kept"]), "kept");
    house.ok(&["rm", "-f", "one"]);
    nothing_leaked(house);
}

/// The shim is killed, and the container removed by force: its process ends too.
#[test]
fn without_its_shim_it_can_be_removed() {
    if !ours() {
        return;
    }
    let house = house();
    house.ok(&["run", "-d", "--network", "none", "--name", "one", "busybox:golden", "sleep", "1000"]);
    let init = house.ok(&["inspect", "-f", "{{.State.Pid}}", "one"]);
    kill(&house.shims().iter().map(ToString::to_string).collect::<Vec<_>>());
    house.ok(&["rm", "-f", "one"]);
    assert!(!alive(&init), "the process outlives its container");
    nothing_leaked(house);
}

/// Both die at once: a reboot, as far as one can play it.
#[test]
fn shim_and_container_are_killed() {
    if !ours() {
        return;
    }
    let house = house();
    house.ok(&[
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        "one",
        "busybox:golden",
        "sh",
        "-c",
        "echo x > /mine; sleep 1000",
    ]);
    while house.run(&["exec", "one", "test", "-e", "/mine"]).code != 0 {
        std::thread::yield_now();
    }
    let mut pids: Vec<_> = house.shims().iter().map(ToString::to_string).collect();
    pids.push(house.ok(&["inspect", "-f", "{{.State.Pid}}", "one"]));
    kill(&pids);
    assert_eq!(house.ok(&["inspect", "-f", "{{.State.Status}}", "one"]), "exited");
    assert!(house.ok(&["diff", "one"]).contains("A /mine"));
    house.ok(&["rm", "one"]);
    nothing_leaked(house);
}
