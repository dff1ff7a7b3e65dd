//! Archives made by hand, unpacked into a real directory. Needs root: owners, devices, trusted
//! attributes.

mod made;

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use archive::{Reader, UnpackError, Unpacker, Whiteouts, header};
use made::Tar;

fn unpack(tar: &[u8], root: &Path, style: Whiteouts) -> Result<i64, UnpackError> {
    let mut reader = Reader::new(tar);
    let mut unpacker = Unpacker::new(sys::Dir::open(root)?, style)?;
    while let Some(mut entry) = reader.next_entry().map_err(|error| UnpackError::Payload(error.into()))? {
        unpacker.entry(entry.header, &mut entry.payload)?;
    }
    unpacker.finish()
}

fn root() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn a_file_has_the_owner_mode_and_times_of_its_header() {
    let home = root();
    let tar = Tar::new().dir("d/", 0o2751, 5).file("d/f", b"hello", 0o6755).owner(1000, 2000).mtime(7).end();
    assert_eq!(unpack(&tar, home.path(), Whiteouts::Overlay).expect("unpack"), 5);
    let file = home.path().join("d/f").metadata().expect("the file is there");
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777, file.mtime(), file.size()), (1000, 2000, 0o6755, 7, 5));
    let dir = home.path().join("d").metadata().expect("the directory is there");
    assert_eq!((dir.mode() & 0o7777, dir.mtime(), dir.atime()), (0o2751, 5, 0));
}

#[test]
fn names_do_not_lead_out_of_the_root() {
    let home = root();
    let inner = home.path().join("a/root");
    std::fs::create_dir_all(&inner).expect("mkdir");
    let tar = Tar::new()
        .file("../../esc", b"1", 0o644)
        .file("/abs", b"2", 0o644)
        .symlink("out", "../../..")
        .file("out/through", b"3", 0o644)
        .symlink("slash", "/")
        .file("slash/again", b"4", 0o644)
        .end();
    unpack(&tar, &inner, Whiteouts::Overlay).expect("unpack");
    for name in ["esc", "abs", "through", "again"] {
        assert!(inner.join(name).is_file(), "{name}");
    }
    assert_eq!(std::fs::read_dir(home.path()).expect("list").count(), 1);
    assert_eq!(std::fs::read_dir(home.path().join("a")).expect("list").count(), 1);
}

#[test]
fn a_hard_link_is_made_inside_the_root_or_not_at_all() {
    let home = root();
    let inner = home.path().join("root");
    std::fs::create_dir(&inner).expect("mkdir");
    sys::write_new(home.path().join("secret"), b"x", 0o600).expect("write");
    let tar = Tar::new().link("l", "../secret").end();
    assert!(unpack(&tar, &inner, Whiteouts::Overlay).is_err());
    assert_eq!(home.path().join("secret").metadata().expect("kept").nlink(), 1);
    let tar = Tar::new().file("f", b"1", 0o644).link("l", "/../f").owner(3, 4).end();
    unpack(&tar, &inner, Whiteouts::Overlay).expect("unpack");
    let file = inner.join("f").metadata().expect("there");
    assert_eq!((file.nlink(), file.uid(), file.gid()), (2, 3, 4), "the link's owner is the inode's");
}

// dockerd looks at what the link's header names as it is written; what it made is another file.
#[test]
fn a_hard_link_to_a_symlink_changes_nothing_outside_the_root() {
    for style in [Whiteouts::Overlay, Whiteouts::Applied] {
        let home = root();
        let (inner, victim) = (home.path().join("root"), home.path().join("victim"));
        std::fs::create_dir(&inner).expect("mkdir");
        sys::write_new(&victim, b"x", 0o600).expect("write");
        let tar = Tar::new()
            .dir("sub/", 0o755, 0)
            .dir("sub/dir/", 0o755, 0)
            .file("sub/evil", b"", 0o644)
            .symlink("s", "sub/dir")
            .symlink("evil", &victim.to_string_lossy())
            .link("l", "s/../evil")
            .octal(100, 8, 0o4777)
            .mtime(7)
            .end();
        unpack(&tar, &inner, style).expect("unpack");
        let victim = victim.metadata().expect("it is there");
        assert_eq!((victim.mode() & 0o7777, victim.mtime() == 7), (0o600, false), "{style:?}");
    }
}

