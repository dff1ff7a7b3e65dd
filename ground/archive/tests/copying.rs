//! Files put among others that are there, and packed from a tree that changes. Needs root.

mod made;

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use archive::{Copying, Owners, Ownership, Picked, Reader, UnpackError, Unpacker};
use made::Tar;

/// Unpacks into `dest` of a root that words call `/`.
fn copy(tar: &[u8], root: &Path, dest: &str, ownership: Ownership) -> Result<(), UnpackError> {
    let copying = Copying { dest: dest.into(), root: b"/".to_vec(), is_link: false, ownership };
    let mut unpacker = Unpacker::copying(sys::Dir::open(root)?, copying);
    let mut reader = Reader::new(tar);
    while let Some(mut entry) = reader.next_entry().map_err(|error| UnpackError::Payload(error.into()))? {
        unpacker.entry(entry.header, &mut entry.payload)?;
    }
    unpacker.finish().map(drop)
}

fn refused(tar: Tar, root: &Path, dest: &str) -> String {
    copy(&tar.end(), root, dest, Ownership::Archive).expect_err("it is refused").words()
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    sys::create_dir_all(home.path().join("root/data/dir"), 0o755).expect("mkdir");
    sys::write_new(home.path().join("root/data/file"), b"there", 0o600).expect("write");
    home
}

#[test]
fn what_is_there_gives_way_unless_one_of_both_is_a_directory() {
    let home = home();
    let root = home.path().join("root");
    std::fs::hard_link(root.join("data/file"), root.join("data/twin")).expect("link");
    copy(&Tar::new().file("file", b"new", 0o644).end(), &root, "data", Ownership::Archive).expect("copied");
    let read = |name: &str| std::fs::read(root.join("data").join(name)).expect("read");
    assert_eq!((read("file"), read("twin")), (b"new".to_vec(), b"there".to_vec()), "made anew, not written over");
    assert_eq!(
        refused(Tar::new().file("dir", b"", 0o644), &root, "data"),
        "cannot overwrite directory \"/data/dir\" with non-directory \"/data\""
    );
    assert_eq!(
        refused(Tar::new().dir("file/", 0o755, 0), &root, "data"),
        "cannot overwrite non-directory \"/data/file\" with directory \"/data\""
    );
    let merged = Tar::new().dir("dir/", 0o700, 7).file("dir/in", b"", 0o644).dir("./", 0o111, 0);
    copy(&merged.end(), &root, "data", Ownership::Archive).expect("merged");
    let mode = |name: &str| root.join(name).metadata().expect("stat").permissions().mode() & 0o7777;
    assert_eq!((mode("data/dir"), mode("data")), (0o700, 0o755), "the place itself stays as it is");
    assert_eq!(root.join("data/dir").metadata().expect("stat").mtime(), 7);
}

#[test]
fn a_deletion_of_layers_is_a_file_as_any() {
    let home = home();
    let root = home.path().join("root");
    let tar = Tar::new().file("data/.wh.file", b"", 0o644).file("data/.wh..wh..opq", b"", 0o644);
    copy(&tar.end(), &root, "", Ownership::Archive).expect("copied");
    assert!(root.join("data/file").exists() && root.join("data/.wh.file").exists());
}

#[test]
fn whose_they_are_is_said() {
    let home = home();
    let root = home.path().join("root");
    let tar = Tar::new().file("f", b"", 0o4755).owner(7, 8).symlink("l", "f").owner(7, 8).end();
    for (ownership, owners) in [(Ownership::Archive, (7, 8)), (Ownership::Own, (0, 0)), (Ownership::Of(5, 6), (5, 6))] {
        copy(&tar, &root, "data", ownership).expect("copied");
        for name in ["data/f", "data/l"] {
            let stat = root.join(name).symlink_metadata().expect("stat");
            assert_eq!((stat.uid(), stat.gid()), owners, "{ownership:?} {name}");
        }
        assert_eq!(root.join("data/f").metadata().expect("stat").mode() & 0o7777, 0o4755);
    }
}

#[test]
fn names_and_links_that_lead_out_are_refused_in_dockers_words() {
    let home = home();
    let root = home.path().join("root");
    assert_eq!(refused(Tar::new().file("../x", b"", 0o644), &root, "data"), "\"../x\" is outside of \"/data\"");
    assert_eq!(
        refused(Tar::new().symlink("dir/l", "../../x"), &root, "data"),
        "invalid symlink \"/data/dir/l\" -> \"../../x\""
    );
    assert_eq!(refused(Tar::new().link("l", "../x"), &root, "data"), "invalid hardlink \"/x\" -> \"../x\"");
    copy(&Tar::new().symlink("abs", "/etc").end(), &root, "data", Ownership::Archive).expect("its letters stay inside");
}

