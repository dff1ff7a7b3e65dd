//! Changing a container that is there: its files by dockerd's scheme, one process at a time.

use std::os::unix::fs::MetadataExt;

use base::ContainerId;

use super::{Containers, HOST_CONFIG, LoadError, RECORD};
use crate::{HostConfig, Record};

/// The right to change one container: no other process does while this is held. It ends with the
/// process.
#[derive(Debug)]
pub struct Locked(sys::Lock);

impl Locked {
    /// The lock itself, to hand to a child.
    pub fn into_inner(self) -> sys::Lock {
        self.0
    }
}

impl Containers {
    /// Waits for the right to change this container.
    ///
    /// # Errors
    /// [`LoadError::NotFound`] when it is not there, or was removed meanwhile.
    pub fn lock(&self, id: &ContainerId) -> Result<Locked, LoadError> {
        let path = self.dir_of(id);
        let gone = || LoadError::NotFound(id.to_string());
        let dir = sys::open_dir(&path).map_err(|error| if error.is_not_found() { gone() } else { error.into() })?;
        let lock = sys::wait_exclusive(dir, &path)?;
        let held = lock.file().metadata().map_err(|error| sys::Error::new("fstat", &path, error))?;
        match sys::stat_opt(&path)? {
            Some(there) if there.st_ino == held.ino() => Ok(Locked(lock)),
            _ => Err(gone()),
        }
    }

    /// Saves both files and makes them durable: three flushes, two when the host config is as it
    /// was.
    ///
    /// moby 20.10, container.go `CheckpointTo`: the host config first, the record last, each
    /// through a temporary file.
    ///
    /// # Errors
    /// When a file cannot be written; it is then as it was.
    pub fn save(&self, id: &ContainerId, record: &Record, host_config: &HostConfig) -> sys::Result<()> {
        let path = self.dir_of(id).join(HOST_CONFIG);
        let bytes = host_config.to_bytes();
        if sys::read_opt(&path)?.as_deref() != Some(&bytes[..]) {
            sys::write_atomic(&path, &bytes, 0o644)?;
        }
        self.save_record(id, record)?;
        sys::fsync_dir(self.dir_of(id))
    }

    /// Saves the record, for changes of state: one flush. After a power cut it may be the one
    /// before, never a torn one.
    ///
    /// # Errors
    /// When it cannot be written; it is then as it was.
    pub fn save_record(&self, id: &ContainerId, record: &Record) -> sys::Result<()> {
        sys::write_atomic(self.dir_of(id).join(RECORD), &record.to_bytes(), 0o600)
    }
}
