//! The comparison of one directory with what it was.

use std::collections::BTreeMap;

use rustix::fs::{FileType, Stat};
use sys::{Dir, Listed};

use super::{
    Change,
    ChangeKind::{Added, Deleted, Modified},
    differs, kind_of,
    stack::{Stack, is_opaque},
};

/// What a directory was: one directory, or several laid over each other.
pub(super) enum Old<'a> {
    Dir(Dir),
    Stack(Stack<'a>),
}

impl Old<'_> {
    fn stat(&self, name: &[u8]) -> sys::Result<Option<Stat>> {
        match self {
            Self::Dir(dir) => dir.stat(name),
            Self::Stack(stack) => stack.stat(name),
        }
    }

    fn names(&self) -> sys::Result<Vec<Vec<u8>>> {
        match self {
            Self::Dir(dir) => Ok(dir.list()?.into_iter().map(|listed| listed.name).collect()),
            Self::Stack(stack) => stack.names(),
        }
    }

    fn enter(&self, name: &[u8]) -> sys::Result<Self> {
        match self {
            Self::Dir(dir) => dir.sub(name).map(Self::Dir),
            Self::Stack(stack) => stack.enter(name).map(Self::Stack),
        }
    }

    fn capability(&self, name: &[u8]) -> sys::Result<Option<Vec<u8>>> {
        match self {
            Self::Dir(dir) => dir.xattr(name, CAPABILITY),
            Self::Stack(stack) => stack.xattr(name, CAPABILITY),
        }
    }
}

const CAPABILITY: &str = "security.capability";

/// What a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// All that is there now.
    Everything,
    /// What overlay keeps of the changes.
    Changes,
    /// All that is there now, as overlay keeps it: the directory, or one above it, is opaque.
    /// Deletions in it mean nothing.
    OpaqueChanges,
}

/// Appends what is different in `new`, a directory at `path`.
pub(super) fn compare(
    new: &Dir,
    old: Option<&Old<'_>>,
    path: &[u8],
    holds: Holds,
    found: &mut Vec<Change>,
) -> sys::Result<()> {
    let shared = match old {
        Some(Old::Dir(old)) => shared_inodes(new, old)?,
        _ => BTreeMap::new(),
    };
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    for Listed { name, inode, .. } in new.list()? {
        there.push(name);
        let name = there.last().expect("just pushed");
        if shared.get(name) == Some(&inode) {
            continue;
        }
        let Some(stat) = new.stat(name)? else { continue };
        let was = old.map(|old| old.stat(name)).transpose()?.flatten();
        if holds != Holds::Everything && is_whiteout(&stat) {
            let name = there.pop().expect("just pushed");
            if was.is_some() && holds == Holds::Changes {
                gone.push(name);
            }
            continue;
        }
        let pair = Pair { new, old, name, stat: &stat, was: was.as_ref() };
        pair.compare(&[path, b"/", name].concat(), holds, found)?;
    }
    if let Some(old) = old.filter(|_| holds != Holds::Changes) {
        gone.extend(old.names()?.into_iter().filter(|name| there.binary_search(name).is_err()));
    }
    found.extend(gone.into_iter().map(|name| Change { path: [path, b"/", &name].concat(), kind: Deleted }));
    Ok(())
}

/// A name that is there now.
struct Pair<'a> {
    new: &'a Dir,
    old: Option<&'a Old<'a>>,
    name: &'a [u8],
    stat: &'a Stat,
    was: Option<&'a Stat>,
}

impl Pair<'_> {
    fn compare(&self, path: &[u8], holds: Holds, found: &mut Vec<Change>) -> sys::Result<()> {
        let own = match self.was {
            None => Some(Added),
            Some(was) if differs(was, self.stat) || self.capability_differs()? => Some(Modified),
            Some(_) => None,
        };
        let mut below = Vec::new();
        self.compare_below(path, holds, &mut below)?;
        let by_content = (!below.is_empty()).then_some(Modified);
        found.extend(own.or(by_content).map(|kind| Change { path: path.to_vec(), kind }));
        found.append(&mut below);
        Ok(())
    }

    fn compare_below(&self, path: &[u8], holds: Holds, found: &mut Vec<Change>) -> sys::Result<()> {
        // unlike moby: a block device or socket is no directory. There, one in a directory's place
        // also lists the directory's files as deleted, and such a commit cannot be applied.
        if kind_of(self.stat) != FileType::Directory {
            return Ok(());
        }
        let new = match self.new.sub(self.name) {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        let was_dir = self.was.is_some_and(|was| kind_of(was) == FileType::Directory);
        let old = match self.old {
            Some(old) if was_dir => Some(old.enter(self.name)?),
            _ => None,
        };
        let becomes_opaque = holds == Holds::Changes && is_opaque(self.new, self.name)?;
        compare(&new, old.as_ref(), path, if becomes_opaque { Holds::OpaqueChanges } else { holds }, found)
    }

    fn capability_differs(&self) -> sys::Result<bool> {
        let Some(old) = self.old else { return Ok(false) };
        Ok(self.new.xattr(self.name, CAPABILITY)? != old.capability(self.name)?)
    }
}

/// The names of an old directory with their inodes, if they are comparable with the new one's.
fn shared_inodes(new: &Dir, old: &Dir) -> sys::Result<BTreeMap<Vec<u8>, u64>> {
    if new.stat_self()?.st_dev != old.stat_self()?.st_dev {
        return Ok(BTreeMap::new());
    }
    Ok(old.list()?.into_iter().map(|listed| (listed.name, listed.inode)).collect())
}

pub(super) fn is_whiteout(stat: &Stat) -> bool {
    kind_of(stat) == FileType::CharacterDevice && stat.st_rdev == 0
}
