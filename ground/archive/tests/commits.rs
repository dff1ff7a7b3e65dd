//! Trees that a real dockerd 20.10.24 committed, packed here: the same bytes. How the trees are
//! made and what became of them: `golden/make_commit.py`.
//!
//! Needs root.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

use archive::{Change, ChangeKind, Moment, Owners, Reader, Whiteouts, changes, changes_size, pack, pack_changes};
use base::gopath;
use flate2::read::GzDecoder;
use rustix::fs::{FileType, Timespec, Timestamps};
use sys::Dir;

fn golden() -> BTreeMap<String, Vec<u8>> {
    let mut reader = Reader::new(GzDecoder::new(&include_bytes!("golden/commits.tar.gz")[..]));
    let mut files = BTreeMap::new();
    while let Some(mut entry) = reader.next_entry().expect("the golden archive is whole") {
        let mut bytes = Vec::new();
        entry.payload.read_to_end(&mut bytes).expect("the golden archive is whole");
        files.insert(String::from_utf8(entry.header.name.clone()).expect("plain names"), bytes);
    }
    files
}

/// One file of a tree to be made.
struct File<'a>(&'a serde_json::Value);

impl File<'_> {
    fn bytes(&self, key: &str) -> Vec<u8> {
        let list = self.0[key].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|byte| u8::try_from(byte.as_u64().expect("a byte")).expect("a byte")).collect()
    }

    fn number(&self, key: &str) -> u32 {
        u32::try_from(self.0[key].as_u64().expect("a number")).expect("a small number")
    }

    fn kind(&self) -> &str {
        self.0["kind"].as_str().expect("a kind")
    }

    fn make(&self, root: &Dir) {
        let path = self.bytes("path");
        let (above, name) = gopath::split(&path);
        let dir = root.below(above).expect("a parent");
        let node = |kind| {
            let device = &self.0["device"];
            let (major, minor) = (device[0].as_u64().unwrap_or(0), device[1].as_u64().unwrap_or(0));
            dir.make_node(name, kind, 0o600, (minor & 0xf_ff00) << 12 | major << 8 | minor & 0xff).expect("mknod");
        };
        match self.kind() {
            "rm" => return dir.remove(name).expect("remove"),
            "h" => return dir.make_link(root, &self.bytes("link"), name).expect("link"),
            "touch" => {}
            "d" => dir.make_dir(name, 0o700).expect("mkdir"),
            "f" => {
                let data = self.0["data"].as_str().unwrap_or_default();
                dir.create_file(name, 0o600).expect("create").write_all(data.as_bytes()).expect("write");
            }
            "l" => dir.make_symlink(&self.bytes("link"), name).expect("symlink"),
            "c" => node(FileType::CharacterDevice),
            "b" => node(FileType::BlockDevice),
            "p" => node(FileType::Fifo),
            "s" => node(FileType::Socket),
            other => panic!("what is {other}?"),
        }
        dir.chown(name, self.number("uid"), self.number("gid")).expect("chown");
        for (key, value) in self.0["xattrs"].as_object().into_iter().flatten() {
            let hex = value.as_str().expect("hex");
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
            let value: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
            dir.set_xattr(name, key.as_bytes(), &value).expect("setxattr");
        }
        if self.kind() != "l" {
            dir.chmod(name, self.number("mode")).expect("chmod");
        }
    }

    fn set_time(&self, root: &Dir) {
        if matches!(self.kind(), "rm" | "h") {
            return;
        }
        let nanos = i128::from(self.0["mtime"].as_i64().expect("a time"));
        let time = Timespec {
            tv_sec: nanos.div_euclid(1_000_000_000) as i64,
            tv_nsec: nanos.rem_euclid(1_000_000_000) as i64,
        };
        let path = self.bytes("path");
        let (above, name) = gopath::split(&path);
        let times = Timestamps { last_access: time, last_modification: time };
        root.below(above).expect("a parent").set_times(name, &times).expect("utimensat");
    }
}

