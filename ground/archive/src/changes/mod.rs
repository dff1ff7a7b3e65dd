//! What differs between two trees: `docker diff`, and what a naive driver packs.
//!
//! moby 20.10, pkg/archive `ChangesDirs`. Files are compared by what stat(2) says and by
//! `security.capability`, never by content; directories not by size or time. A directory that is
//! itself as before is changed when something in it is. dockerd lists the names of a directory
//! in random order; here they are sorted, the deleted ones after the others, as there.

mod stack;
mod tree;

use std::{collections::HashSet, fmt};

use base::gopath;
use rustix::fs::{FileType, Stat};
use sys::Dir;

pub use self::stack::overlay_changes;
use self::tree::{Holds, Old, compare};

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is another one, or a directory with changes in it: `C`, 0 in the API.
    Modified,
    /// It is new: `A`, 1 in the API.
    Added,
    /// It is gone: `D`, 2 in the API.
    Deleted,
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Modified => "C",
            Self::Added => "A",
            Self::Deleted => "D",
        })
    }
}

/// A file that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// Its path, from the root of the tree: `/etc/hosts`.
    pub path: Vec<u8>,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// As `docker diff` shows it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, String::from_utf8_lossy(&self.path))
    }
}

/// What is different in `new`; without an old tree everything is added. The roots themselves
/// are not compared.
///
/// Files that two trees of one file system share by hard links are the same without a look.
///
/// # Errors
/// What could not be read; what vanishes meanwhile is left out.
pub fn changes(new: &Dir, old: Option<&Dir>) -> sys::Result<Vec<Change>> {
    let mut found = Vec::new();
    let old = old.map(|old| old.below(b"")).transpose()?;
    compare(new, old.map(Old::Dir).as_ref(), b"", Holds::Everything, &mut found)?;
    Ok(found)
}

/// The bytes of the changed and added files as they are in `new`, each inode once.
///
/// # Errors
/// What could not be looked at; a file that is gone counts nothing.
pub fn changes_size(new: &Dir, changes: &[Change]) -> sys::Result<u64> {
    let mut inodes = HashSet::new();
    let mut size = 0;
    let mut last: Option<(&[u8], Dir)> = None;
    for change in changes.iter().filter(|change| change.kind != ChangeKind::Deleted) {
        let (above, name) = gopath::split(change.path.strip_prefix(b"/").unwrap_or(&change.path));
        if last.as_ref().is_none_or(|(path, _)| *path != above) {
            last = match new.below(above) {
                Ok(dir) => Some((above, dir)),
                Err(error) if error.is_not_found() => None,
                Err(error) => return Err(error),
            };
        }
        let Some((_, dir)) = &last else { continue };
        let Some(stat) = dir.stat(name)? else { continue };
        let counts = stat.st_nlink < 2 || inodes.insert((stat.st_dev, stat.st_ino));
        if kind_of(&stat) != FileType::Directory && counts {
            size += u64::try_from(stat.st_size).unwrap_or(0);
        }
    }
    Ok(size)
}

fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// moby 20.10, changes_unix.go `statDifferent`.
fn differs(old: &Stat, new: &Stat) -> bool {
    old.st_mode != new.st_mode
        || (old.st_uid, old.st_gid, old.st_rdev) != (new.st_uid, new.st_gid, new.st_rdev)
        || !has_directory_bit(old) && (old.st_size != new.st_size || !same_time(old, new))
}

/// Whether dockerd takes it for a directory: the bit is set for block devices and sockets, too.
fn has_directory_bit(stat: &Stat) -> bool {
    stat.st_mode & 0o040000 != 0
}

/// The same second, and the same nanosecond unless one of them has none: archives cut it off.
fn same_time(old: &Stat, new: &Stat) -> bool {
    let nanos = (old.st_mtime_nsec, new.st_mtime_nsec);
    old.st_mtime == new.st_mtime && (nanos.0 == nanos.1 || nanos.0 == 0 || nanos.1 == 0)
}
