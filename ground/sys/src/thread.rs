//! What belongs to one thread only.

use crate::error::{Error, Result};

/// Gives the calling thread a working directory (and root, and umask) of its own.
///
/// # Errors
/// As unshare(2).
pub(crate) fn unshare_working_directory() -> Result<()> {
    // SAFETY: unshare(CLONE_FS) changes only the calling thread's view of its own directory,
    // root and umask; no memory is shared differently.
    let done = unsafe { libc::unshare(libc::CLONE_FS) };
    if done == 0 { Ok(()) } else { Err(Error::new("unshare", "CLONE_FS", std::io::Error::last_os_error())) }
}
