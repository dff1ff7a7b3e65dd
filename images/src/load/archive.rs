//! The archive that is loaded: where in it each file lies.
//!
//! A file is not copied: its headers are read, its payloads passed over, and layers are later
//! read where they lie. A pipe cannot be read twice, and its `manifest.json` comes last: it goes
//! to a file without a name in `<data root>/tmp`, which is gone with the process.
//!
//! Names are those that dockerd finds after unpacking the archive into a directory: `..` does not
//! lead out of it, symlinks are followed in it, of two entries of one name the later counts.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek},
    ops::Bound,
    path::Path,
};

use archive::header;
use base::gopath;

use super::section::Section;
use crate::compression::{self, Compression, Unsupported};

/// What no path can be, so that dockerd cannot unpack it.
const LONGEST_NAME: usize = 4096;
/// More bytes of names than any archive of images has, those of directories counted.
const MOST_NAMES: usize = 64 << 20;
/// A payload is passed over by starting anew behind it, if it is longer than this.
const WORTH_A_JUMP: u64 = 1 << 20;
/// The longest config or manifest that is read. Theirs is the only memory that grows.
const LONGEST_JSON: u64 = 64 << 20;

/// Where an archive comes from.
pub enum Input<'a> {
    /// A file; one that is no regular file is read as a stream.
    File(File),
    /// Anything else.
    Stream(&'a mut dyn Read),
}

/// Why something in an archive cannot be found or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive is damaged.
    // moby 20.10, pkg/chrootarchive: the sentence of the process that unpacks
    #[error("Error processing tar file(exit status 1): {0}")]
    Damaged(archive::ReadError),
    /// It cannot be read.
    #[error("the archive could not be read")]
    Read(#[source] io::Error),
    /// It is compressed in a way we cannot undo.
    #[error(transparent)]
    Compression(#[from] Unsupported),
    /// A sparse file, which is no layer and no config.
    #[error("{0} is a sparse file in the archive")]
    Sparse(String),
    /// A name or target that no system call takes.
    #[error("Error processing tar file(exit status 1): a name of {0} bytes is too long for a path")]
    LongName(usize),
    /// More names than make sense.
    #[error("the archive has more files than can be kept in mind")]
    TooMany,
    /// A path that is not there.
    #[error("open {0}: no such file or directory")]
    Absent(String),
    /// A path that is a directory.
    #[error("read {0}: is a directory")]
    Directory(String),
    /// A path that would lead out of the archive.
    #[error("evalSymlinksInScope: {0} is not in the archive")]
    Outside(String),
    /// Symlinks that lead to each other.
    #[error("open {0}: too many levels of symbolic links")]
    Loop(String),
    /// A config or manifest beyond all measure.
    #[error("{0} is too long")]
    TooLong(String),
    /// The archive could not be put aside.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File { at: u64, size: u64 },
    Symlink(Vec<u8>),
    Directory,
}

/// An archive whose files are found by name.
#[derive(Debug)]
pub(super) struct Archive {
    file: File,
    nodes: BTreeMap<Vec<u8>, Node>,
}

impl Archive {
    /// Reads an archive's headers, all of them.
    pub(super) fn open(input: Input<'_>, tmp: &Path) -> Result<Self, ArchiveError> {
        let (file, start) = match input {
            Input::File(file) => seekable(file, tmp)?,
            Input::Stream(stream) => (spool(stream, tmp)?, 0),
        };
        let end = file.metadata().map_err(ArchiveError::Read)?.len();
        let nodes = index(&file, start, end)?;
        Ok(Self { file, nodes })
    }

    /// A file's bytes as a stream, and how many they are.
    pub(super) fn open_file(&self, path: &str) -> Result<(Section<'_>, u64), ArchiveError> {
        match self.find(path)? {
            Some(Node::File { at, size }) => Ok((Section::new(&self.file, *at, at + size), *size)),
            Some(_) => Err(ArchiveError::Directory(path.to_owned())),
            None => Err(ArchiveError::Absent(path.to_owned())),
        }
    }

    /// A file's bytes.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, ArchiveError> {
        let (mut file, size) = self.open_file(path)?;
        if size > LONGEST_JSON {
            return Err(ArchiveError::TooLong(path.to_owned()));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(ArchiveError::Read)?;
        Ok(bytes)
    }

    /// moby: a path from a manifest is joined to the directory, cleaned, and must still be in it;
    /// then symlinks are followed as if the directory were the root.
    fn find(&self, path: &str) -> Result<Option<&Node>, ArchiveError> {
        let cleaned = gopath::clean(path.trim_start_matches('/').as_bytes());
        if cleaned.starts_with(b"..") && matches!(cleaned.get(2), None | Some(b'/')) {
            return Err(ArchiveError::Outside(path.to_owned()));
        }
        let mut todo: Vec<Vec<u8>> = elements(&cleaned);
        let mut here: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(element) = todo.pop() {
            if element == b".." {
                here = gopath::split(&here).0.to_vec();
                continue;
            }
            let next = if here.is_empty() { element } else { [&here[..], b"/", &element].concat() };
            match self.nodes.get(&next) {
                Some(Node::Symlink(target)) => {
                    links += 1;
                    if links > 255 {
                        return Err(ArchiveError::Loop(path.to_owned()));
                    }
                    if target.starts_with(b"/") {
                        here.clear();
                    }
                    todo.extend(elements(target));
                }
                Some(_) => here = next,
                None => return Ok(None),
            }
        }
        Ok(self.nodes.get(&here).or((here.is_empty()).then_some(&Node::Directory)))
    }
}

/// The elements of a path, the last first, `.` and empty ones left out.
fn elements(path: &[u8]) -> Vec<Vec<u8>> {
    let kept = path.split(|byte| *byte == b'/').filter(|element| !matches!(*element, b"" | b"."));
    kept.map(<[u8]>::to_vec).rev().collect()
}

/// A file as it is, from where it stands, if it can be read in any order and is not compressed.
fn seekable(mut file: File, tmp: &Path) -> Result<(File, u64), ArchiveError> {
    let metadata = file.metadata().map_err(ArchiveError::Read)?;
    if !metadata.is_file() {
        return Ok((spool(&mut file, tmp)?, 0));
    }
    let start = file.stream_position().map_err(ArchiveError::Read)?;
    let mut section = Section::new(&file, start, metadata.len());
    match Compression::of(&compression::peek(&mut section).map_err(ArchiveError::Read)?) {
        Compression::None => Ok((file, start)),
        _ => Ok((spool(&mut Section::new(&file, start, metadata.len()), tmp)?, 0)),
    }
}

/// Puts a stream aside, its compression undone, in a file that nobody else can find.
fn spool(stream: &mut dyn Read, tmp: &Path) -> Result<File, ArchiveError> {
    let mut stream = compression::inflate(stream).map_err(ArchiveError::Read)??;
    sys::create_dir_all(tmp, 0o700)?;
    let mut file = sys::unnamed_file(tmp)?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(0) => return Ok(file),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ArchiveError::Read(error)),
        };
        io::Write::write_all(&mut file, &buffer[..read]).map_err(|source| sys::Error::new("write", tmp, source))?;
    }
}

