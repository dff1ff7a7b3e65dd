//! To a container: a path of the host, or an archive from a stream.
//!
//! docker/cli 20.10, container/cp.go `copyToContainer`; moby 20.10, daemon/archive.go
//! `containerExtractToDir`.

use std::io::Read;

use archive::{Copying, Ownership, Unpacker};
use base::gopath;

use super::{
    error::{ClientError, CopyError, Refusal},
    files::{self, Files},
    host::{self, End},
    pour::{Spilt, pour, unpack},
    resolve::from_root,
};
use crate::home::Home;

/// Where to in a container to copy something, and how.
#[derive(Debug, Clone)]
pub struct CopyTo {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// In the container.
    pub path: Vec<u8>,
    /// `-L`: what a link of the host leads to, not the link.
    pub follow: bool,
    /// `-a`: it will be the container's user's.
    pub archive: bool,
}

/// What to copy.
pub enum CopySource<'a> {
    /// A path of the host.
    Path(Vec<u8>),
    /// An archive comes from there, gzipped or not.
    Stream(&'a mut (dyn Read + Send)),
}

/// Copies a file or directory into a container.
///
/// # Errors
/// [`CopyError`]. What was copied until then stays, as with docker.
pub fn copy_to(home: &Home, from: CopySource<'_>, to: &CopyTo) -> Result<(), CopyError> {
    let from = match from {
        // What is wrong with it is said when the other end is found.
        CopySource::Path(path) => Given::Host(host::Source::find(&host::absolute(&path)?, to.follow)),
        CopySource::Stream(stream) => Given::Stream(stream),
    };
    files::with(home, &to.container, true, |files| {
        // Who cannot be looked at refuses when it comes to it: what is wrong here is said first.
        let end = destination(files.as_ref().ok().copied(), to)?;
        match from {
            Given::Stream(stream) => {
                if !end.is_dir {
                    let path = String::from_utf8_lossy(&to.path).into_owned();
                    return Err(ClientError::NotDirectory { container: to.container.clone(), path }.into());
                }
                let about = |refusal| CopyError::about(&to.container, &end.path, refusal);
                let put = |unpacker| {
                    let stream = images::inflate(stream).map_err(|error| Refusal::Tar(error.to_string()))??;
                    unpack(stream, &[], unpacker).map_err(Into::into)
                };
                files.and_then(|files| extract(files, &end.path, to.archive, put)).map_err(about)
            }
            Given::Host(source) => {
                let source = source?;
                let (dir, renaming) = host::plan(&source.end, &end)?;
                let renamings: Vec<_> = renaming.into_iter().collect();
                let put = |unpacker| Ok(pour(|out| source.pack(out), &renamings, unpacker)?);
                let extracted = files.and_then(|files| extract(files, &dir, to.archive, put));
                extracted.map_err(|refusal| CopyError::about(&to.container, &dir, refusal))
            }
        }
    })
}

enum Given<'a> {
    Host(Result<host::Source, ClientError>),
    Stream(&'a mut (dyn Read + Send)),
}

/// What is at the destination, a link to it followed.
fn destination(files: Option<&Files>, to: &CopyTo) -> Result<End, ClientError> {
    let look = |path: &[u8]| files.and_then(|files| files.look(path).ok());
    let mut end = End { path: to.path.clone(), ..End::default() };
    let mut found = look(&end.path);
    if let Some(target) = found.as_ref().and_then(|found| found.target.clone()) {
        found = look(&target);
        end.path = target;
    }
    let Some(found) = found else { return Ok(end) };
    if found.is_device() {
        let path = String::from_utf8_lossy(&to.path).into_owned();
        return Err(ClientError::Device { container: to.container.clone(), path });
    }
    Ok(End { exists: true, is_dir: found.is_dir(), ..end })
}

/// Lets `put` unpack in a directory of the container, if that may be written to; what it has put
/// there is durable afterwards.
fn extract(
    files: &Files,
    path: &[u8],
    archive: bool,
    put: impl FnOnce(Unpacker) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if path.is_empty() {
        return Err(Refusal::NoPath);
    }
    let dest = files.resolve(&from_root(path))?;
    let stat = files.lstat(&dest)?.ok_or(Refusal::NotThere)?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::Directory {
        return Err(Refusal::NotDirectory);
    }
    if !in_volume(files, &dest)? && files.container.host_config.readonly_rootfs {
        return Err(Refusal::ReadOnlyRoot);
    }
    let ownership = if archive { user(&files.container.record.config.user)? } else { Ownership::Archive };
    let place = files.root.below(&dest)?;
    let unpacker =
        Unpacker::copying(files.root.below(b"")?, Copying { dest, root: b"/".to_vec(), is_link: false, ownership });
    put(unpacker)?;
    for dir in [&files.root, &place] {
        dir.sync_file_system()?;
    }
    Ok(())
}

/// Whether a directory is in a volume; if so, one that may be written to (moby 20.10,
/// archive_unix.go `checkIfPathIsInAVolume`).
fn in_volume(files: &Files, dest: &[u8]) -> Result<bool, Refusal> {
    let is_in = |destination: &str| {
        let above = gopath::in_root(destination.as_bytes());
        above.is_empty() || dest.strip_prefix(&above[..]).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    };
    let mut around = files.container.record.mounts().filter(|point| is_in(&point.destination)).peekable();
    let is_volume = around.peek().is_some();
    if around.any(|point| !point.rw) { Err(Refusal::ReadOnlyVolume) } else { Ok(is_volume) }
}

/// The container's user as the host has it (moby 20.10, daemon/archive_tarcopyoptions_unix.go,
/// which asks the host, not the container).
fn user(name: &str) -> Result<Ownership, Refusal> {
    if name.is_empty() {
        return Ok(Ownership::Archive);
    }
    let text = std::fs::read("/etc/passwd").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let fields = |line: &str| -> Option<(String, u32, u32)> {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        Some((name.to_owned(), uid.parse().ok()?, gid.parse().ok()?))
    };
    let users: Vec<_> = text.lines().filter_map(fields).collect();
    let named = users.iter().find(|(known, ..)| known == name);
    let numbered = || users.iter().find(|(_, uid, _)| name.parse() == Ok(*uid));
    match named.or_else(numbered) {
        Some((_, uid, gid)) => Ok(Ownership::Of(*uid, *gid)),
        None => Err(Refusal::NoUser(name.to_owned())),
    }
}

impl From<Spilt> for Refusal {
    fn from(spilt: Spilt) -> Self {
        spilt.words().map_or_else(Self::Pack, Self::Tar)
    }
}
