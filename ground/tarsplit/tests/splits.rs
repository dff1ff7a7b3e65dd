//! tar-split.json, written and read.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use proptest::prelude::*;
use tarsplit::{AssembleError, Entries, Entry, EntryError, PackError, Packer, Sum, assemble};

/// File lines that dockerd 20.10.24 wrote for several layers, put together and numbered anew, and
/// an end: names that need every escape or are no UTF-8, links that claim a size.
const GOLDEN: &str = concat!(
    r#"{"type":1,"name":"d/","payload":null,"position":0}"#,
    "\n",
    r#"{"type":1,"name":"d/a","size":5,"payload":"PD7u4tgQAAA=","position":1}"#,
    "\n",
    r#"{"type":1,"name":"\u003c\u0026\u003e\"\\\t\u2028é"#,
    "\u{7f}",
    r#"","size":1,"payload":"IxAAAAAAAAA=","position":2}"#,
    "\n",
    r#"{"type":1,"name_raw":"Y2Fm6Q==","size":1,"payload":"IHAAAAAAAAA=","position":3}"#,
    "\n",
    r#"{"type":1,"name":"b","size":5,"payload":"AAAAAAAAAAA=","position":4}"#,
    "\n",
    r#"{"type":1,"name":"l","size":-1,"payload":null,"position":5}"#,
    "\n",
    r#"{"type":2,"payload":"AAAA","position":6}"#,
    "\n",
    r#"{"type":2,"payload":"","position":7}"#,
    "\n",
);

fn gz(text: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::fast());
    to.write_all(text).and_then(|()| to.finish()).expect("memory takes everything")
}

fn read(text: &[u8]) -> Result<Vec<Entry>, EntryError> {
    Entries::new(gz(text).as_slice()).collect()
}

fn pack(entries: &[Entry]) -> Result<String, PackError> {
    let mut packer = Packer::new(Vec::new());
    for entry in entries {
        match entry {
            Entry::Segment(bytes) => packer.segment(bytes)?,
            Entry::File { name, size, sum } => {
                let content: &[u8] = match sum.as_slice() {
                    [0x3c, ..] => b"hello",
                    [0x23, 0x10, ..] => b"x",
                    [0x20, 0x70, ..] => b"z",
                    _ => b"",
                };
                packer.file(name, *size, Some(Sum::of(content)))?;
            }
        }
    }
    let written = packer.finish()?;
    Ok(io::read_to_string(GzDecoder::new(written.as_slice())).expect("what we wrote inflates"))
}

#[test]
fn dockerds_lines_survive_a_round_trip() {
    let entries = read(GOLDEN.as_bytes()).expect("dockerd wrote it");
    assert_eq!(entries.len(), 8);
    assert_eq!(entries[7], Entry::Segment(Vec::new()));
    assert!(matches!(&entries[3], Entry::File { name, .. } if name == b"caf\xe9"));
    assert_eq!(pack(&entries).expect("no name twice"), GOLDEN);
}

#[test]
fn the_end_of_docker_28_and_null_are_understood() {
    let text = "{\"type\":2,\"payload\":null,\"position\":0}\n{\"type\":2,\"payload\":\"AA==\",\"position\":1}";
    let entries = read(text.as_bytes()).expect("both are fine");
    assert_eq!(entries, [Entry::Segment(Vec::new()), Entry::Segment(vec![0])]);
    assert_eq!(read(b"").expect("nothing is nothing"), []);
}

#[test]
fn a_name_twice_is_refused_however_it_is_written() {
    for (one, other) in [("a", "a"), ("a", "./a"), ("d/", "d"), ("a/../b", "b"), ("", "."), ("g", "g/")] {
        let mut packer = Packer::new(io::sink());
        packer.file(one.as_bytes(), 0, None).expect("the first");
        let error = packer.file(other.as_bytes(), 0, None).expect_err(other);
        assert_eq!(error.to_string(), "duplicates of file paths not supported");
        let lines = [one, other].map(|name| format!("{{\"type\":1,\"name\":\"{name}\",\"payload\":null}}\n"));
        assert!(matches!(read(lines.concat().as_bytes()), Err(EntryError::Duplicate)));
    }
    let mut packer = Packer::new(io::sink());
    for name in [&b"a"[..], b"/a", b"../a", b"a\xff", b"a\xfe"] {
        packer.file(name, 0, None).expect("all different");
    }
}

