//! A directory of one's own for a data root, sockets and loop images, with somebody to clear it up.
//!
//! The clearing is done by `keeper.sh`, which waits for the end of its stdin: so the room is cleared, its processes
//! ended and its mounts undone also when the test panics or is killed. Paths stay short, for unix sockets.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::oracle::{note, repository};

/// A fresh directory, removed with all that happens in it.
#[derive(Debug)]
pub struct Room {
    path: PathBuf,
    keeper: Child,
}

impl Room {
    /// Makes one under `$MINIDOCK_ROOMS`, else `/var/tmp`, which unlike `/tmp` is a disk.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let rooms = std::env::var_os("MINIDOCK_ROOMS").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
        let path = rooms.join(format!("md{}.{number}", std::process::id()));
        DirBuilder::new().mode(0o755).create(&path).unwrap_or_else(|error| panic!("mkdir {}: {error}", path.display()));
        let mut keeper = Command::new("sh");
        keeper.arg(repository().join("integration/keeper.sh")).arg(&path);
        if std::env::var_os("MINIDOCK_KEEP").is_some() {
            note(&format!("{} stays", path.display()));
            keeper.arg("keep");
        }
        let keeper = keeper.stdin(Stdio::piped()).process_group(0).spawn().expect("sh runs");
        let room = Self { path, keeper };
        room.leave_overlay();
        room
    }

    /// Its path; nothing in it is a symlink.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// overlay does not stack its upper directory on overlay, as in a container of a CI: a tmpfs does.
    fn leave_overlay(&self) {
        const OVERLAYFS: rustix::fs::FsWord = 0x794c_7630;
        let kind = rustix::fs::statfs(&self.path).map(|found| found.f_type);
        if kind == Ok(OVERLAYFS) {
            let mounted = Command::new("mount").args(["-t", "tmpfs", "room"]).arg(&self.path).status();
            assert!(mounted.is_ok_and(|status| status.success()), "tmpfs on {}", self.path.display());
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if self.keeper.wait().is_err()
            || (fs::metadata(&self.path).is_ok() && std::env::var_os("MINIDOCK_KEEP").is_none())
        {
            note(&format!("{} could not be cleared", self.path.display()));
        }
    }
}
