//! Whole directory trees: removed, measured. By descriptors, so that a swapped symlink leads
//! nowhere.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, openat, openat2, renameat, statat, unlinkat},
    io::Errno,
};

use crate::{
    error::{Error, Result, at},
    steps::step,
    way::Way,
};

/// How deep the directories lie that are emptied where they are; each level costs a descriptor.
const DEEP: usize = 100;

/// Removes a file or directory with all below it; one that is not there is fine.
///
/// A mount below is detached, never emptied: what it shows belongs to somebody else (moby 20.10,
/// pkg/system `EnsureRemoveAll` unmounts first, too). Goes on after an error and returns the
/// first.
///
/// # Errors
/// The first thing that could not be removed.
pub fn remove_tree(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let Some(name) = path.file_name() else { return Err(at("unlink", path)(Errno::INVAL)) };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(CWD, parent, flags, Mode::empty()) {
        Ok(parent) => remove(parent.as_fd(), name, path, true),
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(at("open", parent)(errno)),
    }
}

/// Removes what `name` in `dir` is; `shown` is what errors call it. It need not be a path of the
/// host, so something mounted there or below is an error.
pub(crate) fn remove_at(dir: BorrowedFd<'_>, name: &OsStr, shown: &Path) -> Result<()> {
    remove(dir, name, shown, false)
}

fn remove(dir: BorrowedFd<'_>, name: &OsStr, path: &Path, detach: bool) -> Result<()> {
    let refused = loop {
        step("unlink", path)?;
        match unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) if detach => crate::unmount_detach(path)?,
            Err(errno @ (Errno::ISDIR | Errno::PERM)) => break errno,
            Err(errno) => return Err(at("unlink", path)(errno)),
        }
    };
    let top = loop {
        match open_same_mount(dir, name) {
            Ok(top) => break top,
            Err(Errno::NOENT) => return Ok(()),
            Err(Errno::XDEV) if detach => crate::unmount_detach(path)?,
            Err(Errno::XDEV) => return Err(at("unlink", path)(Errno::BUSY)),
            Err(Errno::NOTDIR) => return Err(at("unlink", path)(refused)),
            Err(errno) => return Err(at("open", path)(errno)),
        }
    };
    let mut removal = Removal { top, path, detach, moved_up: 0, first: None };
    removal.run();
    removal.rmdir(dir, name, path);
    removal.first.map_or(Ok(()), Err)
}

fn open_below(dir: BorrowedFd<'_>, name: impl rustix::path::Arg) -> std::result::Result<OwnedFd, Errno> {
    openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// As [`open_below`], but `EXDEV` where something is mounted.
fn open_same_mount(dir: BorrowedFd<'_>, name: &OsStr) -> std::result::Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(dir, name, flags, Mode::empty(), ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS)
}

/// The removal of one directory.
struct Removal<'a> {
    top: OwnedFd,
    path: &'a Path,
    /// Whether paths are the host's, so that mounts can be detached by them.
    detach: bool,
    /// How many directories were too deep and now lie in the top, to be emptied from there.
    moved_up: usize,
    first: Option<Error>,
}

