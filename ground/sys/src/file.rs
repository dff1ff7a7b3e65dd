//! Files and directories: small text written whole, atomically where a pointer changes.
//!
//! Durability is the caller's to order: [`write_new`] and [`truncate_write`] flush nothing,
//! [`write_atomic`] flushes the file before the rename, [`syncfs`] and [`fsync_dir`] flush what
//! was written before.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timestamps, Uid};

use crate::{
    error::{Result, at},
    steps::step,
};

/// Makes a directory with exactly this mode, whatever the umask. On error there is none.
///
/// # Errors
/// When it exists, or cannot be made.
pub fn create_dir(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    step("mkdir", path)?;
    fs::DirBuilder::new().mode(mode).create(path).map_err(at("mkdir", path))?;
    chmod(path, mode).inspect_err(|_| drop(remove_dir(path)))
}

/// Makes a directory and its missing parents, the missing ones with this mode. One that is
/// there already is left as it is.
///
/// # Errors
/// When one cannot be made, or something else is in the way.
pub fn create_dir_all(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir_all(parent, mode)?;
    }
    match create_dir(path, mode) {
        Err(error) if error.is_exists() && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Sets a file's mode.
///
/// # Errors
/// As chmod(2).
pub fn chmod(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    step("chmod", path)?;
    rustix::fs::chmod(path, Mode::from_raw_mode(mode)).map_err(at("chmod", path))
}

/// Sets a file's owner and group; of a symlink itself, never of what it points to.
///
/// # Errors
/// As lchown(2).
pub fn chown(path: impl AsRef<Path>, uid: u32, gid: u32) -> Result<()> {
    let path = path.as_ref();
    step("lchown", path)?;
    rustix::fs::chownat(CWD, path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(at("lchown", path))
}

/// Sets access and modification time; of a symlink itself.
///
/// # Errors
/// As utimensat(2).
pub fn set_times(path: impl AsRef<Path>, times: &Timestamps) -> Result<()> {
    let path = path.as_ref();
    step("utimensat", path)?;
    rustix::fs::utimensat(CWD, path, times, AtFlags::SYMLINK_NOFOLLOW).map_err(at("utimensat", path))
}

/// Makes a symlink at `path` that says `target`.
///
/// # Errors
/// As symlink(2); also when something is at `path`.
pub fn symlink(target: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("symlink", path)?;
    rustix::fs::symlink(target.as_ref(), path).map_err(at("symlink", path))
}

/// Makes a hard link at `path` to `existing`.
///
/// # Errors
/// As link(2).
pub fn link(existing: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("link", path)?;
    fs::hard_link(existing, path).map_err(at("link", path))
}

/// What a symlink says.
///
/// # Errors
/// As readlink(2).
pub fn read_link(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    fs::read_link(path).map_err(at("readlink", path))
}

/// Renames; an existing file at `to` is replaced.
///
/// # Errors
/// As rename(2), about `from`.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
    let from = from.as_ref();
    step("rename", from)?;
    fs::rename(from, to.as_ref()).map_err(at("rename", from))
}

/// Removes a file or symlink; one that is not there is fine.
///
/// # Errors
/// As unlink(2).
pub fn remove_file(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("unlink", path)?;
    absent_is_fine(fs::remove_file(path)).map_err(at("unlink", path))
}

/// Removes an empty directory; one that is not there is fine.
///
/// # Errors
/// As rmdir(2).
pub fn remove_dir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("rmdir", path)?;
    absent_is_fine(fs::remove_dir(path)).map_err(at("rmdir", path))
}

pub(crate) fn absent_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The bytes of a file, `None` when there is none.
///
/// # Errors
/// Any other failure to read it.
pub fn read_opt(path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
    let path = path.as_ref();
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at("read", path)(error)),
    }
}

