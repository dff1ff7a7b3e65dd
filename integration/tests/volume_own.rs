//! What docker has no word for: `volume clone`, `rename`, `export`, `import`, and the long list.

use integration::{Driver, House, Side};

const FILL: &str = "mkdir /d/sub; echo hello > /d/sub/f; ln /d/sub/f /d/twin; ln -s sub/f /d/link; \
                    chown 7:8 /d/sub; chmod 2750 /d/sub; chmod 0711 /d; chown 5:6 /d; echo w > /d/.hidden";

/// A house of ours with a labelled volume `first`, not used by anybody.
fn furnished() -> Option<House> {
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    if !house.is_ours() {
        return None;
    }
    house.load_golden();
    house.ok(&["volume", "create", "--label", "a=b", "first"]);
    house.ok(&["run", "--rm", "--network", "none", "-v", "first:/d", "busybox:golden", "sh", "-c", FILL]);
    Some(house)
}

fn files(house: &House, volume: &str) -> String {
    house.tree(&format!("volumes/{volume}"))
}

#[test]
fn a_clone_is_the_same_and_dockerd_goes_on_with_it() {
    let Some(mut house) = furnished() else { return };
    house.ok(&["volume", "clone", "first", "second"]);
    assert_eq!(files(&house, "second"), files(&house, "first"));
    assert_eq!(house.run(&["volume", "clone", "first", "second"]).code, 1);
    assert_eq!(house.run(&["volume", "clone", "ghost", "third"]).code, 1);
    house.ok(&["run", "-d", "--network", "none", "--name", "up", "-v", "first:/d", "busybox:golden", "sleep", "1000"]);
    let refused = house.run(&["volume", "clone", "first", "third"]);
    assert_eq!(
        (refused.err.contains("the running container up may write"), refused.code),
        (true, 1),
        "{}",
        refused.err
    );
    house.ok(&["rm", "-f", "up"]);
    let before = files(&house, "second");
    house.hand_to(&Side::first());
    assert_eq!(house.ok(&["volume", "inspect", "-f", "{{json .Labels}}", "second"]), r#"{"a":"b"}"#);
    let said =
        house.ok(&["run", "--rm", "--network", "none", "-v", "second:/d:ro", "busybox:golden", "cat", "/d/twin"]);
    assert_eq!((said.trim(), files(&house, "second")), ("hello", before));
    house.ok(&["volume", "rm", "second"]);
}

#[test]
fn a_name_changes_only_while_nobody_refers_to_it() {
    let Some(mut house) = furnished() else { return };
    house.ok(&["create", "--network", "none", "--name", "user", "-v", "first:/d", "busybox:golden"]);
    let refused = house.run(&["volume", "rename", "first", "later"]);
    assert_eq!((refused.err.contains("container user refers to volume first"), refused.code), (true, 1));
    house.ok(&["rm", "user"]);
    let before = files(&house, "first");
    house.ok(&["volume", "rename", "first", "later"]);
    assert_eq!(files(&house, "later"), before);
    house.hand_to(&Side::first());
    assert_eq!(house.ok(&["volume", "ls", "-q"]), "later");
    assert_eq!(house.ok(&["volume", "inspect", "-f", "{{json .Labels}}", "later"]), r#"{"a":"b"}"#);
}

#[test]
fn exported_and_imported_it_is_the_same() {
    let Some(house) = furnished() else { return };
    let tar = house.room().join("first.tar");
    house.ok(&["volume", "export", "-o", &tar.display().to_string(), "first"]);
    let bytes = std::fs::read(&tar).expect("the archive");
    house.run_fed(&["volume", "import", "again"], &bytes).ok();
    assert_eq!(files(&house, "again"), files(&house, "first"));
    assert_eq!(house.run_fed(&["volume", "import", "again"], &bytes).code, 1, "it is there already");
    // A part of an archive leaves no volume.
    assert_eq!(house.run_fed(&["volume", "import", "half"], &bytes[..bytes.len() / 2]).code, 1);
    assert_eq!(house.ok(&["volume", "ls", "-q"]), "again\nfirst");
}

#[test]
fn a_hostile_archive_stays_inside() {
    let Some(house) = furnished() else { return };
    let outside = house.room().join("outside");
    std::fs::create_dir_all(&outside).expect("a fresh room");
    let link = outside.display().to_string();
    let archives = [
        integration::images::Layer::new().symlink("out", &link).file("out/x", b"caught").tar(),
        integration::images::Layer::new().file(".wh.first", b"").tar(),
    ];
    for (number, archive) in archives.iter().enumerate() {
        drop(house.run_fed(&["volume", "import", &format!("bad{number}")], archive));
    }
    assert_eq!(house.tree_at(&outside), "", "nothing came out");
    assert!(!house.ok(&["volume", "ls", "-q"]).contains("bad1"));
}

#[test]
fn the_long_list_says_who_uses_a_volume_and_where_it_came_from() {
    let Some(house) = furnished() else { return };
    house.ok(&["create", "--network", "none", "--name", "user", "-v", "first:/d", "-v", "/anon", "busybox:golden"]);
    let long = house.ok(&["volume", "ls", "--size"]);
    assert!(long.lines().next().is_some_and(|line| line.contains("USED BY") && line.contains("LAST WRITE")), "{long}");
    let line = house.ok(&["volume", "ls", "-s", "-f", "name=first", "--format", "{{.Size}} {{.Links}} {{.Users}}"]);
    assert_eq!(line, "13B 1 user");
    let origins = house.ok(&["volume", "ls", "-s", "--format", "{{.Origin}}"]);
    assert!(origins.contains("user (busybox:golden)"), "{origins}");
}
