//! Putting everything away when the container has ended, in an order that can be taken up again:
//! how it ended is written down first, the directory that says so goes last.

use std::path::Path;

use base::{ContainerId, Time};

use super::{
    StartError,
    plan::Plan,
    state::{EXIT, ExitRecord},
};
use crate::cgroup::{Cgroup, hierarchies};

/// What became of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It ran, and ended so.
    Exited(ExitRecord),
    /// The same, and it will be started again.
    Restarting {
        /// How.
        exit: ExitRecord,
        /// How often that has been, with this time.
        count: i64,
    },
    /// It never ran, and whoever asked for it is not there any more to be told.
    NeverStarted(StartError),
}

/// A container's end, for whoever records it.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The data root the container is in.
    pub data_root: &'a Path,
    /// The parent of the directory of running containers.
    pub exec_root: &'a Path,
    /// Under which driver's name its layer is found.
    pub storage_driver: &'a str,
    /// Which container.
    pub container: &'a ContainerId,
    /// What became of it.
    pub end: End,
    /// It shall be removed (`--rm`).
    pub auto_remove: bool,
    /// A user wanted it to stop.
    pub stopped_by_user: bool,
}

/// Records an end in the data root. It runs in the shim, after the container's mounts are gone and
/// before anybody who waits is told. An error is kept in `shim.log`, and the container's directory
/// then stays for the next command to settle.
pub type OnEnd = fn(&Ended<'_>) -> Result<(), String>;

/// Writes `exit.json`, and takes down what the container stood on.
pub(super) fn put_away(dir: &Path, plan: &Plan, exit_code: i32) -> (ExitRecord, sys::Result<()>) {
    let group = group(plan);
    let oom_killed = group.as_ref().is_some_and(Cgroup::oom_killed);
    let record = ExitRecord { exit_code, oom_killed, finished_at: Time::now() };
    let bytes = serde_json::to_vec(&record).expect("our own type has only text keys");
    // Not flushed: a power cut ends the container too, and with it what this file is for.
    let unnamed = dir.join(".exit.json");
    let written = sys::truncate_write(&unnamed, &bytes, 0o600).and_then(|()| sys::rename(&unnamed, dir.join(EXIT)));
    let removed = take_down(group.as_ref(), plan);
    (record, written.and(removed))
}

/// The same for one that never ran.
pub(super) fn abandon(plan: &Plan) -> sys::Result<()> {
    take_down(group(plan).as_ref(), plan)
}

/// Ends what init's end has not: in a pid namespace that is not its own, the others live on.
pub(super) fn kill_rest(plan: &Plan) {
    if let Some(group) = group(plan) {
        group.kill_all();
    }
}

fn take_down(group: Option<&Cgroup>, plan: &Plan) -> sys::Result<()> {
    let group = group.map_or(Ok(()), |group| {
        group.kill_all();
        group.remove()
    });
    group.and(plan.release())
}

fn group(plan: &Plan) -> Option<Cgroup> {
    hierarchies().ok().and_then(|all| Cgroup::at(&plan.cgroup, &all).ok())
}