/// A file's metadata (of a symlink itself), `None` when there is none.
///
/// # Errors
/// Any other failure to look.
pub fn stat_opt(path: impl AsRef<Path>) -> Result<Option<Stat>> {
    let path = path.as_ref();
    match rustix::fs::lstat(path) {
        Ok(stat) => Ok(Some(stat)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(errno) => Err(at("lstat", path)(errno)),
    }
}

/// A file's metadata; of what a symlink points to.
///
/// # Errors
/// As stat(2).
pub fn stat(path: impl AsRef<Path>) -> Result<Stat> {
    let path = path.as_ref();
    rustix::fs::stat(path).map_err(at("stat", path))
}

/// Whether the metadata is a directory's.
pub fn is_dir(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// Whether something is at `path` (a dangling symlink counts).
///
/// # Errors
/// Any failure to look but "not there".
pub fn exists(path: impl AsRef<Path>) -> Result<bool> {
    stat_opt(path).map(|stat| stat.is_some())
}

/// The names in a directory, sorted; an absent directory has none.
///
/// # Errors
/// Any other failure to read it.
pub fn list_dir(path: impl AsRef<Path>) -> Result<Vec<OsString>> {
    let path = path.as_ref();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at("readdir", path)(error)),
    };
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(at("readdir", path))?;
    names.sort();
    Ok(names)
}

/// Makes a new file for writing; nothing may be at `path`.
///
/// # Errors
/// When something is there, or it cannot be made.
pub fn create_new(path: impl AsRef<Path>, mode: u32) -> Result<File> {
    let path = path.as_ref();
    step("create", path)?;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(at("create", path))?;
    let changed = step("fchmod", path)
        .and_then(|()| rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(at("fchmod", path)));
    changed.inspect_err(|_| drop(remove_file(path)))?;
    Ok(file)
}

/// A file without a name, for reading and writing, on the file system that holds `dir`. It is
/// gone with the last descriptor. Where the file system cannot make such, one with a name is made
/// and unlinked at once.
///
/// # Errors
/// When `dir` is not there or cannot be written to.
pub fn unnamed_file(dir: impl AsRef<Path>) -> Result<File> {
    let dir = dir.as_ref();
    step("create", dir)?;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(dir, flags, Mode::RUSR | Mode::WUSR) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => {}
        other => return other.map(File::from).map_err(at("create", dir)),
    }
    let path = dir.join(format!("unnamed-{}", u64::from_le_bytes(random())));
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path).map_err(at("create", &path))?;
    remove_file(&path)?;
    Ok(file)
}

/// Writes a new small file, unflushed; nothing may be at `path`.
///
/// # Errors
/// When something is there, or it cannot be written; then there is no half of it.
pub fn write_new(path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> Result<()> {
    let path = path.as_ref();
    let mut file = create_new(path, mode)?;
    let written = step("write", path).and_then(|()| file.write_all(bytes).map_err(at("write", path)));
    written.inspect_err(|_| drop(remove_file(path)))
}

/// Writes a small file in place, unflushed, as Go's `ioutil.WriteFile` does: made with `mode` if
/// absent, cut and rewritten if present.
///
/// # Errors
/// When it cannot be written.
pub fn truncate_write(path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> Result<()> {
    let path = path.as_ref();
    step("open", path)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .map_err(at("open", path))?;
    step("write", path)?;
    file.write_all(bytes).map_err(at("write", path))
}

/// Writes pieces into a file that is there, in place, and makes them durable.
///
/// # Errors
/// When it cannot be opened, written or flushed.
pub fn write_durably_at(path: impl AsRef<Path>, pieces: &[(u64, &[u8])]) -> Result<()> {
    let path = path.as_ref();
    step("open", path)?;
    let file = fs::OpenOptions::new().write(true).open(path).map_err(at("open", path))?;
    for (offset, bytes) in pieces {
        step("pwrite", path)?;
        file.write_all_at(bytes, *offset).map_err(at("pwrite", path))?;
    }
    step("fdatasync", path)?;
    file.sync_data().map_err(at("fdatasync", path))
}

/// Writes a file so that readers and crashes see the old or the new one, never a mixture: a
/// temporary file `.tmp-<name><digits>` beside it (dockerd's name for such), fsync, rename.
///
/// The directory is not flushed; [`fsync_dir`] makes the rename durable.
///
/// # Errors
/// When it cannot be written; the temporary file is then gone.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> Result<()> {
    let path = path.as_ref();
    let temporary = temporary_beside(path);
    let written = (|| {
        let mut file = create_new(&temporary, mode)?;
        step("write", &temporary)?;
        file.write_all(bytes).map_err(at("write", &temporary))?;
        step("fsync", &temporary)?;
        file.sync_all().map_err(at("fsync", &temporary))?;
        rename(&temporary, path)
    })();
    if written.is_err() {
        drop(remove_file(&temporary));
    }
    written
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".tmp-");
    name.push(path.file_name().unwrap_or_default());
    let number: [u8; 4] = random();
    name.push(u32::from_le_bytes(number).to_string());
    path.with_file_name(name)
}

