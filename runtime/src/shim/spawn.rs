//! The command's side of a start: write down what the shim shall do, start it, hear how it went.
//!
//! From the moment [`spawn`] is called the container's mounts are not the caller's any more: they
//! end with the container, or here if it never starts. If the caller dies at any moment, the
//! shim either has not started anything, or goes on without it.

use std::{
    ffi::CString,
    fs::File,
    io::Read as _,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt as _, net::UnixStream},
    },
    path::{Path, PathBuf},
};

use base::ContainerId;
use oci_spec::runtime::{Process, Spec};

use super::{
    Attach, OnNetworks, Release, Running, Session, StartError, State,
    bundle::{self, Bundle, Host},
    health::HealthPlan,
    helper::{BUNDLE, FILTER, OCI, PROCESS, filter_bytes},
    plan::{self, Plan},
    protocol::Answer,
    state::{EXIT, PROBE, RESTING, state},
};
use crate::{logging::Log, policy::Policy};

/// A container to start.
#[derive(Debug)]
pub struct SpawnRequest<'a> {
    /// The program that serves `shim`; our own if `None`.
    pub program: Option<PathBuf>,
    /// `<exec-root>/<id>`: made here, and gone when the container has ended.
    pub dir: PathBuf,
    /// Which container.
    pub container: ContainerId,
    /// Where it is kept.
    pub data_root: PathBuf,
    /// With which driver.
    pub storage_driver: String,
    /// The OCI configuration as dockerd would write it, but for HOME, which runc adds to the
    /// environment and here is in it already. `linux.cgroupsPath` must be absolute.
    pub spec: Spec,
    /// Where its output is kept, if it is.
    pub log: Option<Log>,
    /// `OpenStdin`.
    pub stdin: bool,
    /// `StdinOnce`.
    pub stdin_once: bool,
    /// `AutoRemove`.
    pub auto_remove: bool,
    /// Whether it is started again when it has ended.
    pub restart: Option<Policy>,
    /// How its health is seen, and by which process.
    pub health: Option<(HealthPlan, Process)>,
    /// It is that: the directory of the last run is ours, and stays.
    pub again: bool,
    /// What is mounted for it.
    pub release: Vec<Release>,
    /// Whether containers may be on bridges.
    pub bridge: bool,
    /// Its place on networks.
    pub network: Option<OnNetworks>,
    /// The lock that keeps dockerd away; the shim keeps it as long as it lives.
    pub lock: Option<BorrowedFd<'a>>,
    /// To be connected from the first byte on.
    pub attach: Option<Attach>,
}

/// A container that runs.
#[derive(Debug)]
pub struct Started {
    /// Its process.
    pub running: Running,
    /// The connection that was asked for.
    pub session: Option<Session>,
}

/// Starts a container. Returns when its process has been let go.
///
/// # Errors
/// In docker's words, when it does not run. Nothing of it is left then.
pub fn spawn(request: SpawnRequest<'_>) -> Result<Started, StartError> {
    let (dir, release) = (request.dir.clone(), request.release.clone());
    try_spawn(request).inspect_err(|_| {
        // The shim has done all this, if it got so far.
        release.iter().for_each(|release| drop(release.run()));
        if matches!(state(&dir), Ok(State::ShimLost { .. } | State::Absent)) {
            drop(super::clean_up(&dir, |_| Ok::<_, sys::Error>(())));
        }
    })
}

fn failed(error: impl ToString) -> StartError {
    StartError::shim(&error.to_string())
}

fn try_spawn(request: SpawnRequest<'_>) -> Result<Started, StartError> {
    match request.again {
        true => clear(&request.dir).map_err(failed)?,
        false => make_room(&request.dir)?,
    }
    let bundle = bundle::take_apart(request.spec, &Host::here().map_err(failed)?)?;
    let plan = Plan {
        cgroup: cgroup_of(&bundle)?,
        stdio_owner: bundle.process.user().uid(),
        shares_pids: bundle.shares_pids,
        tty: bundle.process.terminal().unwrap_or(false),
        container: request.container,
        data_root: request.data_root,
        storage_driver: request.storage_driver,
        bridge: request.bridge,
        network: request.network,
        log: request.log,
        stdin: request.stdin,
        stdin_once: request.stdin_once,
        release: request.release,
        auto_remove: request.auto_remove,
        restart: request.restart,
        health: request.health.as_ref().map(|(plan, _)| plan.clone()),
        attached: request.attach,
    };
    let probe = request.health.as_ref().map(|(_, process)| process);
    let locked = write_down(&request.dir, &plan, &bundle, probe).map_err(failed)?;

    let (ours, theirs) = match request.attach {
        Some(_) => UnixStream::pair().map(|(ours, theirs)| (Some(ours), Some(theirs))).map_err(failed)?,
        None => (None, None),
    };
    let (mut heard, sync) = std::io::pipe().map_err(failed)?;
    let shim = Command { program: request.program.as_deref(), dir: &request.dir, data_root: &plan.data_root };
    shim.start(sync.into(), request.lock, locked, theirs)?;

    let mut said = Vec::new();
    heard.read_to_end(&mut said).map_err(failed)?;
    match serde_json::from_slice(&said) {
        Ok(Answer::Done(running)) => Ok(Started { running, session: ours.map(Session::new) }),
        Ok(Answer::Refused(error)) => Err(error),
        Err(_) => Err(died(&request.dir)),
    }
}

