//! A directory becomes a layer archive, as dockerd makes it for commit, export and lost
//! tar-splits.
//!
//! moby 20.10, pkg/archive `TarWithOptions`, `addTarFile`, `ConvertWrite`, `ExportChanges`. The
//! modes have the file's type above the permissions, which 24.0 gave up; owners have names,
//! which 23.0 gave up (see [`Owners`]).
//!
//! What would surprise: the root has no entry; sockets are left out; of extended attributes only
//! `security.capability` is kept; later names of one inode are hard links, and as the kernel's
//! whiteouts share an inode, all but the first have the first one's name as link name.

mod owners;
mod resource;
mod tree;
mod writer;

use std::{
    collections::HashMap,
    io::{self, BufReader, Write},
};

use rustix::fs::{FileType, Stat, major, minor};
use sys::Dir;

use self::resource::is_elsewhere;
pub use self::{
    owners::Owners,
    resource::{Picked, pack_resource},
    writer::{WriteError, Writer},
};
use crate::{
    Whiteouts,
    changes::{Change, ChangeKind},
    header::{BLOCK, CHARACTER, DIRECTORY, FIFO, Header, LINK, Moment, REGULAR, SYMLINK, WHITEOUT, WHITEOUT_OPAQUE},
};

/// Why a directory could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A directory or file could not be looked at.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// An entry could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes all that is in a directory, depth first, each directory's names in the order of their
/// bytes. With [`Whiteouts::Overlay`], overlay's deletions become `.wh.` entries.
///
/// Files that vanish meanwhile are left out. Unlike dockerd, which logs and goes on, a file that
/// cannot be read is an error: a layer without it would be another layer.
///
/// # Errors
/// As [`PackError`].
pub fn pack(root: &Dir, whiteouts: Whiteouts, owners: &Owners, out: impl Write) -> Result<(), PackError> {
    let mut packing = Packing::new(owners, out);
    packing.tree(root, b"", whiteouts)?;
    packing.writer.finish()?;
    Ok(())
}

/// Writes a whole tree that is no layer's: the directory itself as `./`, all extended attributes,
/// times to the nanosecond. Sockets are left out here too.
///
/// # Errors
/// As [`PackError`].
pub fn pack_whole(root: &Dir, out: impl Write) -> Result<(), PackError> {
    let owners = Owners::unnamed();
    let mut packing = Packing { whole: true, ..Packing::new(&owners, out) };
    packing.file(root, b".", b".".to_vec(), Whiteouts::Applied)?;
    packing.tree(root, b"", Whiteouts::Applied)?;
    packing.writer.finish()?;
    Ok(())
}

