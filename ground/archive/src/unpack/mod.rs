//! Archive entries become files, exactly as dockerd makes them, and never outside the root.
//!
//! moby 20.10, pkg/archive `Unpack` (native overlay) and `UnpackLayer` (naive), which dockerd
//! runs in a chroot. Here every path goes through the root's descriptor instead: parents by
//! openat2(2) with the layer as the root, the last element by name, never followed.
//!
//! What would surprise: a root entry `.` is skipped on overlay but applied to a naive tree (and
//! `/` and `..` are applied on both); parents that no entry names get 0755 on overlay, 0600 on
//! naive trees; a directory's access time ends at 1970 when the archive has none; a hard link
//! gives its own owner, mode and times to the shared inode.

mod copying;
mod naive;
mod overlay;
mod parents;
mod times;
mod words;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use base::{NameSet, gopath};
use rustix::{fs::FileType, io::Errno};
use sys::{Dir, FileLook};

pub use self::copying::{Copying, Ownership};
use self::{parents::Parents, times::Times};
use crate::{
    Whiteouts,
    header::{BLOCK, CHARACTER, DIRECTORY, FIFO, GLOBAL, Header, LINK, Moment, REGULAR, SYMLINK, WHITEOUT},
};

/// Why an entry could not be unpacked. What was unpacked before stays.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The payload could not be read; a [`crate::ReadError`] is inside when the archive is bad.
    #[error(transparent)]
    Payload(io::Error),
    /// Something could not be made, removed or changed. Paths are the layer's own.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// An entry of a kind that is no file: sockets, GNU sparse files and such.
    #[error("unhandled tar header type {0}")]
    Type(u8),
    /// A deletion could not be noted; mostly because the same archive has the file as well.
    #[error("failed to mknod({}, S_IFCHR, 0)", gopath::quote(.path))]
    Whiteout {
        /// The path that should have become a character device.
        path: Vec<u8>,
        /// What the system said.
        source: sys::Error,
    },
    /// A hard link could not be made; mostly because the archive does not have its target.
    #[error("link {} {}", .target.display(), .path.display())]
    Link {
        /// What it should have been a link to.
        target: PathBuf,
        /// The link.
        path: PathBuf,
        /// What the system said.
        source: sys::Error,
    },
    /// A directory is in the place of what is none, or the other way round, and must stay. The
    /// words are dockerd's.
    #[error(
        "cannot overwrite {} {} with {} {}",
        if *.is_dir { "directory" } else { "non-directory" },
        gopath::quote(.path),
        if *.is_dir { "non-directory" } else { "directory" },
        gopath::quote(.dest)
    )]
    Overwrite {
        /// Whether what is there is a directory.
        is_dir: bool,
        /// What is there.
        path: Vec<u8>,
        /// Where the archive is unpacked to.
        dest: Vec<u8>,
    },
    /// A name that leads out of the place. The words are dockerd's.
    #[error("{} is outside of {}", gopath::quote(.name), gopath::quote(.dest))]
    Outside {
        /// The entry's name.
        name: Vec<u8>,
        /// Where the archive is unpacked to.
        dest: Vec<u8>,
    },
    /// A link that leads out of the place. The words are dockerd's.
    #[error("invalid {kind} {} -> {}", gopath::quote(.from), gopath::quote(.to))]
    LinkOutside {
        /// `symlink` or `hardlink`.
        kind: &'static str,
        /// Of a symlink where it is, of a hard link where it would lead.
        from: Vec<u8>,
        /// What the entry says.
        to: Vec<u8>,
    },
    /// A link into aufs' directory of links, to a file that the archive did not have before.
    #[error("Invalid aufs hardlink")]
    AufsLink,
}

