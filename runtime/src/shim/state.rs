//! What a container's directory in the exec root says, and cleaning up when nobody else can.

use std::{fs::File, os::unix::fs::MetadataExt as _, path::Path};

use base::Time;
use containers::config_v2::Health;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::plan::{self, Plan};
use crate::{
    cgroup::{Cgroup, hierarchies},
    policy::Policy,
};

/// A container's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Of init, on the host. 0 in an answer that is about no process.
    pub pid: i32,
    /// Since when.
    pub started_at: Time,
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// 0 to 255; 128 and the signal's number if a signal ended it.
    pub exit_code: i32,
    /// Whether the kernel killed for want of memory.
    pub oom_killed: bool,
    /// When.
    pub finished_at: Time,
}

/// What is known of a container that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing: it never ran, or its end has been recorded where it belongs.
    Absent,
    /// The shim lives and is about to start it.
    Starting,
    /// It runs.
    Running(Running),
    /// It has ended so, and its shim waits to start it again.
    Restarting(ExitRecord),
    /// It has ended; its shim may still be putting things away.
    Exited {
        /// How.
        exit: ExitRecord,
        /// Whether the shim is still there to record it.
        shim: bool,
    },
    /// The shim was killed. How the container ended, or will end, nobody can know.
    ShimLost {
        /// Whether processes of the container are left.
        alive: bool,
        /// When it had been started, if it had.
        running: Option<Running>,
    },
}

pub(super) const RUNNING: &str = "running.json";
pub(super) const EXIT: &str = "exit.json";
/// The process of the health check, and what it has said so far.
pub(super) const PROBE: &str = "probe.json";
pub(super) const HEALTH: &str = "health.json";
/// There beside [`EXIT`] while the shim waits to start the container again.
pub(super) const RESTING: &str = "restarting";

/// Looks at a container's directory. Neither writes nor wakes the shim.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn state(dir: &Path) -> sys::Result<State> {
    let path = dir.join(plan::FILE);
    let Some(file) = open(&path)? else { return Ok(State::Absent) };
    let looked_at = identity(&file);
    // In this order: the shim writes exit.json before it lets go of the lock.
    let shim = sys::try_shared(file, dir)?.is_none();
    if !shim && open(&path)?.is_some_and(|now| identity(&now) != looked_at) {
        // It was started again between our looks, by another shim.
        return state(dir);
    }
    if let Some(exit) = read(&dir.join(EXIT))? {
        let resting = shim && sys::exists(dir.join(RESTING))?;
        return Ok(if resting { State::Restarting(exit) } else { State::Exited { exit, shim } });
    }
    let running = read(&dir.join(RUNNING))?;
    Ok(match (shim, running) {
        (true, Some(running)) => State::Running(running),
        (true, None) => State::Starting,
        // It went away between our looks, with everything put away.
        (false, _) if !sys::exists(dir)? => State::Absent,
        (false, running) => State::ShimLost { alive: is_alive(dir), running },
    })
}

fn open(path: &Path) -> sys::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(sys::Error::new("open", path, error)),
    }
}

/// What the health check of a container has said in this run, if there is one.
///
/// # Errors
/// When it is there and cannot be read.
pub fn health(dir: &Path) -> sys::Result<Option<Health>> {
    read(&dir.join(HEALTH))
}

/// What a shim that rested has left to who starts the container again.
pub(super) fn rest(dir: &Path) -> sys::Result<Option<(ExitRecord, Policy)>> {
    Ok(read(&dir.join(EXIT))?.zip(read(&dir.join(RESTING))?))
}

fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|data| (data.dev(), data.ino()))
}

