//! What belongs to one thread only.

use std::path::Path;

use rustix::mount::{MountPropagationFlags, mount_change};

use crate::error::{Error, Result, at};

/// Gives the calling thread a working directory (and root, and umask) of its own.
///
/// # Errors
/// As unshare(2).
pub(crate) fn unshare_working_directory() -> Result<()> {
    unshare(libc::CLONE_FS, "CLONE_FS")
}

/// Runs `work` on a thread that has mounts of its own: what it mounts nobody else sees, and is
/// gone when it is done, or dead.
///
/// # Errors
/// As unshare(2), which needs to be root.
pub fn in_private_mounts<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    let there = || {
        unshare(libc::CLONE_FS | libc::CLONE_NEWNS, "CLONE_NEWNS")?;
        let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change("/", flags).map_err(at("mount --make-rslave", Path::new("/")))?;
        Ok(work())
    };
    std::thread::scope(|scope| scope.spawn(there).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs `work` on a thread that is in a network namespace of its own, which is gone when nobody is in it
/// or has mounted it.
///
/// # Errors
/// As unshare(2), which needs to be root.
pub(crate) fn in_new_network<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    let there = || {
        unshare(libc::CLONE_NEWNET, "CLONE_NEWNET")?;
        Ok(work())
    };
    std::thread::scope(|scope| scope.spawn(there).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn unshare(flags: libc::c_int, named: &str) -> Result<()> {
    // SAFETY: CLONE_FS, CLONE_NEWNS and CLONE_NEWNET change only the calling thread's view of files and
    // of the network: its directory, root, umask, mounts and devices; no memory is shared differently.
    let done = unsafe { libc::unshare(flags) };
    if done == 0 { Ok(()) } else { Err(Error::new("unshare", named, std::io::Error::last_os_error())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_in_private_is_seen_by_nobody_else() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let inside = home.path().join("inside");
        in_private_mounts(|| {
            crate::mount_string("tmpfs", home.path(), "tmpfs", rustix::mount::MountFlags::empty(), "").expect("mount");
            crate::write_new(&inside, b"", 0o644).expect("write");
        })
        .expect("root may have mounts of its own");
        assert!(!inside.exists());
    }
}
