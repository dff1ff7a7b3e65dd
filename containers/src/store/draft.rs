//! A container in the making: a directory beside the others, which one rename makes a container.

use std::path::{Path, PathBuf};

use base::ContainerId;

use super::{Containers, HOST_CONFIG, Names, PublishError, RECORD};
use crate::{HostConfig, Record};

/// Where the names of directories begin that are no containers.
const TEMPORARY: &str = ".tmp-";

/// A container in the making, `containers/.tmp-<id>`. It is removed when dropped unpublished, and
/// by [`Containers::sweep`] when its process died.
///
/// unlike moby, which fills the container's own directory file by file, so that a crash leaves one
/// without a record that nobody removes.
#[derive(Debug)]
pub struct Draft<'a> {
    containers: &'a Containers,
    id: ContainerId,
    dir: sys::Draft,
    _alive: sys::Lock,
}

impl Containers {
    /// Begins a container. First clears away what died in the making or going.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub fn draft(&self, id: &ContainerId) -> sys::Result<Draft<'_>> {
        // So that nobody sweeps it between its making and its lock.
        let _names = self.lock_names()?;
        // What cannot be cleared away (mounted below, say) is in nobody's way.
        drop(self.sweep_locked());
        let dir = sys::Draft::new(self.dir.join(format!("{TEMPORARY}{id}")), 0o710)?;
        let alive = sys::wait_exclusive(sys::open_dir(dir.path())?, dir.path())?;
        sys::create_dir(dir.path().join("checkpoints"), 0o700)?;
        Ok(Draft { containers: self, id: id.clone(), dir, _alive: alive })
    }

    /// Removes what died in the making or going. For writers.
    ///
    /// # Errors
    /// When something cannot be removed: the first such; the rest is removed all the same.
    pub fn sweep(&self) -> sys::Result<()> {
        let _names = self.lock_names()?;
        self.sweep_locked()
    }

    fn sweep_locked(&self) -> sys::Result<()> {
        let names = sys::list_dir(&self.dir)?;
        let dead = names.iter().filter(|name| sys::is_temporary(name)).map(|name| self.dir.join(name));
        dead.map(|path| sweep_one(&path)).fold(Ok(()), Result::and)
    }

    /// Takes a container away in one step, then removes what it consisted of. One flush. Nothing
    /// may be mounted below its directory. The caller may hold its lock.
    ///
    /// # Errors
    /// When it is not there or cannot be taken away; what cannot be removed afterwards is swept
    /// by the next writer.
    pub fn remove(&self, id: &ContainerId) -> sys::Result<()> {
        self.take_away(id)?.finish()
    }

    /// The first half of [`Containers::remove`]: nobody sees the container any more, and its
    /// directory, now `.tmp-<id>`, remembers what else of it is still to be removed. One flush.
    /// A caller who holds the container's lock keeps it until that is done.
    ///
    /// # Errors
    /// When it is not there or cannot be taken away.
    pub fn take_away(&self, id: &ContainerId) -> sys::Result<Gone> {
        let path = self.dir_of(id);
        let gone = self.dir.join(format!("{TEMPORARY}{id}"));
        let alive = {
            let _names = self.lock_names()?;
            let dir = sys::open_dir(&path)?;
            sys::rename(&path, &gone)?;
            // Keeps sweepers away, as the caller's own lock would, which makes this one fail.
            sys::try_shared(dir, &gone)?
        };
        sys::fsync_dir(&self.dir)?;
        Ok(Gone { path: gone, _alive: alive })
    }
}

/// A container that was taken away. Dropped before it is finished, it is left to the next writer.
#[derive(Debug)]
pub struct Gone {
    path: PathBuf,
    _alive: Option<sys::Lock>,
}

impl Gone {
    /// Removes what it consisted of.
    ///
    /// # Errors
    /// The first thing that could not be removed.
    pub fn finish(self) -> sys::Result<()> {
        sys::remove_tree(&self.path)
    }
}

/// Removes a directory unless a process holds it; a file is none of ours.
fn sweep_one(path: &Path) -> sys::Result<()> {
    let Ok(dir) = sys::open_dir(path) else { return Ok(()) };
    match sys::try_exclusive(dir, path)? {
        Some(_dead) => sys::remove_tree(path),
        None => Ok(()),
    }
}

impl Draft<'_> {
    /// The directory, for further files. Paths in the record must speak of
    /// [`Containers::dir_of`], where it will be.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The container's id.
    pub fn id(&self) -> &ContainerId {
        &self.id
    }

    /// Makes it a container: writes both files, flushes *everything* written to this file system
    /// so far (the caller's layers too, so they come before), renames, and makes the rename
    /// durable: two flushes. `names` shows that the record's name is the caller's to give.
    ///
    /// # Errors
    /// [`PublishError`]; the draft is then removed.
    pub fn publish(self, _names: &Names<'_>, record: &Record, host_config: &HostConfig) -> Result<(), PublishError> {
        record.fit_to_write()?;
        let dir = self.dir.path();
        sys::write_new(dir.join(HOST_CONFIG), &host_config.to_bytes(), 0o644)?;
        sys::write_new(dir.join(RECORD), &record.to_bytes(), 0o600)?;
        sys::syncfs(dir)?;
        let (draft, there) = (dir.to_owned(), self.containers.dir_of(&self.id));
        self.dir.publish(&there)?;
        sys::fsync_dir(&self.containers.dir).map_err(|error| {
            // Nobody may find what was never acknowledged.
            if sys::rename(&there, &draft).is_ok() {
                drop(sys::remove_tree(&draft));
            }
            error.into()
        })
    }
}
