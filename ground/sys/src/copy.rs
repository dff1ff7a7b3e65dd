//! A tree copied with all that a layer keeps: contents, links, devices, owners, modes,
//! capabilities, times.
//!
//! By descriptors on both sides, so that a symlink put in the way leads nowhere. What dockerd's
//! vfs copies is copied (moby 20.10, copy/copy.go `DirCopy`), no other extended attribute; unlike
//! there, sockets become sockets and holes stay holes.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{
        AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags, chownat, fchmod,
        fchown, fgetxattr, flistxattr, fsetxattr, fstat, futimens, linkat, mkdirat, mknodat, openat, readlinkat,
        statat, symlinkat, utimensat,
    },
    io::Errno,
};

use crate::{
    error::{Error, Result, at},
    steps::step,
    tree::names,
    way::Way,
};

const CAPABILITY: &str = "security.capability";

/// Copies all that is in `from`, and its own owner, mode and times, onto the directory `to`,
/// which is there and empty.
///
/// # Errors
/// The first thing that could not be copied; `to` then holds a part.
pub fn copy_tree(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
    copy(from.as_ref(), to.as_ref(), false)
}

/// [`copy_tree`] with all extended attributes, as dockerd copies an image's files into a volume
/// (moby 20.10, container/container_unix.go `copyExistingContents`).
///
/// # Errors
/// The first thing that could not be copied; `to` then holds a part.
pub fn copy_tree_whole(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
    copy(from.as_ref(), to.as_ref(), true)
}

fn copy(from: &Path, to: &Path, whole: bool) -> Result<()> {
    let source = open_dir(CWD, from.as_os_str()).map_err(at("open", from))?;
    let target = open_dir(CWD, to.as_os_str()).map_err(at("open", to))?;
    let root = target.try_clone().map_err(at("dup", to))?;
    Copy { root, linked: HashMap::new(), reflinks: true, whole }.tree(source, target, from)
}

fn open_dir(dir: BorrowedFd<'_>, name: &OsStr) -> std::result::Result<OwnedFd, Errno> {
    openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

struct Copy {
    /// The top of the target.
    root: OwnedFd,
    /// Where in the target the first name of a file with several went.
    linked: HashMap<(u64, u64), PathBuf>,
    /// Whether sharing blocks has not failed yet.
    reflinks: bool,
    /// Whether all extended attributes are copied.
    whole: bool,
}

/// A directory that is being copied: what of it is left, and how it looked before we read it.
struct Level {
    left: std::vec::IntoIter<(OsString, FileType)>,
    stat: Stat,
}

impl Level {
    fn of(source: &OwnedFd, shown: &Path) -> Result<Self> {
        let stat = fstat(source).map_err(at("stat", shown))?;
        Ok(Self { left: names(source).map_err(at("readdir", shown))?.into_iter(), stat })
    }
}

/// A file's path for messages, and below the top.
#[derive(Clone, Copy)]
struct Place<'a> {
    shown: &'a Path,
    below: &'a Path,
}

impl Copy {
    fn tree(&mut self, source: OwnedFd, target: OwnedFd, top: &Path) -> Result<()> {
        let mut below = PathBuf::new();
        let mut levels = vec![Level::of(&source, top)?];
        let (mut source, mut target) = (Way::new(source), Way::new(target));
        while let Some(level) = levels.last_mut() {
            let Some((name, _)) = level.left.next() else {
                let shown = top.join(&below);
                self.attributes(source.here(), target.here(), &shown)?;
                dress(source.here(), target.here(), &level.stat, &shown)?;
                source.up().and_then(|()| target.up()).map_err(at("open", shown))?;
                levels.pop();
                below.pop();
                continue;
            };
            below.push(&name);
            let shown = top.join(&below);
            let place = Place { shown: &shown, below: &below };
            match self.entry(source.here().as_fd(), target.here().as_fd(), &name, place)? {
                Some((from, to)) => {
                    levels.push(Level::of(&from, &shown)?);
                    source.down(from).and_then(|()| target.down(to)).map_err(at("stat", shown))?;
                }
                None => drop(below.pop()),
            }
        }
        Ok(())
    }

