//! Archives that want something: never a panic, never a byte outside the root, never memory for
//! a claim. Needs root.

mod made;

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use archive::{ReadError, Reader, UnpackError, Unpacker, Whiteouts, header};
use made::Tar;
use proptest::prelude::*;
use sys::Dir;

fn unpack(tar: impl Read, root: &Path, whiteouts: Whiteouts) -> Result<i64, Box<dyn std::error::Error>> {
    let mut reader = Reader::new(tar);
    let mut unpacker = Unpacker::new(Dir::open(root)?, whiteouts)?;
    while let Some(mut entry) = reader.next_entry()? {
        unpacker.entry(entry.header, &mut entry.payload)?;
    }
    while reader.tail()?.is_some() {}
    Ok(unpacker.finish()?)
}

/// A root with something valuable beside it, and what that looks like.
struct Cage {
    home: tempfile::TempDir,
}

impl Cage {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(home.path().join("root")).expect("mkdir");
        fs::create_dir(home.path().join("valuable")).expect("mkdir");
        sys::write_new(home.path().join("valuable/file"), b"gold", 0o600).expect("write");
        Self { home }
    }

    fn root(&self) -> std::path::PathBuf {
        self.home.path().join("root")
    }

    /// Everything outside the root that an archive could have changed.
    fn outside(&self) -> Vec<String> {
        let look = |name: &str| {
            let stat = self.home.path().join(name).symlink_metadata().expect("it is there");
            let content = fs::read(self.home.path().join(name)).unwrap_or_default();
            let changed = (stat.ctime(), stat.ctime_nsec());
            format!("{name} {:o} {} {} {changed:?} {content:?}", stat.mode(), stat.uid(), stat.nlink())
        };
        let mut names = sys::list_dir(self.home.path()).expect("list");
        names.extend(sys::list_dir(self.home.path().join("valuable")).expect("list"));
        assert_eq!(names, ["root", "valuable", "file"]);
        vec![look("valuable"), look("valuable/file")]
    }
}

/// Tries each archive on both kinds of trees.
fn nothing_outside_changes(tar: &[u8]) {
    for whiteouts in [Whiteouts::Overlay, Whiteouts::Applied] {
        let cage = Cage::new();
        let before = cage.outside();
        drop(unpack(tar, &cage.root(), whiteouts));
        assert_eq!(cage.outside(), before);
    }
}

#[test]
fn nothing_leads_out() {
    let up = "../../../../../../valuable";
    for link in ["../valuable", "/../valuable", "../root/../valuable", up, "/proc/self/cwd", "/proc/self/root"] {
        nothing_outside_changes(
            &Tar::new()
                .symlink("way", link)
                .file("way/file", b"lead", 0o777)
                .file("way/new", b"lead", 0o777)
                .dir("way/", 0o777, 1)
                .end(),
        );
        nothing_outside_changes(&Tar::new().symlink("d", link).dir("d/", 0o700, 7).file("d/x", b"", 0o644).end());
        nothing_outside_changes(
            &Tar::new().symlink("w", link).file("w/.wh.file", b"", 0).file("w/.wh..wh..opq", b"", 0).end(),
        );
        nothing_outside_changes(&Tar::new().symlink("l", link).link("h", "l/file").owner(5, 5).file("h", b"", 0).end());
        nothing_outside_changes(&Tar::new().link("h", &format!("{link}/file")).owner(5, 5).end());
    }
    for name in ["../valuable/file", "/../valuable/file", "x/../../valuable/file", "./../valuable/.wh.file"] {
        nothing_outside_changes(&Tar::new().file(name, b"lead", 0o777).owner(5, 5).end());
        nothing_outside_changes(&Tar::new().symlink(name, "x").owner(5, 5).end());
        nothing_outside_changes(&Tar::new().kind(name, header::FIFO).end());
    }
    nothing_outside_changes(&Tar::new().file(".wh...", b"", 0).end());
    nothing_outside_changes(&Tar::new().file("../.wh.valuable", b"", 0).end());
}

