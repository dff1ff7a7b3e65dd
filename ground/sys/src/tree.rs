//! Whole directory trees: removed, measured. By descriptors, so that a swapped symlink leads
//! nowhere.

use std::{collections::HashSet, ffi::OsString, os::unix::ffi::OsStrExt, path::Path};

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat, unlinkat},
    io::Errno,
};

use crate::error::{Error, Result, at};

/// Removes a file or directory with all below it; one that is not there is fine. Mounts below
/// are detached first when they are in the way, as dockerd's `EnsureRemoveAll` does. Goes on
/// after an error and returns the first.
///
/// # Errors
/// The first thing that could not be removed.
pub fn remove_tree(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    match unlinkat(CWD, path, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(at("unlink", path)(errno)),
    }
    let mut first = None;
    match open_below(CWD, path.as_os_str()) {
        Ok(dir) => empty(dir, path, &mut first),
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(at("open", path)(errno)),
    }
    remove_empty_dir(CWD, path.as_os_str().as_bytes(), path, &mut first);
    first.map_or(Ok(()), Err)
}

fn open_below(dir: BorrowedFd<'_>, name: impl rustix::path::Arg) -> std::result::Result<OwnedFd, Errno> {
    openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn empty(dir: OwnedFd, path: &Path, first: &mut Option<Error>) {
    let entries = match names(&dir) {
        Ok(entries) => entries,
        Err(errno) => return note(first, at("readdir", path)(errno)),
    };
    for (name, kind) in entries {
        if kind != FileType::Directory {
            match unlinkat(&dir, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR) => {}
                Err(errno) => {
                    note(first, at("unlink", path.join(&name))(errno));
                    continue;
                }
            }
        }
        let below = path.join(&name);
        match open_below(dir.as_fd(), &*name) {
            Ok(sub) => empty(sub, &below, first),
            Err(Errno::NOENT) => continue,
            Err(errno) => note(first, at("open", &below)(errno)),
        }
        remove_empty_dir(dir.as_fd(), name.as_bytes(), &below, first);
    }
}

fn remove_empty_dir(dir: BorrowedFd<'_>, name: &[u8], path: &Path, first: &mut Option<Error>) {
    let removed = match unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Err(Errno::BUSY) => {
            drop(crate::unmount_detach(path));
            unlinkat(dir, name, AtFlags::REMOVEDIR)
        }
        other => other,
    };
    match removed {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => note(first, at("rmdir", path)(errno)),
    }
}

fn note(first: &mut Option<Error>, error: Error) {
    first.get_or_insert(error);
}

/// The names in an open directory with the kind the file system tells for free.
pub(crate) fn names(dir: &OwnedFd) -> std::result::Result<Vec<(OsString, FileType)>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push((std::ffi::OsStr::from_bytes(name).to_owned(), entry.file_type()));
        }
    }
    Ok(found)
}

/// What a tree holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeSize {
    /// The sum of `st_size` of all that is no directory, each inode once. Symlinks count with
    /// the length of their target (moby 20.10, pkg/directory `Size`).
    pub bytes: u64,
}

/// Measures a tree.
///
/// # Errors
/// What could not be read; what vanishes meanwhile is left out.
pub fn tree_size(path: impl AsRef<Path>) -> Result<TreeSize> {
    let path = path.as_ref();
    let mut size = TreeSize::default();
    let dir = open_below(CWD, path.as_os_str()).map_err(at("open", path))?;
    measure(dir, path, &mut HashSet::new(), &mut size)?;
    Ok(size)
}

fn measure(dir: OwnedFd, path: &Path, seen: &mut HashSet<(u64, u64)>, size: &mut TreeSize) -> Result<()> {
    for (name, kind) in names(&dir).map_err(at("readdir", path))? {
        if kind == FileType::Directory {
            match open_below(dir.as_fd(), &*name) {
                Ok(sub) => measure(sub, &path.join(&name), seen, size)?,
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(at("open", path.join(&name))(errno)),
            }
            continue;
        }
        match statat(&dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if stat.st_nlink < 2 || seen.insert((stat.st_dev, stat.st_ino)) => {
                size.bytes += u64::try_from(stat.st_size).unwrap_or(0);
            }
            Ok(_) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(at("stat", path.join(&name))(errno)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_measured_by_inode_and_links_by_their_target() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        crate::write_new(at("file"), b"12345", 0o644).expect("write");
        crate::link(at("file"), at("again")).expect("link");
        crate::create_dir(at("d"), 0o755).expect("mkdir");
        crate::symlink("/nonexist", at("d/s")).expect("symlink");
        assert_eq!(tree_size(home.path()).expect("size").bytes, 5 + 9);
    }

    #[test]
    fn removing_a_tree_does_not_follow_links_out_of_it() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        crate::create_dir_all(at("gone/deep"), 0o755).expect("mkdir");
        crate::write_new(at("kept"), b"x", 0o644).expect("write");
        crate::symlink("../../kept", at("gone/deep/link")).expect("symlink");
        crate::symlink(home.path(), at("gone/out")).expect("symlink");
        remove_tree(at("gone")).expect("remove");
        assert!(!crate::exists(at("gone")).expect("look"));
        assert!(crate::exists(at("kept")).expect("look"));
        remove_tree(at("gone")).expect("a second removal is fine");
    }
}
