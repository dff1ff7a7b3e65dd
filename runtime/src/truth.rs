//! What a container's state really is: its record, corrected by who lives.
//!
//! A record says `Running` from the start on, and the shim that keeps the container running says
//! otherwise at its end. After a crash of the shim or the machine it still says so; commands that
//! only read show the truth without writing it, and the next command that writes settles it
//! (`recover`).

use std::collections::BTreeSet;

use base::{ContainerId, Time};
use containers::{Container, State};

use crate::{
    cgroup::{Cgroup, hierarchies},
    health,
    home::Home,
    shim::{self, State as Kept},
};

/// The exit code of a container whose end nobody saw: whatever ended it, it was not its own will.
pub(crate) const UNSEEN: i64 = 137;

/// The containers that have something in the exec root: running ones, and those whose shim died.
///
/// # Errors
/// When the exec root is there and cannot be read.
pub(crate) fn in_exec_root(home: &Home) -> sys::Result<BTreeSet<ContainerId>> {
    let names = sys::list_dir(home.exec_root())?;
    Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Who keeps a container running that has no shim of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// Somebody else: its process lives in its own cgroup.
    Other,
    /// Nobody.
    None,
}

/// Who keeps a container running that has this state on record.
pub(crate) fn keeper(id: &ContainerId, state: &State) -> Keeper {
    if !state.running || state.pid <= 0 {
        return Keeper::None;
    }
    let cgroups = std::fs::read_to_string(format!("/proc/{}/cgroup", state.pid)).unwrap_or_default();
    // Another process may have its number by now: a container's own says so in its cgroup. One that
    // has ended says so too, until somebody takes note.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", state.pid)).unwrap_or_default();
    let ended = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']));
    if cgroups.contains(id.as_str()) && !ended { Keeper::Other } else { Keeper::None }
}

/// The control group of a container that runs, whoever keeps it.
pub(crate) fn group(home: &Home, container: &Container) -> Option<Cgroup> {
    shim::group(&home.run_dir(&container.id)).or_else(|| {
        let pid = container.record.state.pid;
        Cgroup::of_process(pid, &container.id, &hierarchies().ok()?)
    })
}

/// Corrects a container's state, in memory only.
pub(crate) fn correct(home: &Home, container: &mut Container) {
    let dir = home.run_dir(&container.id);
    health::take_over(&mut container.record, &dir);
    let state = &mut container.record.state;
    let lost = |state: &mut State| {
        if state.running {
            state.set_stopped(UNSEEN, false, Time::now());
        }
    };
    match shim::state(&dir).unwrap_or(Kept::Absent) {
        Kept::Running(running) if !state.running || state.restarting => {
            state.set_running(i64::from(running.pid), running.started_at);
        }
        Kept::Running(_) | Kept::Starting => {}
        Kept::Restarting(exit) => {
            state.set_stopped(i64::from(exit.exit_code), exit.oom_killed, exit.finished_at);
            state.set_restarting();
        }
        Kept::Exited { exit, .. } if state.running => {
            state.set_stopped(i64::from(exit.exit_code), exit.oom_killed, exit.finished_at);
        }
        Kept::Exited { .. } => {}
        // The kernel kills the container with its shim.
        Kept::ShimLost { .. } => lost(state),
        Kept::Absent if keeper(&container.id, state) == Keeper::None => lost(state),
        Kept::Absent => {}
    }
}