    /// Copies one name; of a directory only itself, which comes back opened, with its copy.
    fn entry(
        &mut self,
        source: BorrowedFd<'_>,
        target: BorrowedFd<'_>,
        name: &OsStr,
        place: Place<'_>,
    ) -> Result<Option<(OwnedFd, OwnedFd)>> {
        let shown = place.shown;
        let stat = statat(source, name, AtFlags::SYMLINK_NOFOLLOW).map_err(at("lstat", shown))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let from = open_dir(source, name).map_err(at("open", shown))?;
                step("mkdir", shown)?;
                mkdirat(target, name, Mode::RWXU).map_err(at("mkdir", shown))?;
                let to = open_dir(target, name).map_err(at("open", shown))?;
                return Ok(Some((from, to)));
            }
            FileType::RegularFile => self.file(source, target, name, &stat, place)?,
            FileType::Symlink => {
                let said = readlinkat(source, name, Vec::new()).map_err(at("readlink", shown))?;
                step("symlink", shown)?;
                symlinkat(said.as_c_str(), target, name).map_err(at("symlink", shown))?;
                dress_name(source, target, name, &stat, shown)?;
            }
            kind @ (FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice) => {
                let mode = Mode::from_raw_mode(stat.st_mode);
                step("mknod", shown)?;
                mknodat(target, name, kind, mode, stat.st_rdev).map_err(at("mknod", shown))?;
                dress_name(source, target, name, &stat, shown)?;
                rustix::fs::chmodat(target, name, mode, AtFlags::empty()).map_err(at("chmod", shown))?;
            }
            _ => return Err(Error::new("copy", shown, Errno::INVAL)),
        }
        Ok(None)
    }

    fn file(
        &mut self,
        source: BorrowedFd<'_>,
        target: BorrowedFd<'_>,
        name: &OsStr,
        stat: &Stat,
        place: Place<'_>,
    ) -> Result<()> {
        let shown = place.shown;
        if stat.st_nlink > 1 {
            let inode = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.linked.get(&inode) {
                step("link", shown)?;
                let (dir, first) = reach(&self.root, first).map_err(at("open", shown))?;
                return linkat(&dir, first, target, name, AtFlags::empty()).map_err(at("link", shown));
            }
            self.linked.insert(inode, place.below.to_owned());
        }
        step("create", shown)?;
        let reading = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let from = openat(source, name, reading, Mode::empty()).map_err(at("open", shown))?;
        let writing = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = openat(target, name, writing, Mode::RUSR | Mode::WUSR).map_err(at("create", shown))?;
        let (mut from, mut to) = (File::from(from), File::from(to));
        self.contents(&mut from, &mut to, stat, shown)?;
        let (from, to) = (from.into(), to.into());
        self.attributes(&from, &to, shown)?;
        dress(&from, &to, stat, shown)
    }

    /// What `dress` does not copy of the attributes, where all are wanted. What the file system
    /// below refuses is left out, as dockerd does.
    fn attributes(&self, from: &OwnedFd, to: &OwnedFd, shown: &Path) -> Result<()> {
        if !self.whole {
            return Ok(());
        }
        let mut list = vec![0_u8; 1 << 16];
        let length = match flistxattr(from, &mut list[..]) {
            Ok(length) => length,
            Err(Errno::OPNOTSUPP) => 0,
            Err(errno) => return Err(at("flistxattr", shown)(errno)),
        };
        let mut value = Vec::new();
        for key in list[..length].split(|byte| *byte == 0).filter(|key| !key.is_empty()) {
            if key == CAPABILITY.as_bytes() {
                continue;
            }
            value.resize(1 << 16, 0);
            let length = match fgetxattr(from, key, &mut value[..]) {
                Err(Errno::NODATA) => continue,
                other => other.map_err(at("fgetxattr", shown))?,
            };
            step("fsetxattr", shown)?;
            match fsetxattr(to, key, &value[..length], XattrFlags::empty()) {
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(at("fsetxattr", shown)(errno)),
            }
        }
        Ok(())
    }

    /// Shares the blocks where the file system can, else copies what is not a hole.
    fn contents(&mut self, from: &mut File, to: &mut File, stat: &Stat, shown: &Path) -> Result<()> {
        step("copy", shown)?;
        if self.reflinks {
            match rustix::fs::ioctl_ficlone(&*to, &*from) {
                Ok(()) => return Ok(()),
                Err(_) => self.reflinks = false,
            }
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let allocated = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        if allocated >= size {
            // copy_file_range(2) where it works, else by hand: the standard library sees to it.
            return std::io::copy(from, to).map(drop).map_err(at("copy", shown));
        }
        to.set_len(size).map_err(at("ftruncate", shown))?;
        let mut done = 0;
        while let Some((start, end)) = next_data(from, done).map_err(at("lseek", shown))? {
            from.seek(SeekFrom::Start(start)).map_err(at("lseek", shown))?;
            to.seek(SeekFrom::Start(start)).map_err(at("lseek", shown))?;
            let copied = std::io::copy(&mut from.take(end - start), to).map_err(at("copy", shown))?;
            if copied == 0 {
                break;
            }
            done = start + copied;
        }
        Ok(())
    }
}