#[test]
fn a_directory_swapped_for_a_link_is_not_remembered() {
    // The directory's descriptor is held while files go into it; then it becomes a way out.
    nothing_outside_changes(
        &Tar::new()
            .dir("d/", 0o755, 0)
            .file("d/one", b"1", 0o644)
            .symlink("s", ".")
            .symlink("s/d", "../valuable")
            .file("d/file", b"lead", 0o777)
            .end(),
    );
}

#[test]
fn a_time_for_a_directory_that_became_a_device_opens_no_device() {
    let cage = Cage::new();
    let tar = Tar::new().symlink("s", ".").dir("d/", 0o755, 5).kind("s/d", header::CHARACTER).device(10, 130).end();
    unpack(tar.as_slice(), &cage.root(), Whiteouts::Overlay).expect("unpack");
    assert_eq!(cage.root().join("d").symlink_metadata().expect("there").mtime(), 5);
}

#[test]
fn a_claimed_size_costs_nothing() {
    let huge = Tar::new().raw(b"big", b'0', 0o77777777777, b"little").open();
    let cage = Cage::new();
    let error = unpack(huge.as_slice(), &cage.root(), Whiteouts::Overlay).expect_err("cut short");
    assert!(error.to_string().contains("unexpected EOF"), "{error}");
    for typeflag in [b'x', b'g', b'L', b'K'] {
        let huge = Tar::new().raw(b"big", typeflag, 0o77777777777, b"little").end();
        assert!(matches!(Reader::new(huge.as_slice()).next_entry(), Err(ReadError::TooLong)));
    }
}

#[test]
fn extended_headers_without_end_are_refused() {
    let one = Tar::new().raw(b"x", b'x', 1 << 20, &{
        let mut record = format!("{} comment=", 1 << 20).into_bytes();
        record.resize((1 << 20) - 1, b'c');
        record.push(b'\n');
        record
    });
    let one = one.open();
    let mut endless = io::empty().chain(one.as_slice());
    let mut all = Vec::new();
    endless.read_to_end(&mut all).expect("memory can be read");
    let bomb = all.repeat(12);
    assert!(matches!(Reader::new(bomb.as_slice()).next_entry(), Err(ReadError::TooLong)));
}

#[test]
fn a_sparse_map_in_the_payload_has_an_end() {
    struct Lines(u64);
    impl Read for Lines {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.0 += to.len() as u64;
            assert!(self.0 < 64 << 20, "it must have given up");
            to.fill(b'\n');
            to.iter_mut().step_by(2).for_each(|byte| *byte = b'9');
            Ok(to.len())
        }
    }
    let head = Tar::new()
        .pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"9")])
        .raw(b"s", b'0', 0o77777777777, b"4000000000000000000\n000000000000")
        .open();
    let head = &head[..head.len() - 480];
    let mut reader = Reader::new(head.chain(Lines(0)));
    assert!(matches!(reader.next_entry(), Err(ReadError::TooLong)));
}

#[test]
fn an_archive_cut_anywhere_is_an_error_or_the_end() {
    let whole = Tar::new()
        .dir("d/", 0o755, 1)
        .pax(&[("path", b"d/long"), ("SCHILY.xattr.user.x", b"1")])
        .file("x", &[b'y'; 700], 0o644)
        .raw(b"L", b'L', 5, b"name\0")
        .file("y", b"1", 0o644)
        .symlink("s", "t")
        .end();
    let ends = ends_of(&whole);
    for length in 0..whole.len() {
        let mut reader = Reader::new(&whole[..length]);
        let mut again = Vec::new();
        let ended = loop {
            match reader.next_entry() {
                Ok(None) => break true,
                Err(ReadError::Truncated) => break false,
                Err(other) => panic!("{length}: {other}"),
                Ok(Some(mut entry)) => {
                    again.extend_from_slice(entry.raw);
                    drop(entry.payload.read_to_end(&mut again));
                }
            }
        };
        assert_eq!(ended, ends.contains(&length), "{length}");
        if ended {
            let tail = reader.tail().expect("memory can be read").unwrap_or_default();
            again.extend_from_slice(tail);
            assert!(again == whole[..length], "{length}: nothing is lost");
        }
    }
}

