//! Layers that a real dockerd 20.10.24 loaded, unpacked here: same tree, same size, same
//! tar-split.json, same refusals. The layers and what became of them: `golden/make.py`.
//!
//! Needs root.

mod listing;

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
};

use archive::{ReadError, Reader, UnpackError, Unpacker, Whiteouts};
use base::gopath;
use flate2::read::GzDecoder;
use tarsplit::{AssembleError, Entries, PackError, Packer, Summed, assemble};

/// A layer, and what dockerd made of it.
struct Case {
    name: String,
    layer: Vec<u8>,
    split: Option<String>,
    outcome: serde_json::Value,
}

fn cases() -> Vec<Case> {
    let golden = GzDecoder::new(&include_bytes!("golden/layers.tar.gz")[..]);
    let mut reader = Reader::new(golden);
    let mut files: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    while let Some(mut entry) = reader.next_entry().expect("the golden archive is whole") {
        let name = String::from_utf8(entry.header.name.clone()).expect("plain names");
        let (case, kind) = name.split_once('.').expect("CASE.KIND");
        let mut bytes = Vec::new();
        entry.payload.read_to_end(&mut bytes).expect("the golden archive is whole");
        files.entry(case.to_owned()).or_default().insert(kind.to_owned(), bytes);
    }
    let case = |(name, mut files): (String, BTreeMap<String, Vec<u8>>)| Case {
        name,
        layer: files.remove("tar").expect("a layer"),
        split: files.remove("split").map(|bytes| String::from_utf8(bytes).expect("JSON")),
        outcome: serde_json::from_slice(&files.remove("json").expect("an outcome")).expect("JSON"),
    };
    files.into_iter().map(case).collect()
}

#[derive(Debug)]
enum Failure {
    Read(ReadError),
    Unpack(UnpackError),
    Pack(PackError),
}

impl Failure {
    /// What `docker load` says of it.
    fn sentence(&self, whiteouts: Whiteouts) -> String {
        let words = match self {
            Self::Read(error) => error.to_string(),
            Self::Unpack(error) => error.words(),
            Self::Pack(error) => return format!("Error processing tar file({error}):"),
        };
        match whiteouts {
            Whiteouts::Overlay => format!("Error processing tar file(exit status 1): {words}"),
            _ => format!("ApplyLayer exit status 1 stdout:  stderr: {words}"),
        }
    }
}

/// One pass over a layer, as a layer store makes it: the layer's size and its tar-split.json.gz.
fn register(layer: &[u8], root: &Path, whiteouts: Whiteouts) -> Result<(i64, Vec<u8>), Failure> {
    let mut reader = Reader::new(layer);
    let mut packer = Packer::new(Vec::new());
    let root = sys::Dir::open(root).map_err(|error| Failure::Unpack(error.into()))?;
    let mut unpacker = Unpacker::new(root, whiteouts).map_err(Failure::Unpack)?;
    while let Some(entry) = reader.next_entry().map_err(Failure::Read)? {
        packer.segment(entry.raw).map_err(Failure::Pack)?;
        let mut payload = Summed::new(entry.payload);
        unpacker.entry(entry.header, &mut payload).map_err(Failure::Unpack)?;
        let sum = payload.finish().map_err(|error| Failure::Unpack(UnpackError::Payload(error)))?;
        packer.file(&entry.header.name, entry.header.size, Some(sum)).map_err(Failure::Pack)?;
    }
    while let Some(bytes) = reader.tail().map_err(Failure::Read)? {
        packer.segment(bytes).map_err(Failure::Pack)?;
    }
    let size = unpacker.finish().map_err(Failure::Unpack)?;
    Ok((size, packer.finish().map_err(Failure::Pack)?))
}

/// The layer's archive again.
fn save(split: &[u8], root: &Path) -> Result<Vec<u8>, AssembleError<sys::Error>> {
    let root = sys::Dir::open(root).expect("it was unpacked there");
    let mut archive = Vec::new();
    assemble(Entries::new(split), |name| root.open_below(&gopath::in_root(name)), &mut archive)?;
    Ok(archive)
}

fn inflate(gz: &[u8]) -> String {
    io::read_to_string(GzDecoder::new(gz)).expect("what we wrote inflates")
}

/// The lines without the tail, whose pieces depend on how dockerd happened to read, and the
/// bytes of the tail.
fn without_tail(split: &str) -> (Vec<&str>, usize) {
    let lines: Vec<_> = split.lines().collect();
    let last_file = lines.iter().rposition(|line| line.starts_with("{\"type\":1")).map_or(0, |at| at + 1);
    let tail = lines[last_file..]
        .iter()
        .filter_map(|line| line.split('"').nth(5))
        .map(|text| text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count());
    (lines[..last_file].to_vec(), tail.sum())
}

/// Layers that dockerd loads and cannot save, and we can: it forgets padding that the end of
/// the stream cuts short, opens `ROOT/../esc`, and follows the layer's links out of the layer.
const BETTER: [&str; 4] = ["halfpad", "rootup", "symlink", "symparent"];

fn compare(case: &Case, driver: &str, whiteouts: Whiteouts) {
    let shown = format!("{} on {driver}", case.name);
    let home = tempfile::tempdir().expect("a temporary directory");
    sys::chmod(home.path(), 0o755).expect("chmod");
    let expected = &case.outcome[driver];
    let made = register(&case.layer, home.path(), whiteouts);
    if let Some(error) = expected["error"].as_str() {
        let failure = made.map(|(size, _)| size).expect_err(&shown);
        if !matches!((&failure, whiteouts), (Failure::Pack(_), Whiteouts::Applied)) {
            assert_eq!(failure.sentence(whiteouts), error, "{shown}");
        }
        return;
    }
    let (size, split) = made.unwrap_or_else(|error| panic!("{shown}: {error:?}"));
    let tree: Vec<_> = expected["tree"].as_array().expect("a tree").iter().filter_map(|line| line.as_str()).collect();
    assert_eq!(listing::tree(home.path()), tree, "{shown}");
    assert_eq!(Some(size), expected["size"].as_i64(), "{shown}");
    if let Some(theirs) = case.split.as_deref().filter(|_| case.name != "halfpad") {
        assert_eq!(without_tail(&inflate(&split)), without_tail(theirs), "{shown}");
    }
    let saved = match save(&split, home.path()) {
        Ok(archive) if archive == case.layer => "exact".to_owned(),
        Ok(_) => "differs".to_owned(),
        Err(error) => error.to_string(),
    };
    let better = BETTER.contains(&case.name.as_str());
    match expected["save"].as_str().expect("it was tried") {
        "exact" => assert_eq!(saved, "exact", "{shown}"),
        _ if better => assert_eq!(saved, "exact", "{shown}"),
        _ => assert_ne!(saved, "exact", "{shown}: dockerd cannot"),
    }
}

#[test]
fn layers_become_the_trees_that_dockerd_makes() {
    for case in cases() {
        compare(&case, "overlay2", Whiteouts::Overlay);
        compare(&case, "vfs", Whiteouts::Applied);
    }
}
