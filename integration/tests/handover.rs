//! One engine writes the data root, stops, and the other goes on with it; both ways, and back.
//!
//! What each says of the tree (`House::account`) must not change with the engine. Then the second works on it, and
//! the first must agree with what it finds.

use integration::images::{archive, golden_layers, small_layer};
use integration::{Driver, House, Oracle, Side, agree};
use serde_json::json;

/// Images and containers in every state that lasts.
fn furnish(house: &House) {
    house.load_golden();
    let mut layers = golden_layers();
    layers.push(small_layer(1));
    house
        .run_fed(&["load"], &archive(&layers, &json!({"Env": ["A=b"], "WorkingDir": "/data"}), &["more:1", "more:2"]))
        .ok();
    house.run(&["tag", "busybox:golden", "localhost:5000/tagged:x"]).ok();
    std::fs::create_dir_all(house.room().join("shared")).expect("a fresh room");
    let bind = format!("{}:/shared", house.room().join("shared").display());
    house.ok(&["create", "--network", "none", "--name", "never", "more:1", "echo", "never ran"]);
    house.ok(&["run", "--network", "none", "--name", "ended", "-v", &bind, "busybox:golden", "sh", "-c", CHANGES]);
    assert_eq!(
        house.run(&["run", "--network", "none", "--name", "failed", "more:2", "sh", "-c", "echo err >&2; exit 3"]).code,
        3
    );
    house.ok(&[
        "create",
        "--network",
        "none",
        "--name",
        "server",
        "-e",
        "X=y",
        "--hostname",
        "box",
        "busybox:golden",
        "sleep",
        "1000",
    ]);
    house.ok(&[
        "create",
        "--network",
        "none",
        "--name",
        "limited",
        "--memory",
        "64m",
        "--cap-drop",
        "ALL",
        "--read-only",
        "busybox:golden",
        "true",
    ]);
    house.ok(&[
        "run",
        "--network",
        "none",
        "--name",
        "volume",
        "-v",
        "kept:/data",
        "-v",
        "/anonymous",
        "busybox:golden",
        "touch",
        "/data/x",
        "/anonymous/y",
    ]);
}

const CHANGES: &str = "echo out; echo x > /data/new; rm /data/kept; rm -r /data/dir; mkdir /data/dir; echo y > /data/dir/y; chmod 600 /data/guests";

/// What the second engine does with the first one's containers.
fn go_on(house: &House) {
    let script = "cat /data/new; ls /data /data/dir; echo more >> /data/new";
    house.ok(&["start", "server"]);
    assert_eq!(house.ok(&["exec", "server", "cat", "/data/kept"]), "kept");
    house.ok(&["exec", "server", "sh", "-c", "echo by the second > /data/second; rm /data/twin"]);
    house.ok(&["restart", "-t", "0", "server"]);
    assert_eq!(house.ok(&["exec", "server", "cat", "/data/second"]), "by the second");
    house.ok(&["stop", "-t", "0", "server"]);
    assert!(house.ok(&["start", "-a", "ended"]).contains("out"));
    assert_eq!(house.ok(&["start", "-a", "never"]), "never ran");
    assert_eq!(house.run(&["start", "-a", "failed"]).code, 3);
    house.ok(&["rm", "failed"]);
    house.ok(&[
        "run",
        "--network",
        "none",
        "--name",
        "second",
        "more:1",
        "sh",
        "-c",
        &script.replace("/data/new", "/data/changed"),
    ]);
    house.ok(&["tag", "more:1", "by-the-second:1"]);
    house.ok(&["rmi", "localhost:5000/tagged:x"]);
    let mut layers = golden_layers();
    layers.push(small_layer(2));
    house.run_fed(&["load"], &archive(&layers, &json!({"Cmd": ["true"]}), &["second:1"])).ok();
}

/// Ends what is there and looks for leaks: nothing is left but the driver's own directory.
fn clear(house: &House) {
    let containers = house.ok(&["ps", "-aq"]);
    let containers: Vec<_> = containers.lines().collect();
    house.run(&[&["rm", "-f", "-v"], &containers[..]].concat()).ok();
    // Children first; those whose children are listed behind them take another turn.
    let listed = |house: &House| house.ok(&["images", "-aq"]);
    let mut before = String::new();
    while listed(house) != before {
        before = listed(house);
        let images: std::collections::BTreeSet<_> = before.lines().collect();
        house.run(&[&["rmi", "-f"][..], &images.into_iter().collect::<Vec<_>>()].concat());
    }
    assert_eq!(before, "", "images that cannot be removed");
    let left = |inside: &str| {
        let entries = std::fs::read_dir(house.path(inside)).into_iter().flatten().flatten();
        entries.map(|entry| format!("{inside}/{}", entry.file_name().display())).collect::<Vec<_>>()
    };
    let mut found =
        [left("containers"), left("image/DRIVER/layerdb/mounts"), left("image/DRIVER/layerdb/sha256")].concat();
    found.extend(left(if house.driver() == Driver::Vfs { "DRIVER/dir" } else { "DRIVER" }));
    found.extend(if house.driver() == Driver::Vfs { Vec::new() } else { left("DRIVER/l") });
    found.retain(|path| path != "DRIVER/l");
    assert!(found.is_empty(), "{} left {found:?}", house.side().name());
}