fn index(file: &File, start: u64, end: u64) -> Result<BTreeMap<Vec<u8>, Node>, ArchiveError> {
    let mut nodes = BTreeMap::new();
    let mut names = 0;
    let mut begin = start;
    while begin < end {
        let mut reader = archive::Reader::new(Section::new(file, begin, end));
        let mut at = begin;
        begin = loop {
            let Some(entry) = reader.next_entry().map_err(ArchiveError::Damaged)? else { return Ok(nodes) };
            let header = entry.header;
            at += entry.raw.len() as u64;
            let size = payload_size(header)?;
            if size > end.saturating_sub(at) {
                return Err(ArchiveError::Damaged(archive::ReadError::Truncated));
            }
            if let Some(long) = [&header.name, &header.linkname].into_iter().find(|name| name.len() >= LONGEST_NAME) {
                return Err(ArchiveError::LongName(long.len()));
            }
            names += header.linkname.len() + insert(&mut nodes, header, at, size);
            if names > MOST_NAMES {
                return Err(ArchiveError::TooMany);
            }
            at += size;
            if size > WORTH_A_JUMP {
                break at + (at - start).wrapping_neg() % 512; // the padding
            }
        };
    }
    Ok(nodes)
}

/// Bytes that follow the header.
fn payload_size(header: &archive::Header) -> Result<u64, ArchiveError> {
    match header.typeflag {
        header::LINK | header::SYMLINK | header::CHARACTER | header::BLOCK | header::DIRECTORY | header::FIFO => Ok(0),
        b'S' => Err(ArchiveError::Sparse(String::from_utf8_lossy(&header.name).into_owned())),
        _ if header.records.iter().any(|(key, _)| key.starts_with(b"GNU.sparse.")) => {
            Err(ArchiveError::Sparse(String::from_utf8_lossy(&header.name).into_owned()))
        }
        header::GLOBAL => Ok(0), // read with the header
        _ => Ok(u64::try_from(header.size).unwrap_or(0)),
    }
}

/// Notes what lies at a name, and its directories. How many bytes of names that took.
fn insert(nodes: &mut BTreeMap<Vec<u8>, Node>, header: &archive::Header, at: u64, size: u64) -> usize {
    let name = gopath::in_root(&header.name);
    let node = match header.typeflag {
        header::DIRECTORY => Node::Directory,
        header::SYMLINK => Node::Symlink(header.linkname.clone()),
        header::LINK => match nodes.get(&gopath::in_root(&header.linkname)) {
            Some(target) => target.clone(),
            None => return 0,
        },
        header::GLOBAL | header::CHARACTER | header::BLOCK | header::FIFO => return 0,
        _ => Node::File { at, size },
    };
    if name.is_empty() {
        return 0;
    }
    let mut taken = name.len();
    let mut parent = gopath::split(&name).0;
    while !parent.is_empty() && !nodes.contains_key(parent) {
        taken += parent.len();
        nodes.insert(parent.to_vec(), Node::Directory);
        parent = gopath::split(parent).0;
    }
    if node != Node::Directory {
        remove_below(nodes, &name);
    }
    nodes.insert(name, node);
    taken
}

/// What lay in a directory is gone when something else takes its name.
fn remove_below(nodes: &mut BTreeMap<Vec<u8>, Node>, name: &[u8]) {
    if nodes.get(name) != Some(&Node::Directory) {
        return;
    }
    let prefix = [name, b"/"].concat();
    let from = (Bound::Included(prefix.clone()), Bound::Unbounded);
    let below: Vec<_> =
        nodes.range(from).map(|(key, _)| key).take_while(|key| key.starts_with(&prefix)).cloned().collect();
    for key in below {
        nodes.remove(&key);
    }
}

#[cfg(test)]
mod tests;
