//! flock(2) locks: they vanish with their process and leave nothing behind.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use crate::error::{Result, at};

/// A lock, held until dropped. The descriptor can be handed to a child, which then holds it too.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// The descriptor that carries the lock.
    pub fn file(&self) -> &File {
        &self.0
    }

    /// The descriptor that carries the lock, to pass on.
    pub fn into_file(self) -> File {
        self.0
    }
}

/// Takes the file's lock beside other sharers. `None` when somebody holds it alone.
///
/// # Errors
/// Any other failure of flock(2); `path` only names the file.
pub fn try_shared(file: File, path: &Path) -> Result<Option<Lock>> {
    outcome(file.try_lock_shared(), file, path)
}

/// Takes the file's lock alone. `None` when somebody else holds it.
///
/// # Errors
/// Any other failure of flock(2); `path` only names the file.
pub fn try_exclusive(file: File, path: &Path) -> Result<Option<Lock>> {
    outcome(file.try_lock(), file, path)
}

fn outcome(taken: std::result::Result<(), TryLockError>, file: File, path: &Path) -> Result<Option<Lock>> {
    match taken {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(at("flock", path)(error)),
    }
}

/// Waits until the lock can be held alone.
///
/// # Errors
/// Any failure of flock(2).
pub fn wait_exclusive(file: File, path: &Path) -> Result<Lock> {
    file.lock().map_err(at("flock", path))?;
    Ok(Lock(file))
}

/// Waits until the lock can be shared.
///
/// # Errors
/// Any failure of flock(2).
pub fn wait_shared(file: File, path: &Path) -> Result<Lock> {
    file.lock_shared().map_err(at("flock", path))?;
    Ok(Lock(file))
}