/// Opens a directory, for locks, flushes and calls relative to it.
///
/// # Errors
/// As open(2).
pub fn open_dir(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map(File::from)
        .map_err(at("open", path))
}

/// Makes the names in a directory durable.
///
/// # Errors
/// As fsync(2).
pub fn fsync_dir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("fsync", path)?;
    open_dir(path)?.sync_all().map_err(at("fsync", path))
}

/// Makes the names in several directories of one file system durable. Where one log takes all
/// changes in their order ([`has_one_log`]), flushing the directory that changed last flushes what
/// changed before it too: that is the last of these.
///
/// # Errors
/// As statfs(2) and fsync(2).
pub fn fsync_dirs(dirs: &[PathBuf]) -> Result<()> {
    let Some(last) = dirs.last() else { return Ok(()) };
    let needed = if has_one_log(last)? { &dirs[dirs.len() - 1..] } else { dirs };
    needed.iter().try_for_each(fsync_dir)
}

/// Whether a file system writes all changes of names to one log, in their order: ext4 and xfs do.
///
/// # Errors
/// As statfs(2).
pub fn has_one_log(path: impl AsRef<Path>) -> Result<bool> {
    const EXT4: u64 = 0xef53;
    const XFS: u64 = 0x5846_5342;
    Ok([EXT4, XFS].contains(&crate::file_system(path)?))
}

/// Makes everything durable that was written to the file system that holds `path`.
///
/// # Errors
/// As syncfs(2), which also reports write-back errors since the open.
pub fn syncfs(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    step("syncfs", path)?;
    rustix::fs::syncfs(open_dir(path)?).map_err(at("syncfs", path))
}

/// Random bytes from the kernel.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())
            .expect("getrandom fails only on kernels before 3.17");
    }
    bytes
}

/// A directory in the making: removed when dropped, unless kept.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    kept: bool,
}

impl Draft {
    /// Makes the directory, with this mode.
    ///
    /// # Errors
    /// When it exists, or cannot be made.
    pub fn new(path: impl Into<PathBuf>, mode: u32) -> Result<Self> {
        let path = path.into();
        create_dir(&path, mode)?;
        Ok(Self { path, kept: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It is whole: leave it there.
    pub fn keep(mut self) {
        self.kept = true;
    }

    /// It is whole: move it to its place in one rename.
    ///
    /// # Errors
    /// As rename(2); it is then removed.
    pub fn publish(mut self, to: impl AsRef<Path>) -> Result<()> {
        rename(&self.path, to)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // The error that brought us here is the one to tell.
            drop(crate::remove_tree(&self.path));
        }
    }
}

/// A file in the making beside its place: removed when dropped, unless published.
#[derive(Debug)]
pub struct DraftFile {
    file: File,
    temporary: PathBuf,
    place: PathBuf,
    published: bool,
}

impl DraftFile {
    /// Makes the temporary file for one that shall stand at `place`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn beside(place: impl Into<PathBuf>, mode: u32) -> Result<Self> {
        let place = place.into();
        let temporary = temporary_beside(&place);
        Ok(Self { file: create_new(&temporary, mode)?, temporary, place, published: false })
    }

    /// Where to write.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// It is whole: flush it and put it in its place, over what is there.
    ///
    /// # Errors
    /// As fsync(2) and rename(2); it is then removed.
    pub fn publish(mut self) -> Result<()> {
        self.file.sync_all().map_err(at("fsync", &self.temporary))?;
        rename(&self.temporary, &self.place)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for DraftFile {
    fn drop(&mut self) {
        if !self.published {
            // The error that brought us here is the one to tell.
            drop(remove_file(&self.temporary));
        }
    }
}

/// Whether a name is one of our or dockerd's left-over temporary files.
pub fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.as_bytes().starts_with(b".tmp-")
}