impl Removal<'_> {
    fn run(&mut self) {
        loop {
            let moved_before = self.moved_up;
            match self.top.try_clone() {
                Ok(top) => self.empty(&top, self.path, 0),
                Err(error) => self.note(at("dup", self.path)(error)),
            }
            if self.moved_up == moved_before {
                break;
            }
        }
    }

    fn detach(&self, path: &Path) -> Result<()> {
        if self.detach { crate::unmount_detach(path) } else { Err(at("unlink", path)(Errno::BUSY)) }
    }

    fn empty(&mut self, dir: &OwnedFd, path: &Path, depth: usize) {
        let entries = match names(dir) {
            Ok(entries) => entries,
            Err(errno) => return self.note(at("readdir", path)(errno)),
        };
        for (name, kind) in entries {
            let below = path.join(&name);
            if kind == FileType::Directory || !self.unlink(dir.as_fd(), &name, &below) {
                self.remove_dir(dir.as_fd(), &name, &below, depth);
            }
        }
    }

    /// False when it turns out to be a directory.
    fn unlink(&mut self, dir: BorrowedFd<'_>, name: &OsStr, path: &Path) -> bool {
        let unlinked = step("unlink", path).and_then(|()| match unlinkat(dir, name, AtFlags::empty()) {
            Err(Errno::BUSY) => {
                self.detach(path)?;
                unlinkat(dir, name, AtFlags::empty()).map_err(at("unlink", path))
            }
            other => other.map_err(at("unlink", path)),
        });
        match unlinked {
            Ok(()) => true,
            Err(error) if error.errno() == Some(Errno::ISDIR) => false,
            Err(error) => {
                self.note(error);
                true
            }
        }
    }

    fn remove_dir(&mut self, dir: BorrowedFd<'_>, name: &OsStr, path: &Path, depth: usize) {
        let opened = loop {
            match open_same_mount(dir, name) {
                Err(Errno::XDEV) => match self.detach(path) {
                    Ok(()) => {}
                    Err(error) => return self.note(error),
                },
                other => break other,
            }
        };
        match opened {
            Ok(_) if depth >= DEEP => return self.move_up(dir, name, path),
            Ok(sub) => self.empty(&sub, path, depth + 1),
            Err(Errno::NOENT) => return,
            Err(errno) => self.note(at("open", path)(errno)),
        }
        self.rmdir(dir, name, path);
    }

    /// Moves a directory that lies too deep to the top, under a name that is not taken.
    fn move_up(&mut self, dir: BorrowedFd<'_>, name: &OsStr, path: &Path) {
        let number = u64::from_le_bytes(crate::random());
        let moved = step("rename", path)
            .and_then(|()| renameat(dir, name, &self.top, format!(".deep-{number:016x}")).map_err(at("rename", path)));
        match moved {
            Ok(()) => self.moved_up += 1,
            Err(error) => self.note(error),
        }
    }

    fn rmdir(&mut self, dir: BorrowedFd<'_>, name: &OsStr, path: &Path) {
        let removed =
            step("rmdir", path).and_then(|()| unlinkat(dir, name, AtFlags::REMOVEDIR).map_err(at("rmdir", path)));
        removed.unwrap_or_else(|error| self.note(error));
    }

    /// Keeps the first error; what is gone already is none.
    fn note(&mut self, error: Error) {
        if !error.is_not_found() {
            self.first.get_or_insert(error);
        }
    }
}

/// The names in an open directory with the kind the file system tells for free.
pub(crate) fn names(dir: &OwnedFd) -> std::result::Result<Vec<(OsString, FileType)>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push((OsStr::from_bytes(name).to_owned(), entry.file_type()));
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
    let dir = open_below(CWD, path.as_os_str()).map_err(at("open", path))?;
    tree_size_at(dir.as_fd(), path)
}

/// Measures what an open directory holds; `path` is what errors call it.
pub(crate) fn tree_size_at(dir: BorrowedFd<'_>, path: &Path) -> Result<TreeSize> {
    let mut shown = path.to_owned();
    let mut size = TreeSize::default();
    let mut seen = HashSet::new();
    let mut way = Way::new(open_below(dir, ".").map_err(at("open", path))?);
    let mut left = vec![names(way.here()).map_err(at("readdir", path))?.into_iter()];
    while let Some(entries) = left.last_mut() {
        let Some((name, kind)) = entries.next() else {
            left.pop();
            way.up().map_err(at("open", &shown))?;
            shown.pop();
            continue;
        };
        shown.push(&name);
        if kind == FileType::Directory {
            match open_below(way.here().as_fd(), &*name) {
                Ok(sub) => {
                    left.push(names(&sub).map_err(at("readdir", &shown))?.into_iter());
                    way.down(sub).map_err(at("stat", &shown))?;
                    continue;
                }
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(at("open", shown)(errno)),
            }
        } else {
            size.bytes += bytes_of(way.here(), &name, &mut seen).map_err(at("stat", &shown))?;
        }
        shown.pop();
    }
    Ok(size)
}