/// A directory from which the rest of `path` is short enough for a call; no symlink is on the way.
fn reach<'p>(root: &OwnedFd, path: &'p Path) -> std::result::Result<(OwnedFd, &'p Path), Errno> {
    const FAR: usize = 4000;
    let mut dir = open_dir(root.as_fd(), OsStr::new("."))?;
    let mut rest = path;
    while rest.as_os_str().len() > FAR {
        let bytes = rest.as_os_str().as_bytes();
        let slash = bytes[..FAR].iter().rposition(|byte| *byte == b'/').ok_or(Errno::NAMETOOLONG)?;
        dir = open_dir(dir.as_fd(), OsStr::from_bytes(&bytes[..slash]))?;
        rest = Path::new(OsStr::from_bytes(&bytes[slash + 1..]));
    }
    Ok((dir, rest))
}

/// The next run of a file's bytes that is not a hole.
fn next_data(file: &File, from: u64) -> std::result::Result<Option<(u64, u64)>, Errno> {
    let start = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(from)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let end = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(start))?;
    Ok((end > start).then_some((start, end)))
}

/// Owner, capabilities, mode and times, in the order in which none undoes another.
fn dress(source: &OwnedFd, target: &OwnedFd, stat: &Stat, shown: &Path) -> Result<()> {
    step("chown", shown)?;
    let (uid, gid) = owner(stat);
    fchown(target, uid, gid).map_err(at("chown", shown))?;
    let mut value = [0; 256];
    match fgetxattr(source, CAPABILITY, &mut value[..]) {
        Ok(length) => {
            let value = value.get(..length).unwrap_or_default();
            fsetxattr(target, CAPABILITY, value, XattrFlags::empty()).map_err(at("setxattr", shown))?;
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
        Err(errno) => return Err(at("getxattr", shown)(errno)),
    }
    fchmod(target, Mode::from_raw_mode(stat.st_mode)).map_err(at("chmod", shown))?;
    futimens(target, &times(stat)).map_err(at("utimens", shown))
}

/// Owner, capabilities and times of what cannot be opened.
fn dress_name(source: BorrowedFd<'_>, target: BorrowedFd<'_>, name: &OsStr, stat: &Stat, shown: &Path) -> Result<()> {
    step("lchown", shown)?;
    let (uid, gid) = owner(stat);
    chownat(target, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW).map_err(at("lchown", shown))?;
    let place = |dir: BorrowedFd<'_>| Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(name);
    let named = |call| move |error: Error| Error::new(call, shown, error.errno().unwrap_or(Errno::IO));
    if let Some(value) = crate::xattr::get(place(source), CAPABILITY).map_err(named("lgetxattr"))? {
        crate::xattr::set(place(target), CAPABILITY, &value).map_err(named("lsetxattr"))?;
    }
    utimensat(target, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW).map_err(at("utimens", shown))
}

fn owner(stat: &Stat) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))
}