#[test]
fn deletions_become_devices_on_overlay() {
    let home = root();
    let tar = Tar::new().dir("d/", 0o755, 0).file("d/.wh..wh..opq", b"", 0).file(".wh.gone", b"", 0).owner(9, 9).end();
    unpack(&tar, home.path(), Whiteouts::Overlay).expect("unpack");
    let gone = home.path().join("gone").symlink_metadata().expect("the device is there");
    assert_eq!((gone.mode(), gone.rdev(), gone.uid()), (0o020000, 0, 9));
    let opaque = sys::xattr::get(home.path().join("d"), "trusted.overlay.opaque").expect("look");
    assert_eq!(opaque.as_deref(), Some(&b"y"[..]));
}

#[test]
fn a_deletion_of_what_the_archive_has_is_an_error() {
    let home = root();
    let tar = Tar::new().file("x", b"", 0o644).file(".wh.x", b"", 0).end();
    let error = unpack(&tar, home.path(), Whiteouts::Overlay).expect_err("a whiteout of a new file");
    assert_eq!(error.to_string(), "failed to mknod(\"/x\", S_IFCHR, 0)");
}

#[test]
fn deletions_delete_on_a_naive_tree() {
    let home = root();
    let below = Tar::new().file("gone", b"1", 0o644).file("d/old", b"1", 0o644).file("d/kept/x", b"1", 0o644).end();
    unpack(&below, home.path(), Whiteouts::Applied).expect("unpack");
    assert_eq!(home.path().join("d").metadata().expect("made").permissions().mode() & 0o7777, 0o600);
    let tar = Tar::new()
        .file(".wh.gone", b"", 0)
        .dir("d/", 0o755, 0)
        .file("d/new", b"22", 0o644)
        .file("d/.wh..wh..opq", b"", 0)
        .file(".wh..wh.aufs", b"333", 0o644)
        .end();
    assert_eq!(unpack(&tar, home.path(), Whiteouts::Applied).expect("unpack"), 5, "the headers' sizes");
    let names = |path: &str| sys::list_dir(home.path().join(path)).expect("list");
    assert_eq!((names("."), names("d")), (vec!["d".into()], vec!["new".into()]));
}

#[test]
fn a_deletion_below_a_link_to_nothing_deletes_nothing() {
    let home = root();
    let tar = Tar::new().symlink("s", "nowhere").file("s/.wh.x", b"", 0).file("s/.wh..wh..opq", b"", 0).end();
    unpack(&tar, home.path(), Whiteouts::Applied).expect("dockerd takes it, too");
    assert!(home.path().join("s").is_symlink());
    let tar = Tar::new().file("s/x", b"", 0o644).end();
    assert!(unpack(&tar, home.path(), Whiteouts::Applied).is_err());
}

// s/s/s is s itself, which makes way; then there is no s/s any more.
#[test]
fn an_entry_that_takes_its_own_directory_away_is_an_error() {
    for style in [Whiteouts::Overlay, Whiteouts::Applied] {
        for last in [Tar::file(Tar::new(), "s/s/s", b"1", 0o644), Tar::new().link("s/s/s", "f")] {
            let home = root();
            let tar = [Tar::new().file("f", b"", 0o644).symlink("s", ".").open(), last.end()].concat();
            let refused = unpack(&tar, home.path(), style).expect_err("dockerd refuses it");
            assert!(refused.to_string().contains("/s/s/s"), "{refused}");
            assert_eq!(sys::list_dir(home.path()).expect("list"), ["f"]);
        }
    }
}

