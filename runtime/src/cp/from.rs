//! From a container: to a path of the host, or as an archive to a stream.
//!
//! docker/cli 20.10, container/cp.go `copyFromContainer`; moby 20.10, daemon/archive.go
//! `containerArchivePath`.

use std::io::{BufWriter, Write};

use archive::{Owners, PackError, Picked, WriteError};
use base::gopath;

use super::{
    error::{ClientError, CopyError, Refusal},
    files::{self, Files},
    host::{self, End},
    names,
    pour::{Spilt, pour},
};
use crate::home::Home;

/// What to copy out of a container.
#[derive(Debug, Clone)]
pub struct CopyFrom {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// In the container.
    pub path: Vec<u8>,
    /// `-L`: what a link leads to, not the link.
    pub follow: bool,
}

/// Where to copy something to.
pub enum CopyTarget<'a> {
    /// A path of the host.
    Path(Vec<u8>),
    /// An archive goes there.
    Stream(&'a mut (dyn Write + Send)),
}

/// Copies a file or directory out of a container.
///
/// # Errors
/// [`CopyError`]. What was copied until then stays, as with docker.
pub fn copy_from(home: &Home, from: &CopyFrom, to: CopyTarget<'_>) -> Result<(), CopyError> {
    let to = match to {
        CopyTarget::Path(path) => {
            let path = host::absolute(&path)?;
            host::check_output(&path)?;
            // What is wrong with it is said when the other end is found.
            To::Host(host::Target::find(&path))
        }
        CopyTarget::Stream(out) => To::Stream(out),
    };
    if from.path.is_empty() {
        return Err(CopyError::Engine(Refusal::NoPath));
    }
    files::with(home, &from.container, false, |files| {
        let about = |refusal| CopyError::about(&from.container, &from.path, refusal);
        let files = files.map_err(about)?;
        let (path, name) = if from.follow { link_followed(files, &from.path) } else { (from.path.clone(), Vec::new()) };
        let source = Source::find(files, &path).map_err(|refusal| CopyError::about(&from.container, &path, refusal))?;
        match to {
            To::Stream(out) => source.write(files, out).map_err(unwritten),
            To::Host(to) => source.place(files, &End { path, exists: true, is_dir: source.is_dir, name }, to?),
        }
    })
}

fn unwritten(error: PackError) -> CopyError {
    match error {
        PackError::Write(WriteError::Write(error)) => CopyError::Output(error),
        error => CopyError::Engine(error.into()),
    }
}

enum To<'a> {
    Host(Result<host::Target, ClientError>),
    Stream(&'a mut (dyn Write + Send)),
}

/// What a link leads to, and the link's name. What is no link, or not there, is left as it is.
fn link_followed(files: &Files, path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match files.look(path).ok().and_then(|found| found.target) {
        Some(target) => names::renamed(path, target),
        None => (path.to_vec(), Vec::new()),
    }
}

/// What is copied: its directory held open, so that it stays the one that was found.
struct Source {
    dir: sys::Dir,
    /// Its name in that; `None` for the directory itself.
    entry: Option<Vec<u8>>,
    /// The name it gets in the archive.
    name: Vec<u8>,
    is_dir: bool,
}

impl Source {
    fn find(files: &Files, path: &[u8]) -> Result<Self, Refusal> {
        let found = files.look(path)?;
        let (place, whole) = files.place(path)?;
        let name = match names::base(&whole) {
            // What lies in the root has no other name.
            b"/" => Vec::new(),
            name => name.to_vec(),
        };
        if found.is_dir() {
            let place = gopath::in_root(&place);
            let (above, base) = gopath::split(&place);
            // Not a link that is there by now.
            let dir = match base {
                b"" => files.root.below(b"")?,
                _ => files.root.below(above)?.sub(base)?,
            };
            return Ok(Self { dir, entry: None, name, is_dir: true });
        }
        let (above, base) = gopath::split(&place);
        Ok(Self { dir: files.root.below(above)?, entry: Some(base.to_vec()), name, is_dir: false })
    }

    fn pack(&self, files: &Files, out: &mut dyn Write) -> Result<(), PackError> {
        let picked = self.entry.as_deref().map_or(Picked::Itself, Picked::Named);
        // dockerd asks for owners' names in the container's root.
        archive::pack_resource(&self.dir, picked, &self.name, &Owners::of(&files.root), out)
    }

    fn write(&self, files: &Files, out: &mut dyn Write) -> Result<(), PackError> {
        let mut out = BufWriter::with_capacity(256 << 10, out);
        self.pack(files, &mut out)?;
        out.flush().map_err(|error| WriteError::Write(error).into())
    }

    /// Puts it down on the host (moby 20.10, pkg/archive `CopyTo`).
    fn place(&self, files: &Files, from: &End, to: host::Target) -> Result<(), CopyError> {
        let (_, renaming) = host::plan(from, &to.end)?;
        let own_name = (!from.name.is_empty()).then(|| (names::entry(&from.path).1, from.name.clone()));
        let renamings: Vec<_> = own_name.into_iter().chain(renaming).collect();
        pour(|out| self.pack(files, out), &renamings, to.unpacker()).map_err(|spilt| match spilt.words() {
            Ok(words) => ClientError::Tar(words).into(),
            Err(error) => CopyError::Engine(error.into()),
        })
    }
}

impl From<Spilt> for ClientError {
    fn from(spilt: Spilt) -> Self {
        spilt.words().map_or_else(Self::Pack, Self::Tar)
    }
}