fn handover(first: &Side, second: &Side, driver: Driver) {
    let mut house = House::open(first, driver);
    furnish(&house);
    // Versions differ in the fields they print; what they have in common must be the same.
    let of_one_version = [first, second].iter().all(|side| match side {
        Side::Theirs(oracle) => oracle.version() == Oracle::first().version(),
        Side::Ours => true,
    });
    let account = |house: &House| if of_one_version { house.account() } else { house.outline() };
    let compare = |house: &mut House, to: &Side| {
        let before = account(house);
        let from = house.side().name();
        house.hand_to(to);
        agree((&from, &before), (&to.name(), &account(house)));
    };
    compare(&mut house, second);
    go_on(&house);
    compare(&mut house, first);
    house.ok(&["start", "server"]);
    assert_eq!(house.ok(&["exec", "server", "cat", "/data/second"]), "by the second");
    if !house.is_ours() {
        for container in ["server", "second", "volume", "never"] {
            house.ok(&["commit", container, &format!("committed:{container}")]);
        }
    }
    house.ok(&["kill", "server"]);
    house.ended("server");
    compare(&mut house, second);
    clear(&house);
    house.hand_to(first);
    assert_eq!(house.ok(&["ps", "-aq"]) + &house.ok(&["images", "-aq"]), "");
}

fn with_second(tell: impl FnOnce(&Side)) {
    match Oracle::second() {
        Ok(oracle) if oracle.is("28.5.2") => tell(&Side::Theirs(oracle)),
        Ok(_) => {}
        Err(why) => assert!(std::env::var_os("MINIDOCK_NEEDS_28").is_none(), "{why}"),
    }
}

#[test]
fn docker_then_minidock_on_overlay2() {
    handover(&Side::first(), &Side::under_test(), Driver::Overlay2);
}

#[test]
fn minidock_then_docker_on_overlay2() {
    handover(&Side::under_test(), &Side::first(), Driver::Overlay2);
}

#[test]
fn docker_then_minidock_on_vfs() {
    handover(&Side::first(), &Side::under_test(), Driver::Vfs);
}

#[test]
fn minidock_then_docker_on_vfs() {
    handover(&Side::under_test(), &Side::first(), Driver::Vfs);
}

#[test]
fn docker_28_then_minidock_on_overlay2() {
    with_second(|second| handover(second, &Side::under_test(), Driver::Overlay2));
}

#[test]
fn minidock_then_docker_28_on_overlay2() {
    with_second(|second| handover(&Side::under_test(), second, Driver::Overlay2));
}

/// While dockerd lives, minidock reads its tree and writes nothing into it.
#[test]
fn a_live_dockerd_keeps_its_tree() {
    let house = House::open(&Side::first(), Driver::Overlay2);
    furnish(&house);
    let before = house.tree("containers");
    for args in [&["ps", "-a"][..], &["images"], &["diff", "ended"], &["logs", "ended"], &["history", "more:1"]] {
        let (theirs, ours) = (house.run(args).sorted(), house.minidock_beside(args).sorted());
        agree(("docker", &integration::Tell::told(&theirs)), ("minidock", &integration::Tell::told(&ours)));
    }
    let writing: [&[&str]; 7] = [
        &["create", "--network", "none", "busybox:golden"],
        &["start", "never"],
        &["rm", "never"],
        &["tag", "more:1", "x:1"],
        &["rmi", "more:1"],
        &["run", "--rm", "--network", "none", "busybox:golden", "true"],
        &["restart", "ended"],
    ];
    for args in writing {
        let said = house.minidock_beside(args);
        assert_ne!(said.code, 0, "{args:?} went through under a live dockerd");
        assert!(said.err.contains("docker"), "{args:?} does not name the cause: {}", said.err);
    }
    assert_eq!(before, house.tree("containers"));
}

/// And a container of minidock's that runs keeps dockerd away, until it has ended.
#[test]
fn a_running_container_of_ours_keeps_dockerd_away() {
    if !matches!(Side::under_test(), Side::Ours) {
        return;
    }
    let mut house = House::open(&Side::Ours, Driver::Overlay2);
    house.load_golden();
    house.ok(&["run", "-d", "--network", "none", "--name", "up", "busybox:golden", "sleep", "1000"]);
    let refused = house.try_hand_to(&Side::first()).expect_err("dockerd must not start under a running container");
    assert!(refused.contains("metadata database: timeout"), "{refused}");
    assert_eq!(house.ok(&["exec", "up", "cat", "/data/kept"]), "kept");
    house.ok(&["kill", "up"]);
    house.ended("up");
    house.hand_to(&Side::first());
    assert!(house.ok(&["ps", "-a", "--format", "{{.Names}} {{.Status}}"]).starts_with("up Exited (137)"));
}