/// Unpacks entries into a directory, in the order of the archive.
///
/// The directory is the caller's: with [`Whiteouts::Overlay`] a new layer's `diff`, with
/// [`Whiteouts::Applied`] a copy of the parent. After an error the layer is half made, and worth
/// nothing but to be removed.
#[derive(Debug)]
pub struct Unpacker {
    root: Arc<Dir>,
    style: Whiteouts,
    /// Where copied files go, if these are no layer's.
    copying: Option<Copying>,
    parents: Parents,
    /// Directories get their times when nothing is put into them any more.
    directories: Vec<(Vec<u8>, Moment, Moment)>,
    size: Size,
    /// What a naive opaque marker must not take away.
    unpacked: NameSet,
    aufs_links: HashMap<Vec<u8>, (Header, File)>,
    /// Whether a naive opaque marker in the root took dockerd's own directory there away, too.
    root_was_emptied: bool,
}

/// The size of the layer as the driver will report it.
#[derive(Debug, Default)]
struct Size {
    claimed: i64,
    written: u64,
    /// Whether `written` is no longer what the directory holds.
    replaced: bool,
}

impl Unpacker {
    /// Unpacks into this directory, which is `/` for all names, links and errors.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn new(root: Dir, style: Whiteouts) -> Result<Self, UnpackError> {
        let replaced = style == Whiteouts::Overlay && !root.list()?.is_empty();
        Ok(Self {
            root: Arc::new(root.shown_as("/")),
            style,
            copying: None,
            parents: Parents::default(),
            directories: Vec::new(),
            size: Size { replaced, ..Size::default() },
            unpacked: NameSet::default(),
            aufs_links: HashMap::new(),
            root_was_emptied: false,
        })
    }

    /// Unpacks one entry. Its payload is read as far as the entry needs it.
    ///
    /// # Errors
    /// As [`UnpackError`].
    pub fn entry(&mut self, header: &Header, payload: &mut dyn BufRead) -> Result<(), UnpackError> {
        self.size.claimed = self.size.claimed.wrapping_add(header.size);
        if self.copying.is_some() {
            return self.copied_entry(header, payload);
        }
        match self.style {
            Whiteouts::Overlay => self.overlay_entry(header, payload),
            Whiteouts::Applied => self.naive_entry(header, payload),
        }
    }

    /// Ends the layer: directories get their times. Returns the layer's size as dockerd's driver
    /// reports it: on overlay the bytes of all files in the directory, each inode once; on naive
    /// trees the sum of the sizes in the headers.
    ///
    /// # Errors
    /// When a directory of the archive is gone, or cannot be changed.
    pub fn finish(self) -> Result<i64, UnpackError> {
        for (path, atime, mtime) in &self.directories {
            let times = Times::clamped(*atime, *mtime);
            self.root.set_times_below(path, &times).map_err(|error| match error.errno() {
                Some(errno) => sys::Error::new("utimensat", error.path(), errno),
                None => error,
            })?;
        }
        let bytes = match (self.style, self.size.replaced) {
            _ if self.copying.is_some() => self.size.written,
            (Whiteouts::Applied, _) => {
                // dockerd has a directory for aufs' links in the root meanwhile.
                if !self.root_was_emptied {
                    self.root.set_times_self(&Times::changed_now())?;
                }
                return Ok(self.size.claimed);
            }
            (Whiteouts::Overlay, false) => self.size.written,
            (Whiteouts::Overlay, true) => self.root.tree_size()?.bytes,
        };
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// The directory that a path in the root is in, made if it is missing.
    fn parent(&mut self, path: &[u8]) -> Result<Arc<Dir>, UnpackError> {
        Ok(self.parents.open(&self.root, path, self.style)?)
    }

    /// Puts the entry at a path in the root, replacing what is there; a directory there stays
    /// when the entry is one.
    fn place(&mut self, path: &[u8], header: &Header, payload: &mut dyn BufRead) -> Result<(), UnpackError> {
        if path.is_empty() {
            return self.place_root(header);
        }
        let (above, name) = gopath::split(path);
        let parent = self.parents.open(&self.root, above, self.style);
        let parent = parent.map_err(|error| UnpackError::unreachable(header, path, error))?;
        if self.make(&parent, name, header, payload)? == Made::InTheWay {
            self.clear(&parent, name, header)?;
            // What made way may have been a link on the way here.
            let parent = self.parents.open_existing(&self.root, above);
            let parent = parent.map_err(|error| UnpackError::unreachable(header, path, error))?;
            if self.make(&parent, name, header, payload)? == Made::InTheWay {
                return Err(sys::Error::new("create", parent.path(), Errno::EXIST).into());
            }
        }
        if header.is_dir() {
            self.directories.push((path.to_vec(), header.atime, header.mtime));
        }
        Ok(())
    }

    /// The entry is the root itself, which can only be a directory.
    fn place_root(&mut self, header: &Header) -> Result<(), UnpackError> {
        if !header.is_dir() {
            return Err(self.cannot_remove_root());
        }
        self.dress(&Arc::clone(&self.root), b".", header)?;
        self.directories.push((Vec::new(), header.atime, header.mtime));
        Ok(())
    }

    /// What Go's `os.RemoveAll("/")` says in a chroot.
    fn cannot_remove_root(&self) -> UnpackError {
        sys::Error::new("unlinkat", ".//", Errno::BUSY).into()
    }

    /// Removes what has the entry's name, unless both are directories.
    fn clear(&mut self, parent: &Dir, name: &[u8], header: &Header) -> Result<(), UnpackError> {
        let Some(stat) = parent.stat(name)? else { return Ok(()) };
        let both_dirs = FileType::from_raw_mode(stat.st_mode) == FileType::Directory && header.is_dir();
        if both_dirs { Ok(()) } else { self.remove(parent, name) }
    }

    fn remove(&mut self, parent: &Dir, name: &[u8]) -> Result<(), UnpackError> {
        self.size.replaced = true;
        // A removed directory or symlink may have been on the way to one held open.
        self.parents.forget();
        Ok(parent.remove(name)?)
    }

    /// Makes the file, without removing anything.
    fn make(
        &mut self,
        parent: &Dir,
        name: &[u8],
        header: &Header,
        payload: &mut dyn BufRead,
    ) -> Result<Made, UnpackError> {
        let mode = permissions(header);
        let made = match header.typeflag {
            REGULAR => return self.make_file(parent, name, header, payload),
            DIRECTORY => match parent.make_dir(name, mode) {
                Err(error) if error.is_exists() && is_dir(parent, name)? => Ok(()),
                other => other,
            },
            BLOCK => parent.make_node(name, FileType::BlockDevice, mode, device(header)),
            CHARACTER => parent.make_node(name, FileType::CharacterDevice, mode, device(header)),
            FIFO => parent.make_node(name, FileType::Fifo, mode, device(header)),
            SYMLINK => {
                let made = parent.make_symlink(&header.linkname, name);
                self.size.written += made.as_ref().map_or(0, |()| header.linkname.len() as u64);
                made
            }
            LINK => self.make_link(parent, name, header)?,
            GLOBAL => return if parent.stat(name)?.is_some() { Ok(Made::InTheWay) } else { Ok(Made::Done) },
            other => return Err(UnpackError::Type(other)),
        };
        if matches!(&made, Err(error) if error.is_exists()) {
            return Ok(Made::InTheWay);
        }
        made?;
        self.dress(parent, name, header)?;
        Ok(Made::Done)
    }

    fn make_file(
        &mut self,
        parent: &Dir,
        name: &[u8],
        header: &Header,
        payload: &mut dyn BufRead,
    ) -> Result<Made, UnpackError> {
        let mut file = match parent.create_file(name, permissions(header)) {
            Err(error) if error.is_exists() => return Ok(Made::InTheWay),
            other => other?,
        };
        loop {
            let bytes = payload.fill_buf().map_err(UnpackError::Payload)?;
            if bytes.is_empty() {
                break;
            }
            let count = bytes.len();
            let shown = || parent.path().join(String::from_utf8_lossy(name).as_ref());
            file.write_all(bytes).map_err(|error| sys::Error::new("write", shown(), error))?;
            payload.consume(count);
            self.size.written += count as u64;
        }
        let (uid, gid) = self.owner(header);
        let look = FileLook {
            uid,
            gid,
            mode: permissions(header),
            xattrs: &header.xattrs,
            times: Times::clamped(header.atime.max(header.mtime), header.mtime),
        };
        parent.finish_file(&file, name, &look)?;
        Ok(Made::Done)
    }

    fn make_link(&mut self, parent: &Dir, name: &[u8], header: &Header) -> Result<sys::Result<()>, UnpackError> {
        let target = self.link_target(header);
        let (above, existing) = gopath::split(&target);
        let existing = if existing.is_empty() { b"." } else { existing };
        let from = self.parents.open_existing(&self.root, above);
        match from.and_then(|from| parent.make_link(&from, existing, name)) {
            Err(error) if error.is_exists() => Ok(Err(error)),
            Err(source) => {
                let shown = |path: &[u8], above: &Path| above.join(std::ffi::OsStr::from_bytes(path));
                let path = shown(name, parent.path());
                Err(UnpackError::Link { target: shown(&target, self.root.path()), path, source })
            }
            Ok(()) => Ok(Ok(())),
        }
    }

    /// Owner, attributes, mode and times, in dockerd's order.
    fn dress(&self, parent: &Dir, name: &[u8], header: &Header) -> Result<(), UnpackError> {
        let (uid, gid) = self.owner(header);
        if (uid, gid) != (u32::MAX, u32::MAX) {
            parent.chown(name, uid, gid)?;
        }
        for (key, value) in &header.xattrs {
            parent.set_xattr(name, key, value)?;
        }
        let (atime, mtime) = (header.atime.max(header.mtime), header.mtime);
        if header.typeflag == SYMLINK {
            return Ok(parent.set_times(name, &Times::wrapped(atime, mtime))?);
        }
        if header.typeflag == LINK && !self.link_target_is_plain(parent, name, header)? {
            return Ok(());
        }
        parent.chmod(name, permissions(header))?;
        Ok(parent.set_times(name, &Times::clamped(atime, mtime))?)
    }

    /// Whether mode and times of a hard link may be set: it is no symlink, nor is what its header
    /// names, as it is written there, at which dockerd looks instead (moby 20.10, archive_unix.go
    /// `handleLChmod`). Unlike moby, which follows the link it made, if that is a symlink and
    /// what is written is none (`dir/../link`, `dir` being a symlink): within the layer there.
    ///
    /// Of copied files moby looks for that name in the root, not where they go, and finds it or
    /// not: a set-uid bit that the change of owner took is then not given back. Here it is.
    fn link_target_is_plain(&self, parent: &Dir, name: &[u8], header: &Header) -> Result<bool, UnpackError> {
        let is_plain = |stat: Option<rustix::fs::Stat>| {
            stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::Symlink)
        };
        let written = header.linkname.strip_prefix(b"/").unwrap_or(&header.linkname);
        let is_written_otherwise = self.copying.is_none() && written != gopath::in_root(&header.linkname);
        Ok(is_plain(parent.stat(name)?)
            && (!is_written_otherwise || is_plain(self.root.stat_below(&header.linkname).unwrap_or(None))))
    }
}

/// What became of an attempt to make a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Done,
    /// Something has the name already.
    InTheWay,
}

fn is_dir(parent: &Dir, name: &[u8]) -> sys::Result<bool> {
    Ok(parent.stat(name)?.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory))
}

fn is_whiteout(name: &[u8]) -> bool {
    name.starts_with(WHITEOUT)
}

fn permissions(header: &Header) -> u32 {
    u32::try_from(header.mode & 0o7777).expect("twelve bits fit")
}

/// An owner's number as lchown(2) gets it from Go: the low 32 bits.
fn id(number: i64) -> u32 {
    number as u32
}

/// moby 20.10, pkg/system `Mkdev`, whose result mknod(2) gets.
fn device(header: &Header) -> u64 {
    let (major, minor) = (header.devmajor, header.devminor);
    let device = (minor & 0xf_ff00) << 12 | (major & 0xfff) << 8 | minor & 0xff;
    u64::from(device as u32)
}