// dockerd has a directory of its own in the root meanwhile; it is the end of that which tells.
#[test]
fn a_naive_tree_emptied_from_its_root_keeps_the_roots_time() {
    let made = |tar: Tar| {
        let home = root();
        unpack(&tar.end(), home.path(), Whiteouts::Applied).expect("unpack");
        home.path().metadata().expect("the root").mtime()
    };
    assert_ne!(made(Tar::new().dir("./", 0o755, 5)), 5);
    assert_eq!(made(Tar::new().dir("./", 0o755, 5).file(".wh..wh..opq", b"", 0)), 5);
    assert_ne!(made(Tar::new().dir("./", 0o755, 5).dir("d", 0o755, 0).file("d/.wh..wh..opq", b"", 0)), 5);
}

#[test]
fn the_root_entry_is_skipped_on_overlay_and_applied_to_a_naive_tree() {
    for (style, name, mode) in [
        (Whiteouts::Overlay, "./", 0o755),
        (Whiteouts::Overlay, "/", 0o700),
        (Whiteouts::Applied, "./", 0o700),
        (Whiteouts::Applied, "..", 0o700),
    ] {
        let home = root();
        sys::chmod(home.path(), 0o755).expect("chmod");
        unpack(&Tar::new().dir(name, 0o700, 0).end(), home.path(), style).expect("unpack");
        assert_eq!(home.path().metadata().expect("look").mode() & 0o777, mode, "{style:?} {name}");
    }
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    let home = root();
    let tar = Tar::new()
        .dir("d/", 0o755, 0)
        .file("d/f", b"123", 0o644)
        .file("d", b"45", 0o644)
        .file("e", b"6", 0o644)
        .dir("e", 0o711, 0)
        .end();
    assert_eq!(unpack(&tar, home.path(), Whiteouts::Overlay).expect("unpack"), 2, "what is left is counted");
    assert!(home.path().join("d").is_file() && home.path().join("e").is_dir());
}

#[test]
fn what_is_no_file_is_refused_by_its_number() {
    let home = root();
    let tar = Tar::new().kind("s", b's').end();
    let error = unpack(&tar, home.path(), Whiteouts::Overlay).expect_err("no kind of file");
    assert_eq!(error.to_string(), "unhandled tar header type 115");
    let tar = Tar::new().kind("pax_global_header", header::GLOBAL).end();
    assert_eq!(unpack(&tar, home.path(), Whiteouts::Overlay).expect("skipped"), 0);
}

#[test]
fn devices_and_fifos_are_made() {
    let home = root();
    let tar = Tar::new().kind("c", header::CHARACTER).device(5, 300).kind("p", header::FIFO).end();
    unpack(&tar, home.path(), Whiteouts::Overlay).expect("unpack");
    let device = home.path().join("c").metadata().expect("there");
    assert_eq!((device.mode() & 0o170000, device.rdev()), (0o020000, 0x10_052c));
    assert_eq!(home.path().join("p").metadata().expect("there").mode() & 0o170000, 0o010000);
}

#[test]
fn aufs_links_are_unpacked_as_copies_on_a_naive_tree() {
    let home = root();
    let tar = Tar::new()
        .dir(".wh..wh.plnk", 0o700, 0)
        .file(".wh..wh.plnk/1.2", b"shared", 0o640)
        .link("a", ".wh..wh.plnk/1.2")
        .link("b", ".wh..wh.plnk/1.2")
        .end();
    unpack(&tar, home.path(), Whiteouts::Applied).expect("unpack");
    for name in ["a", "b"] {
        assert_eq!(std::fs::read(home.path().join(name)).expect("there"), b"shared");
    }
    let missing = Tar::new().link("a", ".wh..wh.plnk/9").end();
    let error = unpack(&missing, home.path(), Whiteouts::Applied).expect_err("nothing to link to");
    assert_eq!(error.to_string(), "Invalid aufs hardlink");
}
