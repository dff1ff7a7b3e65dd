//! What is seen through a layer, and where changes go.

use super::house::{House, id, read, write};

pub(super) fn a_layer_shows_what_lies_below(house: &House<'_>) {
    house.layer(1, None, &[("etc/base", "1"), ("etc/both", "1"), ("usr/lib/x", "1")]);
    house.layer(2, Some(1), &[("etc/both", "2"), ("opt/two", "2")]);
    house.writable(3, 2);
    for layer in [id(2), id(3)] {
        let seen = house.see(&layer);
        let files = ["etc/base", "etc/both", "usr/lib/x", "opt/two"].map(|name| read(&seen, name));
        assert_eq!(files.map(Option::unwrap_or_default), ["1", "2", "1", "2"]);
    }
    let base = house.see(&id(1));
    assert_eq!(read(&base, "etc/both").as_deref(), Some("1"));
    assert_eq!(read(&base, "opt/two"), None);
}

pub(super) fn a_change_stays_in_its_layer(house: &House<'_>) {
    house.layer(1, None, &[("etc/conf", "old")]);
    let (one, two) = (house.writable(2, 1), house.writable(3, 1));
    {
        let seen = house.see(&one);
        write(&seen, "etc/conf", "new");
        write(&seen, "var/log", "line");
    }
    let again = house.see(&one);
    assert_eq!(read(&again, "etc/conf").as_deref(), Some("new"));
    assert_eq!(read(&again, "var/log").as_deref(), Some("line"));
    for other in [two, id(1)] {
        let seen = house.see(&other);
        assert_eq!(read(&seen, "etc/conf").as_deref(), Some("old"));
        assert_eq!(read(&seen, "var/log"), None);
    }
}

pub(super) fn a_deletion_stays_in_its_layer(house: &House<'_>) {
    house.layer(1, None, &[("etc/gone", "x"), ("etc/kept", "x"), ("dir/a", "x"), ("dir/b", "x")]);
    house.writable(2, 1);
    {
        let seen = house.see(&id(2));
        sys::remove_file(seen.join("etc/gone")).expect("unlink");
        sys::remove_tree(seen.join("dir")).expect("rm -r");
    }
    // What rests on a layer with deletions, as a commit does, does not show them either.
    house.driver.create(&id(3), Some(&id(2))).expect("made");
    for layer in [id(2), id(3)] {
        let seen = house.see(&layer);
        let left = sys::list_dir(&*seen).expect("readdir");
        assert_eq!(left, ["etc"]);
        assert_eq!(sys::list_dir(seen.join("etc")).expect("readdir"), ["kept"]);
    }
    assert_eq!(read(&house.see(&id(1)), "dir/a").as_deref(), Some("x"));
}

pub(super) fn a_directory_made_anew_hides_the_old_one(house: &House<'_>) {
    house.layer(1, None, &[("dir/old", "x")]);
    house.writable(2, 1);
    {
        let seen = house.see(&id(2));
        sys::remove_tree(seen.join("dir")).expect("rm -r");
        write(&seen, "dir/new", "y");
    }
    house.driver.create(&id(3), Some(&id(2))).expect("made");
    for layer in [id(2), id(3)] {
        assert_eq!(sys::list_dir(house.see(&layer).join("dir")).expect("readdir"), ["new"]);
    }
}

pub(super) fn owners_modes_and_links_come_through(house: &House<'_>) {
    let layer = house.layer(1, None, &[("bin/tool", "#!"), ("tmp/x", "")]);
    {
        let seen = house.see(&layer);
        sys::chown(seen.join("bin/tool"), 1000, 2000).expect("chown");
        sys::chmod(seen.join("bin/tool"), 0o4751).expect("chmod");
        sys::chmod(seen.join("tmp"), 0o1777).expect("chmod");
        sys::link(seen.join("bin/tool"), seen.join("bin/again")).expect("link");
        sys::symlink("../bin/tool", seen.join("tmp/link")).expect("symlink");
    }
    house.layer(2, Some(1), &[]);
    house.writable(3, 2);
    let seen = house.see(&id(3));
    let stat = |name: &str| sys::stat(seen.join(name)).expect("stat");
    let tool = stat("bin/tool");
    assert_eq!((tool.st_mode & 0o7777, tool.st_uid, tool.st_gid), (0o4751, 1000, 2000));
    assert_eq!(stat("bin/again").st_ino, tool.st_ino);
    assert_eq!(stat("tmp").st_mode & 0o7777, 0o1777);
    assert_eq!(sys::read_link(seen.join("tmp/link")).expect("readlink").to_str(), Some("../bin/tool"));
    let before = sys::stat(house.see(&id(1)).join("bin/tool")).expect("stat");
    assert_eq!((tool.st_mtime, tool.st_mtime_nsec), (before.st_mtime, before.st_mtime_nsec));
}

pub(super) fn a_mounted_layer_can_be_removed(house: &House<'_>) {
    house.layer(1, None, &[("file", "x")]);
    let before = house.driver.list().expect("a list");
    let layer = house.writable(2, 1);
    house.see(&layer).abandon();
    house.driver.remove(&layer).expect("removed");
    assert_eq!(house.driver.list().expect("a list"), before);
    let mounts = sys::mount_points().expect("mountinfo");
    assert!(mounts.iter().all(|point| !point.at.starts_with(house.root.path())));
    assert_eq!(read(&house.see(&id(1)), "file").as_deref(), Some("x"));
}

pub(super) fn native_changes_are_the_layers_own(house: &House<'_>) {
    let Some(native) = house.driver.native_diff() else { return };
    house.layer(1, None, &[("low", "x")]);
    house.layer(2, Some(1), &[("own", "x")]);
    house.layer(3, Some(2), &[]);
    let upper = |layer: u64, parent: Option<u64>| {
        native.upper(&id(layer), parent.map(id).as_ref()).expect("the layer can be read")
    };
    if let Some(upper) = upper(2, Some(1)) {
        assert_eq!(sys::list_dir(upper).expect("readdir"), ["own"]);
        let base = native.upper(&id(1), None).expect("the layer can be read").expect("a base layer rests on nothing");
        assert_eq!(sys::list_dir(base).expect("readdir"), ["low"]);
    }
    assert_eq!(upper(3, Some(1)), None, "1 is not what 3 directly rests on");
    assert_eq!(upper(3, None), None);
    assert_eq!(upper(1, Some(2)), None);
}
