//! Mounts: what is mounted, unmounting, and mounts without a place (detached ones).

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, StatVfsMountFlags},
    io::Errno,
    mount::{MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags},
};

use crate::{
    error::{Error, Result, at},
    steps::step,
};

/// A mount that stands nowhere in the file tree: it is seen through a descriptor, and gone when
/// that is closed, also when the process dies.
#[derive(Debug)]
pub struct Detached(OwnedFd);

impl Detached {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// A path that leads into the mount while this value lives, for this process only.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// A descriptor of the mount's root directory, for calls relative to it.
    ///
    /// # Errors
    /// As open(2).
    pub fn open(&self) -> Result<File> {
        crate::open_dir(self.path().join("."))
    }

    /// Puts the mount onto what `place` is, in the mount namespace of the calling thread: see
    /// [`crate::in_private_mounts`]. `shown` names the place in errors.
    ///
    /// # Errors
    /// As move_mount(2).
    pub fn attach(&self, place: impl AsFd, shown: impl AsRef<Path>) -> Result<()> {
        let shown = shown.as_ref();
        step("move_mount", shown)?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        rustix::mount::move_mount(&self.0, "", place, "", flags).map_err(at("move_mount", shown))
    }

    /// Takes the right to write from this mount, when it is attached; what is mounted below it
    /// keeps its own.
    ///
    /// # Errors
    /// As mount(2).
    pub fn make_read_only(&self) -> Result<()> {
        let path = self.path();
        step("mount", &path)?;
        let told = at::<Errno>;
        let has = rustix::fs::fstatvfs(&self.0).map_err(told("fstatvfs", &path))?.f_flag;
        // A remount takes away what is not said again.
        let kept = [
            (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
            (StatVfsMountFlags::NODEV, MountFlags::NODEV),
            (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
            (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
            (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
            (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
        ];
        let kept = kept.into_iter().filter(|(has_it, _)| has.contains(*has_it)).map(|(_, flag)| flag);
        let flags = MountFlags::BIND | MountFlags::RDONLY | kept.collect::<MountFlags>();
        rustix::mount::mount_remount(&path, flags, "").map_err(told("mount", &path))
    }

    /// The descriptor itself.
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }
}

/// A line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// Where it is mounted, in this process's root.
    pub at: PathBuf,
    /// File system type, as `overlay`.
    pub kind: String,
    /// What the options of the file system (not of the mount) say.
    pub options: String,
}

/// All mounts of this process's namespace.
///
/// # Errors
/// When `/proc` is not there.
pub fn mount_points() -> Result<Vec<MountPoint>> {
    let path = Path::new("/proc/self/mountinfo");
    let text = std::fs::read(path).map_err(at("read", path))?;
    Ok(text.split(|byte| *byte == b'\n').filter_map(mount_point).collect())
}

fn mount_point(line: &[u8]) -> Option<MountPoint> {
    let mut fields = line.split(|byte| *byte == b' ');
    let at = fields.nth(4)?;
    let mut after = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(after.next()?).into_owned();
    let options = String::from_utf8_lossy(after.nth(1)?).into_owned();
    Some(MountPoint { at: PathBuf::from(unescape(at)), kind, options })
}

/// mountinfo writes space, tab, newline and backslash as three octal digits.
fn unescape(field: &[u8]) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|digits| byte == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        if let Some(digits) = octal {
            plain.push(digits.iter().fold(0_u8, |value, digit| value.wrapping_mul(8).wrapping_add(digit - b'0')));
            rest = &tail[3..];
        } else {
            plain.push(byte);
            rest = tail;
        }
    }
    std::ffi::OsString::from_vec(plain)
}

/// Takes the mount at `path` out of the file tree; it ends when nobody uses it any more.
///
/// # Errors
/// As umount2(2): EINVAL when nothing is mounted there.
pub fn unmount_detach(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("umount", path)?;
    rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).map_err(at("umount", path))
}

/// Unmounts what is mounted at a place, at once for whoever looks; nothing there is fine.
///
/// # Errors
/// As umount(2).
pub fn unmount_if_mounted(path: impl AsRef<Path>) -> Result<()> {
    match unmount_detach(path) {
        Err(error) if !matches!(error.errno(), Some(Errno::INVAL | Errno::NOENT)) => Err(error),
        _ => Ok(()),
    }
}

/// Whether something is mounted there.
///
/// # Errors
/// When the mounts cannot be read.
pub fn is_mounted(path: impl AsRef<Path>) -> Result<bool> {
    Ok(mount_points()?.iter().any(|point| point.at == path.as_ref()))
}

/// A directory or file as a mount of its own, attached nowhere.
///
/// # Errors
/// As open_tree(2).
pub fn bind_detached(path: impl AsRef<Path>) -> Result<Detached> {
    let path = path.as_ref();
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, path, flags).map(Detached::new).map_err(at("open_tree", path))
}

/// As [`bind_detached`], with all that is mounted below.
///
/// # Errors
/// As open_tree(2).
pub fn bind_detached_whole(path: impl AsRef<Path>) -> Result<Detached> {
    let path = path.as_ref();
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, path, flags).map(Detached::new).map_err(at("open_tree", path))
}

/// mount(2) as dockerd calls it: type and options in words.
///
/// # Errors
/// As mount(2), with what the kernel says in its new interface when that tells more.
pub fn mount_string(source: &str, target: &Path, kind: &str, flags: MountFlags, options: &str) -> Result<()> {
    step("mount", target)?;
    let options = std::ffi::CString::new(options)
        .map_err(|_| Error::new("mount", target, std::io::Error::from(std::io::ErrorKind::InvalidInput)))?;
    rustix::mount::mount(source, target, kind, flags, options.as_c_str()).map_err(at("mount", target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_read_with_its_escapes() {
        let line = b"36 35 98:0 / /mnt\\040two rw,noatime master:1 - overlay overlay rw,lowerdir=/a";
        let read = mount_point(line).expect("a mount point");
        assert_eq!(read.at, Path::new("/mnt two"));
        assert_eq!((read.kind.as_str(), read.options.as_str()), ("overlay", "rw,lowerdir=/a"));
        assert_eq!(mount_point(b""), None);
    }

    #[test]
    fn a_mount_is_attached_in_private_and_takes_no_writes_if_it_must_not() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| home.path().join(name);
        for name in ["source", "place"] {
            crate::create_dir(at(name), 0o755).expect("mkdir");
        }
        crate::write_new(at("source/file"), b"seen", 0o644).expect("write");
        crate::in_private_mounts(|| {
            let mount = bind_detached_whole(at("source")).expect("open_tree");
            let place = crate::Dir::open(at("place")).expect("open");
            mount.attach(&place, at("place")).expect("attach");
            assert_eq!(std::fs::read(at("place/file")).expect("read"), b"seen");
            crate::write_new(at("place/new"), b"", 0o644).expect("write");
            mount.make_read_only().expect("remount");
            let refused = crate::write_new(at("place/other"), b"", 0o644).expect_err("read-only");
            assert_eq!(refused.errno(), Some(Errno::ROFS));
        })
        .expect("root may have mounts of its own");
        assert!(at("source/new").exists() && !at("place/new").exists());
        crate::write_new(at("source/again"), b"", 0o644).expect("the source itself takes writes");
    }
}
