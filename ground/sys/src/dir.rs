//! A directory held open, and calls relative to it: for trees whose names others chose.
//!
//! Two ways to reach something. By a *path in the root* ([`Dir::below`], [`Dir::open_below`],
//! [`Dir::stat_below`]): the directory is `/` for it, symlinks and `..` stay inside
//! (openat2(2) with `RESOLVE_IN_ROOT`, as in a chroot). By a *name*, one element in the
//! directory: a symlink there is never followed. Paths in errors begin with what the directory
//! was opened as, or with what [`Dir::shown_as`] says instead.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, CWD, Dir as Entries, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Timestamps, Uid, XattrFlags},
    io::Errno,
};

use crate::{
    error::{Result, at},
    steps::step_at,
};

/// Bytes of a path, its NUL included.
const LONGEST_PATH: usize = 4096;

const IN_ROOT: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// A directory held open.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Dir {
    /// Opens a directory of the host.
    ///
    /// # Errors
    /// As open(2).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fd = rustix::fs::openat(CWD, path, directory(), Mode::empty()).map_err(at("open", path))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// The same directory under another name in errors, such as `/` for the root of a tree.
    #[must_use]
    pub fn shown_as(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = path.into();
        self
    }

    /// What errors call this directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the directory at a path in this root; an empty path is the root.
    ///
    /// # Errors
    /// As openat2(2).
    pub fn below(&self, path: &[u8]) -> Result<Self> {
        let fd = self.resolve(path, directory())?;
        Ok(Self { fd, path: self.shown(path) })
    }

    /// Opens the regular file at a path in this root for reading. Waits for no FIFO and starts
    /// no device: what is no regular file is an error.
    ///
    /// # Errors
    /// As openat2(2); `EINVAL` for what is no regular file.
    pub fn open_below(&self, path: &[u8]) -> Result<File> {
        open_regular(&self.resolve(path, OFlags::PATH | OFlags::CLOEXEC)?).map_err(at("open", self.shown(path)))
    }

    /// What is at a path in this root, symlinks followed, not opened: to mount upon, to look at.
    ///
    /// # Errors
    /// As openat2(2).
    pub fn find_below(&self, path: &[u8]) -> Result<OwnedFd> {
        self.resolve(path, OFlags::PATH | OFlags::CLOEXEC)
    }

    /// What the symlink at a path in this root says, `None` when it is none (any more).
    ///
    /// # Errors
    /// As openat2(2) and readlink(2).
    pub fn read_link_below(&self, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let fd = self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
        // With an empty path the link that the descriptor is.
        match rustix::fs::readlinkat(&fd, "", Vec::new()) {
            Ok(target) => Ok(Some(target.into_bytes())),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(errno) => Err(at("readlink", self.shown(path))(errno)),
        }
    }

    /// Metadata of what is at a path in this root (of a symlink itself), `None` when nothing is.
    ///
    /// # Errors
    /// Any other failure to look, such as a file where a directory should be.
    pub fn stat_below(&self, path: &[u8]) -> Result<Option<Stat>> {
        match self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC) {
            Ok(fd) => rustix::fs::fstat(fd).map(Some).map_err(at("fstat", self.shown(path))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the times of what is at a path in this root, symlinks followed.
    ///
    /// # Errors
    /// As openat2(2) and utimensat(2).
    pub fn set_times_below(&self, path: &[u8], times: &Timestamps) -> Result<()> {
        self.step("utimensat", path)?;
        let fd = self.resolve(path, OFlags::PATH | OFlags::CLOEXEC)?;
        rustix::fs::utimensat(CWD, link_of(&fd), times, AtFlags::empty()).map_err(at("utimensat", self.shown(path)))
    }

    fn resolve(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
        let path = if path.is_empty() { b"." } else { path };
        // The kernel gives up when something was renamed while it walked `..`.
        for _ in 0..64 {
            match rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), IN_ROOT) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other.map_err(at("open", self.shown(path))),
            }
        }
        Err(at("open", self.shown(path))(Errno::AGAIN))
    }

    /// Opens the directory of that name.
    ///
    /// Where the path it is shown as is longer than the kernel takes one, this ends, as dockerd's
    /// walks do: who goes down a tree by himself reaches neither its end nor that of his stack.
    ///
    /// # Errors
    /// As open(2); `ENOTDIR` for a symlink, `ENAMETOOLONG` for one too deep.
    pub fn sub(&self, name: &[u8]) -> Result<Self> {
        let path = self.shown(name);
        if path.as_os_str().len() >= LONGEST_PATH {
            return Err(at("open", path)(Errno::NAMETOOLONG));
        }
        let fd = rustix::fs::openat(&self.fd, name, directory() | OFlags::NOFOLLOW, Mode::empty())
            .map_err(at("open", &path))?;
        Ok(Self { fd, path })
    }

    /// Opens the regular file of that name for reading, as [`Dir::open_below`].
    ///
    /// # Errors
    /// As open(2); `EINVAL` for what is no regular file, a symlink included.
    pub fn open_file(&self, name: &[u8]) -> Result<File> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = rustix::fs::openat(&self.fd, name, flags, Mode::empty());
        found.and_then(|found| open_regular(&found)).map_err(at("open", self.shown(name)))
    }

    /// Metadata of the directory itself.
    ///
    /// # Errors
    /// As fstat(2).
    pub fn stat_self(&self) -> Result<Stat> {
        rustix::fs::fstat(&self.fd).map_err(at("fstat", &self.path))
    }

    /// Metadata of that name (of a symlink itself), `None` when nothing has it.
    ///
    /// # Errors
    /// Any other failure to look.
    pub fn stat(&self, name: &[u8]) -> Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(at("lstat", self.shown(name))(errno)),
        }
    }

    /// What the symlink of that name says.
    ///
    /// # Errors
    /// As readlink(2).
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>> {
        rustix::fs::readlinkat(&self.fd, name, Vec::new())
            .map(std::ffi::CString::into_bytes)
            .map_err(at("readlink", self.shown(name)))
    }

    /// The names in the directory, sorted by their bytes, with what the file system says of each
    /// for free: its inode number and kind.
    ///
    /// # Errors
    /// As getdents(2).
    pub fn list(&self) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in Entries::read_from(&self.fd).map_err(at("readdir", &self.path))? {
            let entry = entry.map_err(at("readdir", &self.path))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                listed.push(Listed { name: name.to_vec(), inode: entry.ino(), kind: entry.file_type() });
            }
        }
        listed.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    /// Makes a new file for writing; nothing may have that name.
    ///
    /// # Errors
    /// As open(2) with `O_CREAT|O_EXCL`.
    pub fn create_file(&self, name: &[u8], mode: u32) -> Result<File> {
        self.step("open", name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode & 0o7777))
            .map(File::from)
            .map_err(at("open", self.shown(name)))
    }

    /// Makes a directory, its mode less the umask.
    ///
    /// # Errors
    /// As mkdir(2).
    pub fn make_dir(&self, name: &[u8], mode: u32) -> Result<()> {
        self.step("mkdir", name)?;
        rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode & 0o7777)).map_err(at("mkdir", self.shown(name)))
    }

    /// Makes a device node or FIFO, its mode less the umask; `device` as in `st_rdev`.
    ///
    /// # Errors
    /// As mknod(2).
    pub fn make_node(&self, name: &[u8], kind: FileType, mode: u32, device: u64) -> Result<()> {
        self.step("mknod", name)?;
        rustix::fs::mknodat(&self.fd, name, kind, Mode::from_raw_mode(mode & 0o7777), device)
            .map_err(at("mknod", self.shown(name)))
    }

    /// Makes a symlink that says `target`.
    ///
    /// # Errors
    /// As symlink(2).
    pub fn make_symlink(&self, target: &[u8], name: &[u8]) -> Result<()> {
        self.step("symlink", name)?;
        rustix::fs::symlinkat(target, &self.fd, name).map_err(at("symlink", self.shown(name)))
    }

    /// Makes a hard link to what has the name `existing` in `from` (a symlink itself).
    ///
    /// # Errors
    /// As link(2).
    pub fn make_link(&self, from: &Dir, existing: &[u8], name: &[u8]) -> Result<()> {
        self.step("link", name)?;
        rustix::fs::linkat(&from.fd, existing, &self.fd, name, AtFlags::empty()).map_err(at("link", self.shown(name)))
    }

    /// Removes what has that name with all below it; nothing there is fine.
    ///
    /// # Errors
    /// The first thing that could not be removed.
    pub fn remove(&self, name: &[u8]) -> Result<()> {
        crate::tree::remove_at(self.fd.as_fd(), OsStr::from_bytes(name), &self.shown(name))
    }

    /// What the directory holds, as [`crate::tree_size`] measures it.
    ///
    /// # Errors
    /// What could not be read.
    pub fn tree_size(&self) -> Result<crate::TreeSize> {
        crate::tree::tree_size_at(self.fd.as_fd(), &self.path)
    }

    /// A new file without a name, for reading and writing, gone when closed. It lies on the
    /// directory's file system.
    ///
    /// # Errors
    /// As open(2) with `O_TMPFILE`.
    pub fn unnamed_file(&self) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, ".", flags, Mode::from_raw_mode(0o600))
            .map(File::from)
            .map_err(at("open", &self.path))
    }

    /// Sets owner and group; of a symlink itself. `u32::MAX` leaves one as it is.
    ///
    /// # Errors
    /// As lchown(2).
    pub fn chown(&self, name: &[u8], uid: u32, gid: u32) -> Result<()> {
        self.step("lchown", name)?;
        let (uid, gid) = owner(uid, gid);
        rustix::fs::chownat(&self.fd, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW).map_err(at("lchown", self.shown(name)))
    }

    /// Sets the mode of what has that name. A symlink has none, and is not followed.
    ///
    /// # Errors
    /// As chmod(2); `EOPNOTSUPP` for a symlink.
    pub fn chmod(&self, name: &[u8], mode: u32) -> Result<()> {
        self.step("chmod", name)?;
        // fchmodat(2) follows symlinks, and its flag against that is younger than Linux 6.5.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map_err(at("chmod", self.shown(name)))?;
        rustix::fs::chmod(link_of(&fd), Mode::from_raw_mode(mode & 0o7777)).map_err(at("chmod", self.shown(name)))
    }

    /// Sets access and modification time; of a symlink itself.
    ///
    /// # Errors
    /// As utimensat(2).
    pub fn set_times(&self, name: &[u8], times: &Timestamps) -> Result<()> {
        self.step("utimensat", name)?;
        rustix::fs::utimensat(&self.fd, name, times, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(at("utimensat", self.shown(name)))
    }

    /// Sets an extended attribute, of a symlink itself; one that the file system refuses
    /// (`ENOTSUP`, `EPERM`) is left out silently, as dockerd does.
    ///
    /// # Errors
    /// Any other failure of lsetxattr(2).
    pub fn set_xattr(&self, name: &[u8], key: &[u8], value: &[u8]) -> Result<()> {
        self.step("lsetxattr", name)?;
        rustix::fs::lsetxattr(self.in_proc(name), key, value, XattrFlags::empty())
            .or_else(tolerated)
            .map_err(at("lsetxattr", self.shown(name)))
    }

    /// An extended attribute, `None` when there is none of that key or cannot be any.
    ///
    /// # Errors
    /// As lgetxattr(2).
    pub fn xattr(&self, name: &[u8], key: &str) -> Result<Option<Vec<u8>>> {
        crate::xattr::get(self.in_proc(name), key)
    }

    /// The keys of a file's extended attributes, of a symlink's own.
    ///
    /// # Errors
    /// As llistxattr(2).
    pub fn xattr_names(&self, name: &[u8]) -> Result<Vec<OsString>> {
        crate::xattr::names(self.in_proc(name))
    }

    /// Sets an extended attribute of the directory itself.
    ///
    /// # Errors
    /// As fsetxattr(2).
    pub fn set_xattr_self(&self, key: &str, value: &[u8]) -> Result<()> {
        self.step("fsetxattr", b"")?;
        rustix::fs::fsetxattr(&self.fd, key, value, XattrFlags::empty()).map_err(at("fsetxattr", &self.path))
    }

    /// Sets owner and group of the directory itself. `u32::MAX` leaves one as it is.
    ///
    /// # Errors
    /// As fchown(2).
    pub fn chown_self(&self, uid: u32, gid: u32) -> Result<()> {
        self.step("fchown", b"")?;
        let (uid, gid) = owner(uid, gid);
        rustix::fs::fchown(&self.fd, uid, gid).map_err(at("fchown", &self.path))
    }

    /// Sets the mode of the directory itself.
    ///
    /// # Errors
    /// As fchmod(2).
    pub fn chmod_self(&self, mode: u32) -> Result<()> {
        self.step("fchmod", b"")?;
        rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(mode & 0o7777)).map_err(at("fchmod", &self.path))
    }

    /// Makes everything durable that was written to the directory's file system.
    ///
    /// # Errors
    /// As syncfs(2).
    pub fn sync_file_system(&self) -> Result<()> {
        self.step("syncfs", b"")?;
        rustix::fs::syncfs(&self.fd).map_err(at("syncfs", &self.path))
    }

    /// Sets access and modification time of the directory itself.
    ///
    /// # Errors
    /// As futimens(3).
    pub fn set_times_self(&self, times: &Timestamps) -> Result<()> {
        self.step("futimens", b"")?;
        rustix::fs::futimens(&self.fd, times).map_err(at("futimens", &self.path))
    }

    /// Sets owner, extended attributes, mode and times of an open file of that name here, in
    /// this order: a change of owner takes set-uid bits and capabilities away.
    ///
    /// # Errors
    /// As fchown(2), fchmod(2), futimens(3), about the file.
    pub fn finish_file(&self, file: &File, name: &[u8], look: &FileLook<'_>) -> Result<()> {
        self.step("fchown", name)?;
        let (uid, gid) = owner(look.uid, look.gid);
        rustix::fs::fchown(file, uid, gid).map_err(at("fchown", self.shown(name)))?;
        for (key, value) in look.xattrs {
            rustix::fs::fsetxattr(file, &**key, value, XattrFlags::empty())
                .or_else(tolerated)
                .map_err(at("fsetxattr", self.shown(name)))?;
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(look.mode & 0o7777)).map_err(at("fchmod", self.shown(name)))?;
        rustix::fs::futimens(file, &look.times).map_err(at("futimens", self.shown(name)))
    }

    fn step(&self, call: &'static str, name: &[u8]) -> Result<()> {
        step_at(call, || self.shown(name))
    }

    fn in_proc(&self, name: &[u8]) -> PathBuf {
        let mut link = OsString::from(format!("/proc/self/fd/{}/", self.fd.as_raw_fd()));
        link.push(OsStr::from_bytes(name));
        PathBuf::from(link)
    }

    fn shown(&self, path: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(path))
    }
}

