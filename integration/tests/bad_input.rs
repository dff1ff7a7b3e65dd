//! What goes wrong outside: a full disk, a read-only one, no rights. One clear error, nothing half-made, the rest usable.

use std::process::Command;

use integration::images::golden;
use integration::power::Disk;
use integration::{Driver, House, Room, Side, agree};

fn ours() -> bool {
    matches!(Side::under_test(), Side::Ours)
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}");
}

/// Of the sentences on standard error exactly one is the error; what follows explains it.
#[track_caller]
fn one_error(said: &integration::Said, cause: &str) {
    assert_ne!(said.code, 0, "{} went through", said.args.join(" "));
    assert!(said.err.contains(cause), "{} does not say {cause:?}: {}", said.args.join(" "), said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    // docker's `start` has a last line of its own.
    const AFTER: [&str; 5] = [" ", "\t", "hint: ", "See '", "Error: failed to start containers:"];
    let explains = |line: &&str| AFTER.iter().any(|after| line.starts_with(after));
    let errors = said.err.lines().filter(|line| !line.trim().is_empty() && !explains(line)).count();
    assert_eq!(errors, 1, "{}", said.err);
}

#[test]
fn a_full_disk() {
    if !ours() {
        return;
    }
    let room = Room::new();
    let disk = Disk::new(&room, "ext4", 24);
    let root = disk.path().join("root");
    let house = House::on(&Side::Ours, Driver::Overlay2, room, root);
    house.load_golden();
    house.ok(&["create", "--network", "none", "--name", "before", "busybox:golden", "cat", "/data/kept"]);
    let filler = disk.path().join("filler");
    let filled = Command::new("dd").args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", filler.display())).output();
    assert!(!filled.expect("dd runs").status.success(), "the disk is full");
    let before = [house.tree("DRIVER"), house.tree("image"), house.tree("containers")];
    let larger = integration::images::archive(
        &[integration::images::Layer::new().file("large", &vec![b'x'; 4 << 20]).tar()],
        &serde_json::json!({}),
        &["large:1"],
    );
    let path = house.room().join("larger.tar");
    let mut file = std::fs::File::create(&path).expect("the room's disk is not full");
    std::io::Write::write_all(&mut file, &larger).expect("the room's disk is not full");
    one_error(&house.run(&["load", "-i", &path.display().to_string()]), "No space left on device");
    assert_eq!(before, [house.tree("DRIVER"), house.tree("image"), house.tree("containers")]);
    // Reading goes on, and when there is room again, so does everything.
    assert_eq!(house.ok(&["ps", "-a", "--format", "{{.Names}}"]), "before");
    std::fs::remove_file(filler).expect("it is there");
    assert_eq!(house.ok(&["start", "-a", "before"]), "kept");
}

#[test]
fn a_read_only_data_root() {
    if !ours() {
        return;
    }
    let room = Room::new();
    let disk = Disk::new(&room, "ext4", 64);
    let root = disk.path().join("root");
    let house = House::on(&Side::Ours, Driver::Overlay2, room, root);
    house.load_golden();
    house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
    let account = house.account();
    run(Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()));
    agree(("writable", &account), ("read-only", &house.account()));
    for args in [
        &["create", "--network", "none", "busybox:golden"][..],
        &["rm", "one"],
        &["start", "one"],
        &["tag", "busybox:golden", "x"],
    ] {
        one_error(&house.run(args), "Read-only file system");
    }
    run(Command::new("mount").args(["-o", "remount,rw"]).arg(disk.path()));
    house.ok(&["rm", "one"]);
}

/// A data root that is not there is made by writing and not by reading.
#[test]
fn an_absent_data_root() {
    if !ours() {
        return;
    }
    let house = House::open(&Side::Ours, Driver::Overlay2);
    assert_eq!(house.ok(&["ps", "-aq"]), "");
    assert_eq!(house.ok(&["images", "-q"]), "");
    assert!(!house.root().exists(), "reading has made the data root");
    house.load_golden();
    assert!(house.root().is_dir());
}

/// In one line, with what to type.
#[test]
fn without_root_rights() {
    if !ours() {
        return;
    }
    let house = House::open(&Side::Ours, Driver::Overlay2);
    house.load_golden();
    let unprivileged = |args: &[&str]| {
        let client = house.client();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(client.get_program())
            .args(client.get_args())
            .args(args);
        let said = command.output().expect("setpriv runs");
        (said.status.code(), String::from_utf8_lossy(&said.stderr).into_owned())
    };
    for args in [&["ps"][..], &["create", "--network", "none", "busybox:golden"], &["demo"]] {
        let (code, err) = unprivileged(args);
        assert_ne!(code, Some(0), "{args:?}");
        assert!(err.contains("root") || err.contains("sudo") || err.contains("Permission denied"), "{args:?}: {err}");
        assert!(!err.contains("panicked") && err.lines().count() <= 3, "{args:?}: {err}");
    }
}

/// A data root that is a file, or full of somebody else's things.
#[test]
fn a_data_root_that_is_none() {
    if !ours() {
        return;
    }
    let room = Room::new();
    let root = room.path().join("root");
    std::fs::File::create(&root).expect("a fresh room");
    let house = House::on(&Side::Ours, Driver::Overlay2, room, root);
    one_error(&house.run_fed(&["load"], golden()), "root");
    one_error(&house.run(&["ps"]), "root");
}

/// The input ends in the middle, or nobody reads the output.
#[test]
fn pipes_that_break() {
    if !ours() {
        return;
    }
    let house = House::open(&Side::Ours, Driver::Overlay2);
    house.load_golden();
    let client = house.client();
    let argv: Vec<_> = std::iter::once(client.get_program())
        .chain(client.get_args())
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let shell = |line: String| Command::new("bash").args(["-o", "pipefail", "-c", &line]).output().expect("bash runs");
    let said = shell(format!("{} save busybox:golden | head -c 100 >/dev/null", argv.join(" ")));
    assert!(!String::from_utf8_lossy(&said.stderr).contains("panicked"));
    let said = shell(format!("{} run --rm --network none busybox:golden seq 1 1000000 | head -n 1", argv.join(" ")));
    assert_eq!(String::from_utf8_lossy(&said.stdout), "1\n");
    assert!(!String::from_utf8_lossy(&said.stderr).contains("panicked"));
}