fn times(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime, tv_nsec: stat.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::FileExt, net::UnixListener};

    use super::*;

    /// A `security.capability` of version 2 as setcap(8) writes it: cap_net_raw+ep.
    const NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    fn fill(top: &Path) {
        let at = |name: &str| top.join(name);
        crate::create_dir(at("d"), 0o1777).expect("mkdir");
        crate::write_new(at("d/tool"), b"#!", 0o755).expect("write");
        crate::chown(at("d/tool"), 1000, 2000).expect("chown");
        crate::chmod(at("d/tool"), 0o4755).expect("chmod");
        crate::link(at("d/tool"), at("again")).expect("link");
        crate::write_new(at("capable"), b"x", 0o700).expect("write");
        crate::xattr::set(at("capable"), CAPABILITY, &NET_RAW).expect("setxattr");
        crate::xattr::set(at("capable"), "trusted.other", b"no").expect("setxattr");
        crate::symlink("/etc/passwd", at("link")).expect("symlink");
        crate::chown(at("link"), 7, 8).expect("lchown");
        drop(UnixListener::bind(at("socket")).expect("bind"));
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).expect("mkfifo");
        let zero = rustix::fs::makedev(1, 5);
        mknodat(CWD, at("zero"), FileType::CharacterDevice, Mode::from_raw_mode(0o666), zero).expect("mknod");
        let sparse = crate::create_new(at("sparse"), 0o600).expect("create");
        sparse.write_all_at(b"far", 1 << 20).expect("write");
        sparse.set_len(3 << 20).expect("truncate");
        for name in ["link", "fifo", "zero"] {
            crate::xattr::set(at(name), CAPABILITY, &NET_RAW).expect("setxattr");
        }
        let past = Timespec { tv_sec: 1_000_000_000, tv_nsec: 123_456_789 };
        for name in ["d/tool", "d", "link", "fifo", "capable", "sparse", ""] {
            crate::set_times(at(name), &Timestamps { last_access: past, last_modification: past }).expect("utimensat");
        }
    }

    /// All of a tree that a layer keeps, as lines.
    fn told(top: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        let mut left = vec![PathBuf::new()];
        while let Some(below) = left.pop() {
            let path = top.join(&below);
            let stat = crate::stat_opt(&path).expect("lstat").expect("it is there");
            let caps = crate::xattr::get(&path, CAPABILITY).expect("getxattr");
            let said = std::fs::read_link(&path).ok();
            let bytes =
                std::fs::metadata(&path).is_ok_and(|m| m.is_file()).then(|| std::fs::read(&path).expect("read"));
            let (size, time) = (bytes.as_ref().map(Vec::len), (stat.st_mtime, stat.st_mtime_nsec));
            let (mode, owner, links) = (stat.st_mode, (stat.st_uid, stat.st_gid), stat.st_nlink);
            let sum = bytes
                .map(|bytes| bytes.iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte))));
            lines.push(format!(
                "{below:?} {mode:o} {owner:?} {links} {} {size:?} {sum:?} {time:?} {said:?} {caps:?}",
                stat.st_rdev
            ));
            if crate::is_dir(&stat) {
                left.extend(crate::list_dir(&path).expect("readdir").iter().map(|name| below.join(name)));
            }
        }
        lines.sort();
        lines
    }

    #[test]
    fn a_whole_copy_has_all_attributes_and_a_layers_only_capabilities() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| dir.path().join(name);
        for name in ["from", "plain", "whole"] {
            crate::create_dir(at(name), 0o755).expect("mkdir");
        }
        fill(&at("from"));
        crate::xattr::set(at("from"), "trusted.top", b"1").expect("setxattr");
        copy_tree(at("from"), at("plain")).expect("copied");
        copy_tree_whole(at("from"), at("whole")).expect("copied");
        assert_eq!(told(&at("whole")), told(&at("from")));
        let other = |tree: &str| crate::xattr::get(at(tree).join("capable"), "trusted.other").expect("getxattr");
        assert_eq!((other("plain"), other("whole")), (None, Some(b"no".to_vec())));
        assert_eq!(crate::xattr::get(at("whole"), "trusted.top").expect("getxattr"), Some(b"1".to_vec()));
    }

    #[test]
    fn a_copy_has_all_that_a_layer_keeps() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        crate::create_dir(&from, 0o750).expect("mkdir");
        crate::create_dir(&to, 0o755).expect("mkdir");
        fill(&from);
        copy_tree(&from, &to).expect("copy");
        assert_eq!(told(&to), told(&from));
        assert_eq!(crate::xattr::get(to.join("capable"), "trusted.other").expect("getxattr"), None);
        let blocks = |top: &Path| crate::stat(top.join("sparse")).expect("stat").st_blocks;
        assert!(blocks(&to) <= blocks(&from), "a hole stays a hole");
        let inode = |name: &str| crate::stat(to.join(name)).expect("stat").st_ino;
        assert_eq!(inode("again"), inode("d/tool"));
    }

    #[test]
    fn a_tree_deeper_than_there_are_descriptors_is_copied() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        for top in ["from", "to"] {
            crate::create_dir(at(top), 0o755).expect("mkdir");
        }
        let mut dir = open_dir(CWD, at("from").as_os_str()).expect("open");
        let mut first = None;
        let deep = crate::way::deeper_than_descriptors();
        for depth in 0..deep {
            mkdirat(&dir, "d", Mode::from_raw_mode(0o711)).expect("mkdir");
            dir = open_dir(dir.as_fd(), OsStr::new("d")).expect("open");
            if depth % 1000 == 999 {
                symlinkat(format!("{depth}"), &dir, "link").expect("symlink");
            }
            // Links whose first name has a path longer than the system takes.
            if depth == 2500 {
                drop(openat(&dir, "f", OFlags::WRONLY | OFlags::CREATE, Mode::RUSR).expect("create"));
                first = Some(dir.try_clone().expect("dup"));
            } else if let Some(first) = first.as_ref().filter(|_| depth == 2600) {
                linkat(first, "f", &dir, "again", AtFlags::empty()).expect("link");
            }
        }
        drop((dir, first));
        let copied = copy_tree(at("from"), at("to"));
        let shape = |top: &str| {
            let mut dir = open_dir(CWD, at(top).as_os_str()).expect("open");
            let mut seen = Vec::new();
            while let Ok(below) = open_dir(dir.as_fd(), OsStr::new("d")) {
                let mut listed = names(&below).expect("readdir");
                listed.sort_by(|one, other| one.0.cmp(&other.0));
                let stat = fstat(&below).expect("stat");
                let links = statat(&below, "again", AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_nlink).ok();
                seen.push((listed, stat.st_mode, stat.st_mtime, stat.st_mtime_nsec, links));
                dir = below;
            }
            seen
        };
        let (from, to) = (shape("from"), shape("to"));
        for top in ["from", "to"] {
            crate::remove_tree(at(top)).expect("remove");
        }
        copied.expect("copied");
        assert_eq!(from.len(), deep);
        assert!(from == to, "the copy is another tree");
    }

    #[test]
    fn a_target_that_is_a_symlink_is_refused() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        crate::create_dir(at("from"), 0o755).expect("mkdir");
        crate::symlink("/tmp", at("to")).expect("symlink");
        assert!(copy_tree(at("from"), at("to")).is_err());
        assert!(copy_tree(at("to"), at("from")).is_err());
    }
}