/// One name of [`Dir::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: Vec<u8>,
    /// The inode number as the directory has it.
    pub inode: u64,
    /// The kind, [`FileType::Unknown`] where the file system does not tell.
    pub kind: FileType,
}

/// What [`Dir::finish_file`] gives a file. Attributes that the file system refuses
/// (`ENOTSUP`, `EPERM`) are left out silently.
#[derive(Debug)]
pub struct FileLook<'a> {
    /// The owner; `u32::MAX` leaves it.
    pub uid: u32,
    /// The group; `u32::MAX` leaves it.
    pub gid: u32,
    /// Permission bits with set-uid, set-gid and sticky.
    pub mode: u32,
    /// Extended attributes, full key and value.
    pub xattrs: &'a [(Vec<u8>, Vec<u8>)],
    /// Access and modification time.
    pub times: Timestamps,
}

fn tolerated(errno: Errno) -> std::result::Result<(), Errno> {
    if matches!(errno, Errno::OPNOTSUPP | Errno::PERM) { Ok(()) } else { Err(errno) }
}

fn owner(uid: u32, gid: u32) -> (Option<Uid>, Option<Gid>) {
    let uid = (uid != u32::MAX).then(|| Uid::from_raw(uid));
    (uid, (gid != u32::MAX).then(|| Gid::from_raw(gid)))
}