#[test]
fn a_damaged_line_is_named() {
    let good = "{\"type\":2,\"payload\":\"\"}\n";
    for bad in ["{", "{\"type\":3}", "{\"type\":2,\"payload\":\"*\"}", "[]", "{\"payload\":\"\"}", "\u{0}"] {
        let error = read(format!("{good}{bad}\n").as_bytes()).expect_err(bad);
        assert_eq!(error.to_string(), "line 2 of tar-split.json.gz is no entry", "{bad}");
    }
    let whole = gz(GOLDEN.as_bytes());
    let cut = Entries::new(&whole[..whole.len() / 2]).collect::<Result<Vec<_>, _>>();
    assert!(matches!(cut, Err(EntryError::Read(_))));
    assert!(matches!(Entries::new(&b"no gzip"[..]).collect::<Result<Vec<_>, _>>(), Err(EntryError::Read(_))));
}

#[test]
fn a_line_without_end_is_not_kept_in_memory() {
    let endless = io::repeat(b'x').take(200 << 20);
    let mut compressed = Vec::new();
    let mut to = GzEncoder::new(&mut compressed, Compression::fast());
    io::copy(&mut { endless }, &mut to).expect("memory takes everything");
    to.finish().expect("memory takes everything");
    let first = Entries::new(compressed.as_slice()).next().expect("a line");
    assert!(matches!(first, Err(EntryError::Line { line: 1, .. })));
}

fn assemble_from(entries: Vec<Entry>, files: &BTreeMap<&[u8], &[u8]>) -> Result<Vec<u8>, AssembleError<io::Error>> {
    let mut archive = Vec::new();
    let open = |name: &[u8]| {
        files.get(name).map(|content| Cursor::new(*content)).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    assemble(entries.into_iter().map(Ok), open, &mut archive)?;
    Ok(archive)
}

fn file(name: &[u8], content: &[u8]) -> Entry {
    Entry::File { name: name.into(), size: content.len() as i64, sum: Sum::of(content).bytes().into() }
}

#[test]
fn a_file_goes_in_whole_and_is_checked() {
    let entries = || vec![Entry::Segment(b"<".into()), file(b"a", b"hello"), Entry::Segment(b">".into())];
    let archive = assemble_from(entries(), &BTreeMap::from([(&b"a"[..], &b"hello"[..])])).expect("unchanged");
    assert_eq!(archive, b"<hello>");
    for now in [&b"hellO"[..], b"hello, and more", b"hell", b""] {
        let error = assemble_from(entries(), &BTreeMap::from([(&b"a"[..], now)])).expect_err("changed");
        assert_eq!(error.to_string(), "file integrity checksum failed for \"a\"");
    }
    let error = assemble_from(entries(), &BTreeMap::new()).expect_err("gone");
    assert_eq!(error.to_string(), "a could not be opened");
}

#[test]
fn what_has_no_size_is_not_opened() {
    let directory = Entry::File { name: b"d/".into(), size: 0, sum: Vec::new() };
    assert_eq!(assemble_from(vec![directory], &BTreeMap::new()).expect("nothing to open"), b"");
}

proptest! {
    #[test]
    fn what_was_packed_is_read(
        parts in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..20), 0..3_i64, proptest::collection::vec(any::<u8>(), 0..50)),
            0..20,
        ),
    ) {
        let mut packer = Packer::new(Vec::new());
        let mut expected = Vec::new();
        for (at, (name, size, segment)) in parts.into_iter().enumerate() {
            let name = [name, at.to_string().into_bytes()].concat();
            packer.segment(&segment).expect("memory takes everything");
            if !segment.is_empty() {
                expected.push(Entry::Segment(segment));
            }
            let content = vec![b'x'; usize::try_from(size).expect("small")];
            match packer.file(&name, size, Some(Sum::of(&content))) {
                Ok(()) => {}
                Err(PackError::Duplicate) => continue,
                Err(error) => panic!("{error}"),
            }
            let sum = if size > 0 { Sum::of(&content).bytes().into() } else { Vec::new() };
            expected.push(Entry::File { name, size, sum });
        }
        expected.push(Entry::Segment(Vec::new()));
        let written = packer.finish().expect("memory takes everything");
        let read: Vec<_> = Entries::new(written.as_slice()).collect::<Result<_, _>>().expect("we wrote it");
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn noise_is_an_error_and_no_panic(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&noise));
        drop(Entries::new(noise.as_slice()).collect::<Result<Vec<_>, _>>());
    }
}