/// A file in the directory that may be absent; one that cannot be understood counts as absent:
/// it is a torn write of a shim that was killed.
fn read<T: DeserializeOwned>(path: &Path) -> sys::Result<Option<T>> {
    Ok(sys::read_opt(path)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn is_alive(dir: &Path) -> bool {
    group(dir).is_some_and(|group| !group.pids().is_empty())
}

/// Holds a container's processes, or lets them go on.
///
/// # Errors
/// When its control group is not there, or the kernel does not do it in time.
pub fn freeze(dir: &Path, still: bool) -> sys::Result<()> {
    let plan = Plan::load(dir)?;
    let gone = || sys::Error::new("open", plan.cgroup.clone(), std::io::Error::from(std::io::ErrorKind::NotFound));
    Cgroup::at(&plan.cgroup, &hierarchies()?).map_err(|_| gone())?.freeze(still)
}

/// The control group of a container that our shim keeps.
pub(crate) fn group(dir: &Path) -> Option<Cgroup> {
    Cgroup::at(&Plan::load(dir).ok()?.cgroup, &hierarchies().ok()?).ok()
}

/// Puts away what a lost shim left: kills the container's processes, removes its control group,
/// ends its mounts, and removes its directory. Nothing happens while a shim lives.
///
/// Returns how the container ended, if the shim had still written that down. Whoever calls records
/// it first if `before_removal` says so: the directory goes last.
///
/// # Errors
/// The first thing that could not be put away; the directory then stays, for another try. What
/// `before_removal` says.
///
/// The caller sees to it that nobody starts the container meanwhile.
pub fn clean_up<E: From<sys::Error>>(
    dir: &Path,
    before_removal: impl FnOnce(Option<ExitRecord>) -> Result<(), E>,
) -> Result<(), E> {
    let path = dir.join(plan::FILE);
    let _lock = match open(&path)? {
        None => {
            // The shim was not even told what to do.
            sys::remove_tree(dir)?;
            return before_removal(None);
        }
        Some(file) => match lock_of_lost(file, &path)? {
            None => return Ok(()),
            Some(lock) => lock,
        },
    };
    let exit: Option<ExitRecord> = read(&dir.join(EXIT))?;
    let oom_killed = match group(dir) {
        Some(group) => {
            group.kill_all();
            let oom_killed = group.oom_killed();
            group.remove()?;
            oom_killed
        }
        None => false,
    };
    // A plan that cannot be read belongs to a shim that never began.
    Plan::load(dir).map_or(Ok(()), |plan| plan.release())?;
    before_removal(exit.map(|exit| ExitRecord { oom_killed: exit.oom_killed || oom_killed, ..exit }))?;
    Ok(sys::remove_tree(dir)?)
}

/// The shim's lock, `None` while a shim has it. Somebody who only looks holds it for a moment.
fn lock_of_lost(file: File, path: &Path) -> sys::Result<Option<sys::Lock>> {
    loop {
        let file = file.try_clone().map_err(|error| sys::Error::new("dup", path, error))?;
        if let Some(lock) = sys::try_exclusive(file, path)? {
            return Ok(Some(lock));
        }
        let Some(look) = open(path)? else { return Ok(None) };
        if sys::try_shared(look, path)?.is_none() {
            return Ok(None);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_directory_is_nothing_to_know() {
        assert_eq!(state(Path::new("/nonexistent/x")).expect("a state"), State::Absent);
    }

    #[test]
    fn a_lock_tells_a_living_shim_from_a_lost_one() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(plan::FILE);
        sys::write_new(&path, b"{", 0o600).expect("write");
        assert_eq!(state(dir.path()).expect("a state"), State::ShimLost { alive: false, running: None });
        let lock = sys::try_exclusive(File::open(&path).expect("open"), &path).expect("flock");
        assert_eq!(state(dir.path()).expect("a state"), State::Starting);
        let running = Running { pid: 7, started_at: Time::NEVER };
        let bytes = serde_json::to_vec(&running).expect("JSON");
        sys::write_new(dir.path().join(RUNNING), &bytes, 0o600).expect("write");
        assert_eq!(state(dir.path()).expect("a state"), State::Running(running));
        drop(lock);
        assert_eq!(state(dir.path()).expect("a state"), State::ShimLost { alive: false, running: Some(running) });
    }

    #[test]
    fn an_end_that_was_written_down_is_known_without_the_shim() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let exit = ExitRecord { exit_code: 7, oom_killed: false, finished_at: Time::NEVER };
        sys::write_new(dir.path().join(plan::FILE), b"{}", 0o600).expect("write");
        sys::write_new(dir.path().join(EXIT), &serde_json::to_vec(&exit).expect("JSON"), 0o600).expect("write");
        assert_eq!(state(dir.path()).expect("a state"), State::Exited { exit, shim: false });
        let mut told = None;
        let put = clean_up(dir.path(), |exit| {
            told = exit;
            Ok::<_, sys::Error>(())
        });
        put.expect("cleaned");
        assert_eq!(told, Some(exit));
        assert_eq!(state(dir.path()).expect("a state"), State::Absent);
    }
}