/// Opens for reading what an `O_PATH` descriptor is, if it is a regular file: the open of a device
/// may do something, that of a FIFO wait.
fn open_regular(found: &OwnedFd) -> std::result::Result<File, Errno> {
    let stat = rustix::fs::fstat(found)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    rustix::fs::openat(CWD, link_of(found), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map(File::from)
}

/// An `O_PATH` descriptor can be a device or FIFO that must not be opened; its link in /proc leads
/// to the very inode.
fn link_of(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_root_does_not_lead_out_of_it() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        crate::create_dir_all(at("root/etc"), 0o755).expect("mkdir");
        crate::write_new(at("root/etc/inside"), b"yes", 0o644).expect("write");
        crate::write_new(at("outside"), b"no", 0o644).expect("write");
        crate::symlink("/etc", at("root/absolute")).expect("symlink");
        crate::symlink("../../../../etc", at("root/etc/up")).expect("symlink");
        crate::symlink("/outside", at("root/out")).expect("symlink");
        let root = Dir::open(at("root")).expect("open");
        for path in [&b"absolute/inside"[..], b"etc/up/inside", b"/../etc/inside"] {
            assert!(root.open_below(path).is_ok(), "{path:?}");
        }
        for path in [&b"out"[..], b"../outside"] {
            assert!(root.open_below(path).expect_err("nothing there").is_not_found(), "{path:?}");
        }
        assert!(root.stat_below(b"out").expect("look").is_some(), "the link itself is there");
    }

    #[test]
    fn a_fifo_is_not_waited_for() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let dir = Dir::open(home.path()).expect("open");
        dir.make_node(b"pipe", FileType::Fifo, 0o644, 0).expect("mknod");
        assert_eq!(dir.open_file(b"pipe").expect_err("no file").errno(), Some(Errno::INVAL));
    }

    #[test]
    fn a_symlink_keeps_its_mode_and_so_does_what_it_says() {
        let home = tempfile::tempdir().expect("a temporary directory");
        crate::write_new(home.path().join("file"), b"", 0o600).expect("write");
        let dir = Dir::open(home.path()).expect("open");
        dir.make_symlink(b"file", b"link").expect("symlink");
        assert!(dir.chmod(b"link", 0o777).is_err());
        dir.chmod(b"file", 0o640).expect("chmod");
        let mode = dir.stat(b"file").expect("look").map(|stat| stat.st_mode & 0o7777);
        assert_eq!(mode, Some(0o640));
    }

    #[test]
    fn a_device_is_not_opened() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let dir = Dir::open(home.path()).expect("open");
        // No driver has this number, so that an open would be ENXIO.
        dir.make_node(b"device", FileType::CharacterDevice, 0o644, rustix::fs::makedev(240, 99)).expect("mknod");
        for opened in [dir.open_file(b"device"), dir.open_below(b"device")] {
            assert_eq!(opened.expect_err("no file").errno(), Some(Errno::INVAL));
        }
    }

    #[test]
    fn names_are_listed_by_their_bytes() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let dir = Dir::open(home.path()).expect("open");
        for name in [&b"b"[..], b"a.txt", b"a", b"\xff"] {
            drop(dir.create_file(name, 0o644).expect("create"));
        }
        let names: Vec<_> = dir.list().expect("list").into_iter().map(|listed| listed.name).collect();
        assert_eq!(names, [&b"a"[..], b"a.txt", b"b", b"\xff"]);
    }
}
