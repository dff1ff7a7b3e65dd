//! Paths in a container, followed as dockerd follows them: step by step, links within the root.
//!
//! moby 20.10, container/archive.go `ResolvePath`, `StatPath`, pkg/symlink/fs.go. What comes out
//! is only a name: whoever uses it goes through the root's descriptor again.

use base::gopath;
use rustix::fs::{FileType, Stat};

use super::{error::Refusal, files::Files, names};

/// Elements and links that are followed.
const MOST: usize = 255;

/// What is at a path.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its kind; a link is one.
    pub kind: FileType,
    /// Where a link leads to at last, from the root on; it need not be there.
    pub target: Option<Vec<u8>>,
}

impl Found {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether it is a device.
    pub fn is_device(&self) -> bool {
        matches!(self.kind, FileType::CharacterDevice | FileType::BlockDevice)
    }
}

impl Files {
    /// A path from the root on, without the slash in front, all links in it followed. What is not
    /// there is taken as it is.
    pub(super) fn resolve(&self, path: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut todo = gopath::in_root(path);
        let mut done: Vec<u8> = Vec::new();
        for _ in 0..=MOST {
            if todo.is_empty() {
                return Ok(done);
            }
            let (next, rest) = match todo.iter().position(|byte| *byte == b'/') {
                Some(slash) => (todo[..slash].to_vec(), todo[slash + 1..].to_vec()),
                None => (todo, Vec::new()),
            };
            let candidate = gopath::in_root(&[&done, &b"/"[..], &next].concat());
            let link = match self.lstat(&candidate)? {
                Some(stat) if !candidate.is_empty() && is_link(&stat) => {
                    self.root.read_link_below(&candidate).map_err(Refusal::Path)?
                }
                _ => None,
            };
            todo = match link {
                Some(target) => {
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    [&target, &b"/"[..], &rest].concat()
                }
                None => {
                    done = candidate;
                    rest
                }
            };
        }
        Err(Refusal::Links(self.root.path().join(lossy(path).trim_start_matches('/')).display().to_string()))
    }

    /// A path as typed: with its directory's links followed and its own end, and as it is from
    /// the root on.
    pub(super) fn place(&self, path: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
        let whole = from_root(path);
        let slash = whole.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let above = self.resolve(&whole[..slash])?;
        let place =
            if above.is_empty() { whole[slash..].to_vec() } else { [&above, &b"/"[..], &whole[slash..]].concat() };
        Ok((place, whole))
    }

    /// What is at a path as typed.
    pub(super) fn look(&self, path: &[u8]) -> Result<Found, Refusal> {
        if path.is_empty() {
            return Err(Refusal::NoPath);
        }
        let (place, whole) = self.place(path)?;
        let stat = self.lstat(&place)?.ok_or(Refusal::NotThere)?;
        let target = match is_link(&stat) {
            true => Some([&b"/"[..], &self.resolve(&whole)?].concat()),
            false => None,
        };
        Ok(Found { kind: FileType::from_raw_mode(stat.st_mode), target })
    }

    /// As lstat(2) in the root; a slash or `/.` at the end asks for a directory.
    pub(super) fn lstat(&self, path: &[u8]) -> Result<Option<Stat>, Refusal> {
        self.root.stat_below(path).map_err(|error| match error.errno() {
            Some(errno) => Refusal::Path(sys::Error::new("lstat", error.path(), errno)),
            None => Refusal::System(error),
        })
    }
}

/// A path as typed, cleaned, from the root on, with its own end.
pub(super) fn from_root(path: &[u8]) -> Vec<u8> {
    names::with_end_of(gopath::clean(&[b"/", path].concat()), path)
}

fn is_link(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Symlink
}

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