/// Writes the changed files of a whole tree, and a `.wh.` entry for each deleted one, in the
/// order of their paths. `now` is the deletions' time.
///
/// # Errors
/// As [`PackError`].
pub fn pack_changes(
    root: &Dir,
    changes: &[Change],
    now: Moment,
    owners: &Owners,
    out: impl Write,
) -> Result<(), PackError> {
    let mut changes: Vec<_> = changes.iter().collect();
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    let mut packing = Packing::new(owners, out);
    for change in changes {
        let path = change.path.strip_prefix(b"/").unwrap_or(&change.path);
        let (above, name) = base::gopath::split(path);
        if change.kind == ChangeKind::Deleted {
            let header = Header { name: whiteout_name(path), mtime: nearest_second(now), ..Header::default() };
            packing.writer.entry(&header, &mut io::empty())?;
            continue;
        }
        match root.below(above) {
            Ok(dir) => packing.file(&dir, name, path.to_vec(), Whiteouts::Applied).map(drop)?,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    packing.writer.finish()?;
    Ok(())
}

struct Packing<'a, W> {
    writer: Writer<W>,
    owners: &'a Owners,
    /// Whether everything is kept, and not what dockerd keeps.
    whole: bool,
    /// Whether the tree changes meanwhile, and may have its root's name.
    moving: bool,
    /// The first name of each inode that has several.
    inodes: HashMap<(u64, u64), Vec<u8>>,
}

impl<'a, W: Write> Packing<'a, W> {
    fn new(owners: &'a Owners, out: W) -> Self {
        Self { writer: Writer::new(out), owners, whole: false, moving: false, inodes: HashMap::new() }
    }

    /// Writes one file; its kind, `None` when it is gone.
    fn file(
        &mut self,
        dir: &Dir,
        name: &[u8],
        path: Vec<u8>,
        whiteouts: Whiteouts,
    ) -> Result<Option<FileType>, PackError> {
        let Some(mut stat) = dir.stat(name)? else { return Ok(None) };
        let mut opened = None;
        if self.moving && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            // What is read is what is described, whoever has the name by now.
            match dir.open_file(name) {
                Ok(file) => {
                    stat = rustix::fs::fstat(&file)
                        .map_err(|errno| sys::Error::new("fstat", dir.path().join(os(name)), errno))?;
                    opened = Some(file);
                }
                Err(error) if is_elsewhere(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        let kind = FileType::from_raw_mode(stat.st_mode);
        let Some(mut header) = self.header(&stat, path.clone()) else { return Ok(Some(kind)) };
        if kind == FileType::Symlink {
            match dir.read_link(name) {
                Ok(target) => header.linkname = target,
                Err(error) if self.moving && is_elsewhere(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        if self.whole {
            header.mtime = Moment { nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0), ..header.mtime };
            header.xattrs = all_xattrs(dir, name)?;
        } else if let Some(capability) = self.capability(dir, name)? {
            header.xattrs.push((b"security.capability".into(), version_2(capability)));
        }
        if kind != FileType::Directory && stat.st_nlink > 1 {
            match self.inodes.get(&(stat.st_dev, stat.st_ino)) {
                Some(first) => {
                    (header.typeflag, header.size) = (LINK, 0);
                    header.linkname.clone_from(first);
                }
                None => drop(self.inodes.insert((stat.st_dev, stat.st_ino), path.clone())),
            }
        }
        if whiteouts == Whiteouts::Overlay && kind == FileType::CharacterDevice && stat.st_rdev == 0 {
            header = Header { name: whiteout_name(&path), mode: 0o600, typeflag: REGULAR, size: 0, ..header };
        }
        if header.typeflag == REGULAR && header.size > 0 {
            let file = opened.map_or_else(|| dir.open_file(name), Ok)?;
            let mut content = BufReader::with_capacity(128 << 10, file);
            self.writer.entry(&header, &mut content)?;
        } else {
            self.writer.entry(&header, &mut io::empty())?;
        }
        if whiteouts == Whiteouts::Overlay && kind == FileType::Directory && is_opaque(dir, name)? {
            self.writer.entry(&opaque_marker(&header), &mut io::empty())?;
        }
        Ok(Some(kind))
    }

    fn capability(&self, dir: &Dir, name: &[u8]) -> sys::Result<Option<Vec<u8>>> {
        match dir.xattr(name, "security.capability") {
            Err(error) if self.moving && is_elsewhere(&error) => Ok(None),
            other => other,
        }
    }

    /// The header of a file, `None` for what archives cannot have: sockets.
    fn header(&self, stat: &Stat, path: Vec<u8>) -> Option<Header> {
        let kind = FileType::from_raw_mode(stat.st_mode);
        let typeflag = match kind {
            FileType::RegularFile => REGULAR,
            FileType::Directory => DIRECTORY,
            FileType::Symlink => SYMLINK,
            FileType::CharacterDevice => CHARACTER,
            FileType::BlockDevice => BLOCK,
            FileType::Fifo => FIFO,
            _ => return None,
        };
        let is_device = matches!(kind, FileType::CharacterDevice | FileType::BlockDevice);
        Some(Header {
            name: if kind == FileType::Directory { [&path, &b"/"[..]].concat() } else { path },
            typeflag,
            mode: i64::from(stat.st_mode),
            uid: i64::from(stat.st_uid),
            gid: i64::from(stat.st_gid),
            size: if kind == FileType::RegularFile { stat.st_size } else { 0 },
            mtime: Moment::second(stat.st_mtime),
            uname: self.owners.user(stat.st_uid).to_vec(),
            gname: self.owners.group(stat.st_gid).to_vec(),
            devmajor: if is_device { i64::from(major(stat.st_rdev)) } else { 0 },
            devminor: if is_device { i64::from(minor(stat.st_rdev)) } else { 0 },
            ..Header::default()
        })
    }
}

/// All attributes in the order of their keys. One that vanishes meanwhile is left out.
fn all_xattrs(dir: &Dir, name: &[u8]) -> sys::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut found = Vec::new();
    for key in dir.xattr_names(name)? {
        let Some(text) = key.to_str() else { continue };
        if let Some(value) = dir.xattr(name, text)? {
            found.push((text.as_bytes().to_vec(), value));
        }
    }
    found.sort();
    Ok(found)
}

fn os(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}

fn is_opaque(dir: &Dir, name: &[u8]) -> sys::Result<bool> {
    Ok(dir.xattr(name, "trusted.overlay.opaque")?.is_some_and(|value| value == b"y"))
}

/// The entry that says that a directory hides what is below: no time, and no type in its mode.
fn opaque_marker(dir: &Header) -> Header {
    Header {
        name: [&dir.name, WHITEOUT_OPAQUE].concat(),
        mode: dir.mode & 0o777,
        uid: dir.uid,
        gid: dir.gid,
        uname: dir.uname.clone(),
        gname: dir.gname.clone(),
        ..Header::default()
    }
}

/// `dir/.wh.name` of `dir/name`.
fn whiteout_name(path: &[u8]) -> Vec<u8> {
    match base::gopath::split(path) {
        (b"", name) => [WHITEOUT, name].concat(),
        (above, name) => [above, b"/", WHITEOUT, name].concat(),
    }
}

fn nearest_second(time: Moment) -> Moment {
    Moment::second(if time.nanos >= 500_000_000 { time.seconds.saturating_add(1) } else { time.seconds })
}

/// File capabilities without the user namespace they were made in (moby 20.10,
/// `ReadSecurityXattrToTarHeader`): revision 3 becomes 2, which is 20 bytes.
fn version_2(mut capability: Vec<u8>) -> Vec<u8> {
    if let Some(revision @ 3) = capability.get_mut(3) {
        *revision = 2;
        capability.truncate(20);
    }
    capability
}