#[test]
fn a_link_on_the_way_stays_in_the_root() {
    let home = home();
    let root = home.path().join("root");
    sys::create_dir(home.path().join("outside"), 0o755).expect("mkdir");
    sys::symlink(home.path().join("outside"), root.join("data/absolute")).expect("symlink");
    sys::symlink("../../outside", root.join("data/climbing")).expect("symlink");
    for (dest, name) in [("data", "absolute/x"), ("data", "climbing/x"), ("data/climbing", "x")] {
        drop(copy(&Tar::new().file(name, b"", 0o644).end(), &root, dest, Ownership::Archive));
    }
    assert!(sys::list_dir(home.path().join("outside")).expect("list").is_empty());
}

fn packed(dir: &Path, picked: Picked<'_>, name: &str) -> Vec<String> {
    let mut tar = Vec::new();
    let dir = sys::Dir::open(dir).expect("open");
    archive::pack_resource(&dir, picked, name.as_bytes(), &Owners::unnamed(), &mut tar).expect("packed");
    let mut reader = Reader::new(tar.as_slice());
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry().expect("an archive") {
        names.push(String::from_utf8_lossy(&entry.header.name).into_owned());
    }
    names
}

#[test]
fn one_thing_is_packed_under_another_name() {
    let home = home();
    let root = home.path().join("root");
    let all = |name: &str| packed(&root.join("data"), Picked::Itself, name);
    assert_eq!(all("."), ["./", "./dir/", "./file"]);
    assert_eq!(all("new"), ["new/", "new/dir/", "new/file"]);
    assert_eq!(all(""), ["/", "/dir/", "/file"]);
    assert_eq!(packed(&root, Picked::Named(b"data"), "other"), ["other/", "other/dir/", "other/file"]);
    assert_eq!(packed(&root.join("data"), Picked::Named(b"file"), "x"), ["x"]);
    assert_eq!(packed(&root, Picked::Named(b"gone"), "x"), Vec::<String>::new());
}

#[test]
fn a_tree_may_be_deeper_than_there_are_descriptors_or_stack() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let home = home();
    let deep = 1900;
    let mut dir = sys::Dir::open(home.path()).expect("open");
    dir.make_dir(b"deep", 0o755).expect("mkdir");
    dir = dir.sub(b"deep").expect("open");
    for _ in 0..deep {
        drop(dir.create_file(b"e", 0o644).expect("create"));
        dir.make_dir(b"d", 0o755).expect("mkdir");
        drop(dir.create_file(b"c", 0o644).expect("create"));
        dir = dir.sub(b"d").expect("open");
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..getrlimit(Resource::Nofile) }).expect("setrlimit");
    let names = packed(home.path(), Picked::Named(b"deep"), "deep");
    sys::remove_tree(home.path().join("deep")).expect("remove");
    assert_eq!(names.len(), 1 + 3 * deep);
    assert_eq!(names[..4], ["deep/", "deep/c", "deep/d/", "deep/d/c"]);
    assert_eq!(names[names.len() - 2..], ["deep/d/e", "deep/e"]);
}

/// Takes an archive in, and moves a directory away when the deepest file comes by.
struct Mover<'a>(&'a Path, bool);

impl std::io::Write for Mover<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.1 && bytes.windows(7).any(|window| window == b"deepest") {
            self.1 = true;
            sys::rename(self.0.join("d/d"), self.0.join("moved")).expect("rename");
            sys::create_dir(self.0.join("d/d"), 0o755).expect("mkdir");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_directory_that_moved_away_is_left_or_is_an_error() {
    let home = home();
    let make = || {
        let path = home.path().join(vec!["d"; 80].join("/"));
        sys::create_dir_all(&path, 0o755).expect("mkdir");
        sys::write_new(path.join("deepest"), b"", 0o644).expect("write");
        sys::Dir::open(home.path()).expect("open")
    };
    let mut mover = Mover(home.path(), false);
    archive::pack_resource(&make(), Picked::Itself, b".", &Owners::unnamed(), &mut mover).expect("left");
    assert!(mover.1, "it was moved");
    sys::remove_tree(home.path().join("d")).expect("remove");
    sys::remove_tree(home.path().join("moved")).expect("remove");
    let packed = archive::pack(&make(), archive::Whiteouts::Applied, &Owners::unnamed(), Mover(home.path(), false));
    assert!(matches!(packed, Err(archive::PackError::Sys(_))), "{packed:?}");
}
