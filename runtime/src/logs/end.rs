//! When nothing more will be written to a log: the container has ended, and its output is all there.

use std::{
    ffi::OsStr,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use base::ContainerId;
use containers::Container;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::{
    home::Home,
    shim::{ConnectError, Connection},
    truth::{self, Keeper},
};

/// How long a dockerd may take to write down an end that we have seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The end of a container that runs.
pub(super) struct End {
    /// Readable when our shim has put everything away, or when dockerd's container has ended.
    told: OwnedFd,
    theirs: Option<Theirs>,
}

/// A container that a dockerd keeps: its process ends before the last of its output is written.
struct Theirs {
    container: ContainerId,
    /// Until when dockerd may say so itself, once the process is gone.
    deadline: Option<Instant>,
}

impl End {
    /// `None` for a container that does not run, or not any more.
    pub fn of(home: &Home, container: &Container) -> Result<Option<Self>, ConnectError> {
        let state = &container.record.state;
        // Between two lives it has no log that could be followed, with dockerd too.
        if !state.running || state.restarting {
            return Ok(None);
        }
        let dir = home.run_dir(&container.id);
        if truth::keeper(&container.id, state) == Keeper::Other && !dir.is_dir() {
            let pid = i32::try_from(state.pid).ok().and_then(Pid::from_raw);
            let process = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
            let theirs = || Some(Theirs { container: container.id.clone(), deadline: None });
            return Ok(process.map(|told| Self { told, theirs: theirs() }));
        }
        match Connection::open(&dir).and_then(Connection::into_end) {
            Ok(told) => Ok(Some(Self { told, theirs: None })),
            Err(ConnectError::Gone(_) | ConnectError::Lost) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is to be polled, as long as it tells anything new.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        let seen = self.theirs.as_ref().is_some_and(|theirs| theirs.deadline.is_some());
        (!seen).then(|| self.told.as_fd())
    }

    /// How long to wait for something else.
    pub fn timeout(&self) -> Option<Duration> {
        let deadline = self.theirs.as_ref()?.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether all is written. `told`: the source was readable.
    pub fn has_come(&mut self, home: &Home, told: bool) -> bool {
        let Some(theirs) = &mut self.theirs else { return told };
        // moby 20.10, monitor.go `handleContainerExit`: the log is closed first, the record follows.
        if home.containers().load_record(&theirs.container).is_ok_and(|record| !record.state.running) {
            return true;
        }
        if told {
            let patience = if home.live_dockerd().unwrap_or(false) { PATIENCE } else { Duration::ZERO };
            theirs.deadline = Some(Instant::now() + patience);
        }
        theirs.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The file that dockerd writes in a container's directory when it has ended.
pub(super) fn is_record(name: &OsStr) -> bool {
    name == "config.v2.json"
}