/// The size of what is no directory; 0 when it was counted before, or vanished.
fn bytes_of(dir: &OwnedFd, name: &OsStr, seen: &mut HashSet<(u64, u64)>) -> std::result::Result<u64, Errno> {
    match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if stat.st_nlink < 2 || seen.insert((stat.st_dev, stat.st_ino)) => {
            Ok(u64::try_from(stat.st_size).unwrap_or(0))
        }
        Ok(_) | Err(Errno::NOENT) => Ok(0),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::way::deeper_than_descriptors;

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

    #[test]
    fn what_is_mounted_below_is_detached_and_not_emptied() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        for name in ["volume", "gone", "gone/data"] {
            crate::create_dir(at(name), 0o755).expect("mkdir");
        }
        crate::write_new(at("volume/kept"), b"", 0o644).expect("write");
        crate::write_new(at("gone/file"), b"", 0o644).expect("write");
        let bind = |from: &str, to: &str| {
            crate::mount_string(&at(from).to_string_lossy(), &at(to), "none", rustix::mount::MountFlags::BIND, "")
        };
        bind("volume", "gone/data").expect("mount");
        bind("volume", "gone/data").expect("mount again");
        bind("volume/kept", "gone/file").expect("mount on a file");
        remove_tree(at("gone")).expect("remove");
        assert!(!crate::exists(at("gone")).expect("look"));
        assert!(crate::exists(at("volume/kept")).expect("look"));
    }

    #[test]
    fn what_is_mounted_several_times_on_the_tree_itself_is_not_emptied() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        for name in ["volume", "gone"] {
            crate::create_dir(at(name), 0o755).expect("mkdir");
        }
        crate::write_new(at("volume/kept"), b"", 0o644).expect("write");
        crate::write_new(at("file"), b"", 0o644).expect("write");
        let bind = |from: &str, to: &str| {
            crate::mount_string(&at(from).to_string_lossy(), &at(to), "none", rustix::mount::MountFlags::BIND, "")
        };
        for (from, to) in [("volume", "gone"), ("volume", "gone"), ("volume/kept", "file")] {
            bind(from, to).expect("mount");
        }
        let removed = [remove_tree(at("gone")), remove_tree(at("file"))];
        for name in ["gone", "gone", "file"] {
            drop(crate::unmount_detach(at(name)));
        }
        assert!(crate::exists(at("volume/kept")).expect("look"));
        assert!(removed.iter().all(std::result::Result::is_ok), "{removed:?}");
        assert!(!crate::exists(at("gone")).expect("look") && !crate::exists(at("file")).expect("look"));
    }

    #[test]
    fn a_mount_at_a_name_in_a_directory_is_not_emptied() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        for name in ["volume", "tree", "tree/d"] {
            crate::create_dir(at(name), 0o755).expect("mkdir");
        }
        crate::write_new(at("volume/kept"), b"", 0o644).expect("write");
        let (volume, d) = (at("volume"), at("tree/d"));
        crate::mount_string(&volume.to_string_lossy(), &d, "none", rustix::mount::MountFlags::BIND, "").expect("mount");
        let refused = crate::Dir::open(at("tree")).expect("open").remove(b"d");
        crate::unmount_detach(&d).expect("it was left alone");
        assert!(crate::exists(at("volume/kept")).expect("look"));
        assert_eq!(refused.expect_err("something is mounted there").errno(), Some(Errno::BUSY));
    }

    #[test]
    fn a_tree_deeper_than_there_are_descriptors_is_measured() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let mut dir = open_below(CWD, home.path().as_os_str()).expect("open");
        let deep = deeper_than_descriptors();
        for _ in 0..deep {
            rustix::fs::mkdirat(&dir, "d", Mode::RWXU).expect("mkdir");
            dir = open_below(dir.as_fd(), "d").expect("open");
            rustix::fs::symlinkat("four", &dir, "link").expect("symlink");
        }
        drop(dir);
        let size = tree_size(home.path());
        remove_tree(home.path()).expect("remove");
        assert_eq!(size.expect("measured").bytes, 4 * deep as u64);
    }

    #[test]
    fn a_tree_deeper_than_there_are_descriptors_is_removed() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let gone = home.path().join("gone");
        crate::create_dir(&gone, 0o755).expect("mkdir");
        let mut dir = open_below(CWD, gone.as_os_str()).expect("open");
        for _ in 0..deeper_than_descriptors() {
            rustix::fs::mkdirat(&dir, "d", Mode::RWXU).expect("mkdir");
            dir = open_below(dir.as_fd(), "d").expect("open");
        }
        drop(dir);
        remove_tree(&gone).expect("remove");
        assert!(!crate::exists(&gone).expect("look"));
    }
}