/// An earlier run's directory may be in the way if its shim could not finish. Its end has been
/// recorded by whoever calls: else it would not start the container.
fn make_room(dir: &Path) -> Result<(), StartError> {
    match state(dir).map_err(failed)? {
        State::Absent => {}
        State::Exited { shim: false, .. } | State::ShimLost { .. } => {
            super::clean_up(dir, |_| Ok::<_, sys::Error>(())).map_err(failed)?;
        }
        State::Starting | State::Running(_) | State::Restarting(_) | State::Exited { shim: true, .. } => {
            return Err(failed("a shim of this container is still there"));
        }
    }
    // Left over by a command that died before it wrote the plan.
    sys::remove_tree(dir).map_err(failed)?;
    if let Some(parent) = dir.parent() {
        sys::create_dir_all(parent, 0o711).map_err(failed)?;
    }
    sys::create_dir(dir, 0o700).map_err(failed)
}

/// Takes away what the last run left, but for what says that it is being started again.
fn clear(dir: &Path) -> sys::Result<()> {
    let keep = [plan::FILE, EXIT, RESTING];
    let names = sys::list_dir(dir)?;
    names
        .iter()
        .filter(|name| !keep.iter().any(|kept| name == kept))
        .try_for_each(|name| sys::remove_tree(dir.join(name)))
}

fn cgroup_of(bundle: &Bundle) -> Result<PathBuf, StartError> {
    let path = bundle.spec.linux().as_ref().and_then(|linux| linux.cgroups_path().clone());
    path.ok_or_else(|| failed("configuration has no cgroupsPath"))
}

/// The plan last: without it the directory means nothing. It is locked before it has a name, and
/// the lock goes to the shim with the descriptor: who looks never sees it without.
fn write_down(dir: &Path, plan: &Plan, bundle: &Bundle, probe: Option<&Process>) -> sys::Result<File> {
    let json = |path: &Path, value: serde_json::Result<Vec<u8>>| {
        let bytes = value.map_err(|bad| sys::Error::new("write", path, std::io::Error::from(bad)))?;
        sys::write_new(path, &bytes, 0o600)
    };
    sys::create_dir(dir.join(OCI), 0o700)?;
    sys::create_dir(dir.join(BUNDLE), 0o700)?;
    json(&dir.join(BUNDLE).join("config.json"), serde_json::to_vec(&bundle.spec))?;
    json(&dir.join(PROCESS), serde_json::to_vec(&bundle.process))?;
    if let Some(probe) = probe {
        json(&dir.join(PROBE), serde_json::to_vec(probe))?;
    }
    if let Some(filter) = &bundle.filter {
        sys::write_new(dir.join(FILTER), &filter_bytes(filter), 0o600)?;
    }
    let unnamed = dir.join(".shim.json");
    json(&unnamed, serde_json::to_vec(plan))?;
    let file = File::open(&unnamed).map_err(|error| sys::Error::new("open", &unnamed, error))?;
    let locked = sys::wait_exclusive(file, &unnamed)?;
    sys::rename(&unnamed, dir.join(plan::FILE))?;
    // In this order: without the second it has ended, and is not being started again.
    sys::remove_file(dir.join(EXIT))?;
    sys::remove_file(dir.join(RESTING))?;
    Ok(locked.into_file())
}

struct Command<'a> {
    program: Option<&'a Path>,
    dir: &'a Path,
    data_root: &'a Path,
}

impl Command<'_> {
    /// Descriptors: nothing in, nothing out, the log; then as in `serve`.
    fn start(
        &self,
        sync: OwnedFd,
        lock: Option<BorrowedFd<'_>>,
        plan: File,
        attached: Option<UnixStream>,
    ) -> Result<(), StartError> {
        let null = File::options().read(true).write(true).open("/dev/null").map_err(failed)?;
        let log = sys::create_new(self.dir.join(LOG), 0o600).map_err(failed)?;
        let program = match self.program {
            Some(path) => File::open(path).map_err(failed)?.into(),
            None => sys::process::own_program().map_err(failed)?,
        };
        let word = |bytes: &[u8]| CString::new(bytes).map_err(failed);
        let args = [
            word(b"minidock")?,
            word(b"shim")?,
            word(self.dir.as_os_str().as_bytes())?,
            word(self.data_root.as_os_str().as_bytes())?,
        ];
        let null = null.as_fd();
        let mut fds = vec![null, null, log.as_fd(), sync.as_fd(), lock.unwrap_or(null), plan.as_fd()];
        fds.extend(attached.as_ref().map(|socket| socket.as_fd()));
        sys::process::spawn_detached(program.as_fd(), &args, &fds).map_err(failed)
    }
}

const LOG: &str = "shim.log";

/// The shim ended without a word to us; it may have had one for its log.
fn died(dir: &Path) -> StartError {
    let log = sys::read_opt(dir.join(LOG)).ok().flatten().unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let last = log.lines().last().unwrap_or("it left no word");
    failed(format!("the shim died: {last}"))
}