/// Where an archive may end: before a header, and in the padding of a payload.
fn ends_of(archive: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < archive.len() {
        ends.push(at);
        let digits = std::str::from_utf8(&archive[at + 124..at + 135]).expect("octal").trim_end_matches('\0');
        let size = usize::from_str_radix(digits, 8).unwrap_or(0);
        at += 512 + size;
        ends.extend(at..at.next_multiple_of(512));
        at = at.next_multiple_of(512);
    }
    ends
}

#[test]
fn a_source_that_fails_is_told_as_it_failed() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let head = Tar::new().raw(b"f", b'0', 9999, b"").open();
    let cage = Cage::new();
    let error = unpack(head.chain(Broken), &cage.root(), Whiteouts::Overlay).expect_err("no cable");
    assert_eq!(error.to_string(), "the cable is out");
    assert!(matches!(error.downcast_ref(), Some(UnpackError::Payload(_))));
}

/// Pieces that archives of trouble are made of.
fn piece() -> impl Strategy<Value = Tar> {
    let name = prop::sample::select(vec![
        "a",
        "a/",
        "a/b",
        "a/b/c",
        "../valuable",
        "../valuable/file",
        "/",
        ".",
        "..",
        "b",
        "b/a",
        ".wh.a",
        "a/.wh..wh..opq",
        ".wh..wh.plnk/x",
        ".wh.",
        "a/.wh..",
        "é",
        "",
    ]);
    let target = prop::sample::select(vec![
        "a",
        "..",
        "/",
        "../valuable",
        "../valuable/file",
        "b/../../x",
        "b/../a",
        "b/a",
        "a/b",
        ".wh..wh.plnk/x",
        "",
    ]);
    let typeflag = prop::sample::select(b"0123456\0gSxLK7".to_vec());
    (name, target, typeflag, any::<u16>(), prop::collection::vec(any::<u8>(), 0..600)).prop_map(
        |(name, target, typeflag, mode, payload)| {
            let size = if matches!(typeflag, b'1'..=b'6') { 0 } else { payload.len() };
            Tar::new()
                .raw(name.as_bytes(), typeflag, size as u64, &payload[..size])
                .octal(100, 8, u64::from(mode & 0o7777))
                .field(157, target.as_bytes())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn trouble_stays_inside(
        pieces in prop::collection::vec(piece(), 0..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        mend in any::<bool>(),
    ) {
        let mut tar: Vec<u8> = pieces.into_iter().flat_map(Tar::open).collect();
        tar.extend_from_slice(&[0; 1024]);
        for (at, byte) in changes {
            let at = at.index(tar.len());
            tar[at] = byte;
            if mend && at / 512 * 512 + 512 <= tar.len() {
                mend_checksum(&mut tar[at / 512 * 512..][..512]);
            }
        }
        tar.truncate(tar.len() - cut.index(tar.len()) / 8);
        nothing_outside_changes(&tar);
    }

    #[test]
    fn what_is_read_is_the_whole_stream(
        pieces in prop::collection::vec(piece(), 0..8),
        noise in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let mut tar: Vec<u8> = pieces.into_iter().flat_map(Tar::open).collect();
        tar.extend_from_slice(&[0; 1024]);
        tar.extend_from_slice(&noise);
        let mut reader = Reader::new(tar.as_slice());
        let mut again = Vec::new();
        let whole = loop {
            match reader.next_entry() {
                Ok(Some(mut entry)) => {
                    again.extend_from_slice(entry.raw);
                    if entry.payload.read_to_end(&mut again).is_err() {
                        break false;
                    }
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        if whole {
            while let Some(bytes) = reader.tail().expect("memory can be read") {
                again.extend_from_slice(bytes);
            }
            prop_assert_eq!(again, tar);
        }
    }
}

fn mend_checksum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
