//! Between two runs: a container that its policy starts again is waited with, and may be stopped.

use std::{
    ffi::CString,
    os::{fd::BorrowedFd, unix::ffi::OsStrExt as _},
    path::Path,
    time::{Duration, Instant},
};

use rustix::io::FdFlags;

use super::{Shim, ShimError, complain};
use crate::{
    policy::{Policy, Rule},
    shim::{AGAIN, state::RESTING},
};

impl Shim {
    /// How long to wait before the next run, if there is to be one; it is written down then.
    pub(super) fn wait_before_restart(&mut self, exit_code: i32) -> Option<Duration> {
        let ran = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let policy = self.plan.restart.as_mut().filter(|_| !self.stays_down)?;
        let wait = policy.next(i64::from(exit_code), self.stopped_by_user, ran)?;
        let bytes = serde_json::to_vec(policy).expect("our own type has only text keys");
        // Before how it ended is: who sees that sees this, too.
        complain(sys::truncate_write(self.dir.join(RESTING), &bytes, 0o600)).then_some(wait)
    }

    /// A user wants it to stop, or does not want it to be started again.
    pub(super) fn mark_stopped(&mut self, for_good: bool) {
        self.stopped_by_user = true;
        self.stays_down |= for_good;
        if for_good && let Some((_, record)) = self.rest {
            self.finish(record, true);
        }
    }

    /// Another policy from the next end on; how far the old one had got counts (moby 20.10,
    /// restartmanager.go `SetPolicy`).
    pub(super) fn set_restart(&mut self, rule: Rule) {
        let before = self.plan.restart.unwrap_or(Policy { rule, count: 0, waited: 0 });
        self.plan.restart = Some(Policy { rule, ..before });
    }

    pub(super) fn has_rested(&self) -> bool {
        self.rest.is_some_and(|(until, _)| Instant::now() >= until)
    }
}

/// Becomes the program that starts the container again, with these descriptors, and so with the
/// locks that are on them. Returns only what went wrong.
pub(super) fn begin_again(dir: &Path, data_root: &Path, keep: &[BorrowedFd<'_>]) -> ShimError {
    if let Err(errno) = keep.iter().try_for_each(|fd| rustix::io::fcntl_setfd(fd, FdFlags::empty())) {
        return std::io::Error::from(errno).into();
    }
    let word = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    let [dir, data_root] = [dir, data_root].map(|path| word(path.as_os_str().as_bytes()));
    let args = [word(b"minidock"), word(b"shim"), dir, data_root, word(AGAIN.as_bytes())];
    // By this name also a program that lies on no path any more.
    sys::process::execve(c"/proc/self/exe", &args, &[]).into()
}