fn build(root: &Path, spec: &[u8]) -> Dir {
    let root = Dir::open(root).expect("open");
    let spec: serde_json::Value = serde_json::from_slice(spec).expect("JSON");
    let files: Vec<_> = spec.as_array().expect("a list").iter().map(File).collect();
    files.iter().for_each(|file| file.make(&root));
    files.iter().rev().for_each(|file| file.set_time(&root));
    root
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The names of the host that the daemon ran on.
fn owners() -> Owners {
    let home = directory();
    fs::create_dir(home.path().join("etc")).expect("mkdir");
    for file in ["etc/passwd", "etc/group"] {
        sys::write_new(home.path().join(file), b"root:x:0:0:\ndaemon:x:1:1:\n", 0o644).expect("write");
    }
    Owners::of(&Dir::open(home.path()).expect("open"))
}

/// Which entry differs is more telling than which byte.
fn assert_same_archive(ours: &[u8], theirs: &[u8]) {
    let (mut one, mut other) = (Reader::new(ours), Reader::new(theirs));
    loop {
        match (one.next_entry().expect("whole"), other.next_entry().expect("whole")) {
            (Some(one), Some(other)) => {
                assert_eq!(one.header, other.header);
                assert!(one.raw == other.raw, "{:?} is written differently", other.header);
            }
            (None, None) => break,
            (one, other) => panic!("{:?} and {:?}", one.map(|e| e.header), other.map(|e| e.header)),
        }
    }
    assert!(ours == theirs, "the ends differ");
}

#[test]
fn an_overlay_directory_is_packed_to_the_byte() {
    let (golden, home) = (golden(), directory());
    let root = build(home.path(), &golden["overlay2.json"]);
    let mut packed = Vec::new();
    pack(&root, Whiteouts::Overlay, &owners(), &mut packed).expect("pack");
    assert_same_archive(&packed, &golden["overlay2.tar"]);
}

fn vfs(golden: &BTreeMap<String, Vec<u8>>) -> (tempfile::TempDir, tempfile::TempDir, Vec<Change>) {
    let (below, above) = (directory(), directory());
    let old = build(below.path(), &golden["base.json"]);
    drop(build(above.path(), &golden["base.json"]));
    let new = build(above.path(), &golden["vfs.json"]);
    let changes = changes(&new, Some(&old)).expect("compare");
    (below, above, changes)
}

#[test]
fn changes_are_what_docker_diff_says() {
    let golden = golden();
    let (_below, above, changes) = vfs(&golden);
    let mut ours: Vec<_> = changes.iter().map(ToString::to_string).collect();
    let mut theirs: Vec<_> = String::from_utf8_lossy(&golden["vfs.diff"]).lines().map(str::to_owned).collect();
    // The API's JSON shows each byte that is no UTF-8 as one character, and so do we.
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    let size = changes_size(&Dir::open(above.path()).expect("open"), &changes).expect("size");
    let at = |name: &str| above.path().join(name).symlink_metadata().expect("there").size();
    assert!(size > at("many") + at("a/file") && size < at("many") + 4096, "{size}");
}

#[test]
fn changes_are_packed_to_the_byte() {
    let golden = golden();
    let (_below, above, changes) = vfs(&golden);
    let root = Dir::open(above.path()).expect("open");
    let theirs = &golden["vfs.tar"];
    let mut reader = Reader::new(theirs.as_slice());
    let mut now = Moment::EPOCH;
    while let Some(entry) = reader.next_entry().expect("whole") {
        if entry.header.name == b"keep/.wh.gone" {
            now = entry.header.mtime;
        }
    }
    let mut packed = Vec::new();
    pack_changes(&root, &changes, now, &owners(), &mut packed).expect("pack");
    assert_same_archive(&packed, theirs);
}

#[test]
fn a_directorys_change_stands_before_what_is_in_it() {
    let golden = golden();
    let (_below, _above, changes) = vfs(&golden);
    let deep: Vec<_> = changes.iter().map(ToString::to_string).filter(|line| line.contains("/deep")).collect();
    assert_eq!(deep, ["C /deep", "C /deep/er", "A /deep/er/g"]);
    let position = |path: &[u8]| changes.iter().position(|change| change.path == path).expect("it changed");
    assert!(position(b"/keep/gone") > position("/keep/new-\"<é".as_bytes()), "deletions come last");
    assert_eq!(changes[position(b"/to-dir")].kind, ChangeKind::Modified);
}

#[test]
fn a_block_device_in_a_directorys_place_is_one_change() {
    let (below, above) = (directory(), directory());
    fs::create_dir(below.path().join("x")).expect("mkdir");
    sys::write_new(below.path().join("x/in"), b"", 0o644).expect("write");
    let new = Dir::open(above.path()).expect("open");
    new.make_node(b"x", FileType::BlockDevice, 0o600, 0x0801).expect("mknod");
    let found = changes(&new, Some(&Dir::open(below.path()).expect("open"))).expect("compare");
    assert_eq!(found, [Change { path: b"/x".into(), kind: ChangeKind::Modified }]);
}
