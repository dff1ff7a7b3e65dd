//! Entries put among files that are there already, as `docker cp` does: no deletions, no layer.
//!
//! moby 20.10, pkg/archive `Unpack` without whiteouts, with `NoOverwriteDirNonDir`. A directory
//! is never replaced by what is none, nor the other way round; every other file is removed and
//! made anew.
//!
//! Unlike moby, an entry that is the directory above is outside too. And a link that is refused
//! leaves what is in its place, which moby has removed by then.

use std::{io::BufRead, sync::Arc};

use base::gopath;
use rustix::fs::FileType;
use sys::Dir;

use super::{UnpackError, Unpacker, id, parents::Parents};
use crate::{
    Whiteouts,
    header::{GLOBAL, Header, LINK, SYMLINK},
};

/// Where copied files go.
#[derive(Debug, Clone)]
pub struct Copying {
    /// The directory, a path in the root without a slash in front; empty is the root itself.
    pub dest: Vec<u8>,
    /// The root's own name in words, `/` for a container's.
    pub root: Vec<u8>,
    /// Whether the root's own name is a link's: such a place takes files in, but no entry for
    /// itself.
    pub is_link: bool,
    /// Whose they will be.
    pub ownership: Ownership,
}

/// Whose copied files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Those that the archive says.
    Archive,
    /// Whoever copies.
    Own,
    /// This user and group.
    Of(u32, u32),
}

impl Unpacker {
    /// Copies into a directory of this root, symlinks followed and never out of the root.
    pub fn copying(root: Dir, copying: Copying) -> Self {
        let shown: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(copying.root.as_slice());
        Self {
            root: Arc::new(root.shown_as(shown)),
            // Missing directories get 0755, and are root's.
            style: Whiteouts::Overlay,
            copying: Some(copying),
            parents: Parents::default(),
            directories: Vec::new(),
            size: super::Size::default(),
            unpacked: base::NameSet::default(),
            aufs_links: std::collections::HashMap::new(),
            root_was_emptied: false,
        }
    }

    pub(super) fn copied_entry(&mut self, header: &Header, payload: &mut dyn BufRead) -> Result<(), UnpackError> {
        let Some(copying) = self.copying.clone() else { return Ok(()) };
        if header.typeflag == GLOBAL {
            return Ok(());
        }
        let name = header.clean_name();
        if !copying.holds(&name) {
            return Err(UnpackError::Outside { name, dest: copying.shown(&copying.dest) });
        }
        let path = copying.inside(&name);
        if copying.is_link && path.is_empty() && header.is_dir() {
            let dest = copying.shown(&copying.dest);
            return Err(UnpackError::Overwrite { is_dir: false, path: dest.clone(), dest });
        }
        // What cannot be looked at cannot be made either, which says more.
        if let Some(found) = self.root.stat_below(&path).unwrap_or(None) {
            let is_dir = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
            if is_dir != header.is_dir() {
                let dest = copying.shown(&copying.dest);
                return Err(UnpackError::Overwrite { is_dir, path: copying.shown(&path), dest });
            }
            if is_dir && name == b"." {
                return Ok(());
            }
        }
        copying.check_link(&path, header)?;
        self.place(&path, header, payload)
    }

    /// Who is to own an entry; `u32::MAX` for whoever makes it.
    pub(super) fn owner(&self, header: &Header) -> (u32, u32) {
        match self.copying.as_ref().map(|copying| copying.ownership) {
            Some(Ownership::Own) => (u32::MAX, u32::MAX),
            Some(Ownership::Of(uid, gid)) => (uid, gid),
            Some(Ownership::Archive) | None => (id(header.uid), id(header.gid)),
        }
    }

    /// The path in the root that a hard link leads to.
    pub(super) fn link_target(&self, header: &Header) -> Vec<u8> {
        match &self.copying {
            Some(copying) => copying.inside(&header.linkname),
            None => gopath::in_root(&header.linkname),
        }
    }
}

impl Copying {
    /// The path in the root of what has this path in the directory.
    fn inside(&self, path: &[u8]) -> Vec<u8> {
        gopath::in_root(&[&self.dest, &b"/"[..], path].concat())
    }

    /// Whether a name stays in the directory. Above `/` is `/`.
    fn holds(&self, name: &[u8]) -> bool {
        let dest = self.shown(&self.dest);
        let whole = gopath::clean(&[&dest, &b"/"[..], name].concat());
        let rest = whole.strip_prefix(dest.as_slice());
        dest == b"/" || rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    }

    /// A path in the root as words have it.
    fn shown(&self, path: &[u8]) -> Vec<u8> {
        gopath::clean(&[&self.root, &b"/"[..], path].concat())
    }

    /// Whether a link stays in the directory, by its letters (moby 20.10, archive.go
    /// `createTarFile`).
    fn check_link(&self, path: &[u8], header: &Header) -> Result<(), UnpackError> {
        let (dest, to) = (self.shown(&self.dest), header.linkname.clone());
        let (above, _) = gopath::split(path);
        let (kind, begin) = match header.typeflag {
            SYMLINK => ("symlink", self.shown(above)),
            LINK => ("hardlink", dest.clone()),
            _ => return Ok(()),
        };
        let target = gopath::clean(&[&begin, &b"/"[..], &to].concat());
        if target.starts_with(&dest) {
            return Ok(());
        }
        let from = if header.typeflag == LINK { target } else { self.shown(path) };
        Err(UnpackError::LinkOutside { kind, from, to })
    }
}
