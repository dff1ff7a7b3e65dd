//! `start`: a container's layer is mounted, its files are written, its shim begins.
//!
//! The record says `Running` once it does, as with dockerd; whoever reads it looks at the shim as
//! well (`truth`), so it does not matter whether we live to write it. The lock is held until then:
//! the shim, which writes the end, waits for it. moby 20.10, daemon/start.go.

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use base::ContainerId;
use containers::{Container, Containers, LoadError, LookupError};
use layerstore::LayerStore;
use networks::Joint;
use oci_spec::runtime::Spec;

use crate::{
    apparmor,
    cgroup::grace,
    devices::{self, BadDevice, BadThrottle},
    events,
    exec::ExecError,
    fits, health,
    home::{Home, HomeError, Writer},
    in_root,
    ipc::{self, IpcError, Shm},
    join::{self, JoinError},
    logging::{self, BadLog, Form},
    network::{self, Network, Unusable},
    policy::{Policy, Rule},
    recover::{self, SettleError, Settled},
    rm, sandbox,
    shim::{self, Again, Attach, Release, Session, SpawnRequest},
    spec::{self, Bind, Plan, SpecError},
    support::{self, Unsupported},
    user::{Accounts, UserError},
    volumes::{self, MountError},
};

/// A container that was started.
#[derive(Debug)]
pub(crate) struct Started {
    pub warnings: Vec<String>,
    /// The connection that was asked for; none if it ran already.
    pub session: Option<Session>,
}

/// Why a container was not started. Its record says so, as with dockerd.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The words are dockerd's.
    #[error("cannot start a paused container, try unpause instead")]
    Paused,
    /// The words are dockerd's.
    #[error("container is marked for removal and cannot be started")]
    Dead,
    /// It asks for something we cannot give yet.
    #[error("container {id} cannot be started: {source}")]
    Unsupported {
        /// The container.
        id: ContainerId,
        /// What it asks for.
        source: Unsupported,
    },
    /// Its network.
    #[error("container {id} cannot be started: {source}")]
    Network {
        /// The container.
        id: ContainerId,
        /// Why not.
        source: Unusable,
    },
    /// A place on its network cannot be had.
    #[error(transparent)]
    OnNetwork(#[from] networks::NetworkError),
    /// Its layer cannot be mounted.
    #[error(transparent)]
    Layer(Box<layerstore::Error>),
    /// A volume or bind.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Its working directory is a file. The words are dockerd's.
    #[error("Cannot mkdir: {0} is not a directory")]
    WorkingDir(String),
    /// Its user.
    #[error(transparent)]
    User(#[from] UserError),
    /// A device of the host.
    #[error(transparent)]
    Device(#[from] BadDevice),
    /// A limit on a device of the host.
    #[error(transparent)]
    Throttle(#[from] BadThrottle),
    /// A namespace of another container.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// Memory of another container.
    #[error(transparent)]
    Ipc(#[from] IpcError),
    /// `--init`. The words are dockerd's.
    #[error("exec: \"docker-init\": executable file not found in $PATH")]
    NoInit,
    /// The process of its health check.
    #[error(transparent)]
    Health(Box<ExecError>),
    /// Its log. The words are dockerd's.
    #[error("failed to initialize logging driver: {0}")]
    Log(#[from] BadLog),
    /// Something no OCI spec can say.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Our own OCI spec is not one.
    #[error("the OCI configuration is not valid")]
    Oci(#[from] serde_json::Error),
    /// Its process did not come to be.
    #[error(transparent)]
    Shim(#[from] shim::StartError),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl From<layerstore::Error> for StartError {
    fn from(error: layerstore::Error) -> Self {
        Self::Layer(Box::new(error))
    }
}

impl StartError {
    /// What the record says as exit code; `None` for what is no attempt at starting.
    fn recorded(&self) -> Option<i64> {
        match self {
            Self::Shim(error) => Some(i64::from(error.exit_code)),
            Self::Lookup(_) | Self::Home(_) | Self::Settle(_) | Self::Paused | Self::Dead => None,
            _ => Some(128),
        }
    }
}

/// Starts a container; one that runs is left alone. Returns warnings.
///
/// # Errors
/// [`StartError`].
pub fn start(home: &Home, container: &str) -> Result<Vec<String>, StartError> {
    let id = home.containers().lookup(container)?;
    grace::begin();
    let writer = home.writer()?;
    Ok(start_with(home, &writer, &id, None)?.warnings)
}

/// Starts a container, connected from its first byte on if wished.
pub(crate) fn start_with(
    home: &Home,
    writer: &Writer,
    id: &ContainerId,
    attach: Option<Attach>,
) -> Result<Started, StartError> {
    let Settled { mut container, running, lock } = recover::settle(home, writer, id)?;
    let state = &container.record.state;
    match () {
        () if running && state.paused => return Err(StartError::Paused),
        () if running => return Ok(Started { warnings: Vec::new(), session: None }),
        () if state.dead || state.removal_in_progress => return Err(StartError::Dead),
        () => {}
    }
    let containers = home.containers();
    let policy = Policy { rule: Rule::of(&container.host_config), count: 0, waited: 0 };
    match launch(home, writer, &mut container, attach, policy, false) {
        Ok((started, mut warnings)) => {
            let record = &mut container.record;
            record.has_been_manually_stopped = false;
            record.restart_count = 0;
            warnings.extend(note_start(home, &mut container, &started));
            Ok(Started { warnings, session: started.session })
        }
        Err(error) => {
            note_failure(&containers, &mut container, &error);
            if container.host_config.auto_remove {
                drop(rm::take_away(home, &container, lock, true));
            }
            Err(error)
        }
    }
}

/// Starts a container as its policy wants it, in a process that was its shim. One that a user does
/// not want to run any more is left to have ended.
///
/// # Errors
/// [`StartError`]; it has ended then, and its record says why it does not run.
pub(crate) fn start_again(home: &Home, again: &Again) -> Result<(), StartError> {
    let writer = home.writer()?;
    let containers = home.containers();
    let settle = |error: LoadError| StartError::Settle(error.into());
    let _lock = containers.lock(&again.container).map_err(settle)?;
    let mut container = containers.load(&again.container).map_err(settle)?;
    let wanted = container.record.state.restarting && !container.record.has_been_manually_stopped;
    // `update` may have changed it while nobody listened.
    let policy = Policy { rule: Rule::of(&container.host_config), ..again.policy };
    let failed = match wanted {
        true => match launch(home, &writer, &mut container, None, policy, true) {
            Ok((started, _)) => {
                // The record is what dockerd and we go by: its shim corrects what is missing.
                note_start(home, &mut container, &started);
                return Ok(());
            }
            Err(error) => {
                container.record.state.error = error.to_string();
                Err(error)
            }
        },
        false => Ok(()),
    };
    // moby 20.10, daemon/monitor.go: it has ended as it had before.
    recover::record_end(&mut container, Some(again.exit));
    containers.save_record(&again.container, &container.record)?;
    sys::remove_tree(&again.dir)?;
    failed
}

/// Writes down that it runs. It does so all the same if that fails, and who reads the record looks
/// at the shim, too: a warning.
fn note_start(home: &Home, container: &mut Container, started: &shim::Started) -> Option<String> {
    let containers = home.containers();
    let record = &mut container.record;
    record.state.set_running(i64::from(started.running.pid), started.running.started_at);
    record.has_been_started_before = true;
    health::begin(record);
    let saved = containers.save_record(&container.id, record);
    events::container(home, container, "start", &[]);
    saved.err().map(|error| format!("it runs, but its record does not say so: {error}"))
}

fn note_failure(containers: &Containers, container: &mut Container, error: &StartError) {
    network::note_end(&mut container.record);
    let Some(code) = error.recorded() else { return };
    container.record.state.error = error.to_string();
    container.record.state.exit_code = code;
    // The start's own failure is the one to tell.
    drop(containers.save_record(&container.id, &container.record));
}

fn launch(
    home: &Home,
    writer: &Writer,
    container: &mut Container,
    attach: Option<Attach>,
    policy: Policy,
    again: bool,
) -> Result<(shim::Started, Vec<String>), StartError> {
    let id = container.id.clone();
    let named = |id: &ContainerId| id.clone();
    let mut warnings =
        support::check(&container.host_config).map_err(|source| StartError::Unsupported { id: named(&id), source })?;
    let network = network::of_existing(home, &container.host_config, &mut warnings)
        .map_err(|source| StartError::Network { id: named(&id), source })?;
    let log = logging::of(container, &home.container_dir(&id))?;
    let layers = home.layers_for(writer)?;
    let label = Some(container.record.mount_label.as_str()).filter(|label| !label.is_empty());
    // A mount that a crash left is ours to take away: nobody runs the container, we hold its lock.
    layers.unmount(&id)?;
    let mounted = layers.mount(&id, label)?;
    let shm = ipc::of(home, container)?;
    let seen = if container.host_config.ipc_mode == "host" { Some(Path::new("/dev/shm")) } else { shm.path.as_deref() };
    container.record.shm_path = seen.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let on_networks = network::Attached::join(home, container, network)?;
    let spec = prepare(home, container, mounted.path(), network, &shm, on_networks.joint())?;
    let host = &container.host_config;
    // That of the driver `local` is nobody's business (moby 20.10, container.go `StartLogger`).
    let shown = log.as_ref().filter(|log| log.form == Form::Json);
    container.record.log_path = shown.map(|log| log.path.to_string_lossy().into_owned()).unwrap_or_default();
    // The last that can fail: from here on the shim puts it away.
    let shared = shm.mount()?;
    let target = mounted.hand_over();
    let release = target.into_iter().map(|path| Release { path, remove_dir: true }).chain(shared).collect();
    let health = health::of(home, container).map_err(|source| StartError::Health(Box::new(source)))?;
    let bridge = home.bridge();
    let network = on_networks.plan();
    let started = shim::spawn(SpawnRequest {
        // That is mounted by itself, and cannot be mounted so again.
        program: again.then(|| PathBuf::from("/proc/self/exe")),
        dir: home.run_dir(&id),
        container: id,
        data_root: home.data_root().to_owned(),
        storage_driver: home.driver_name().to_owned(),
        spec,
        log,
        stdin: container.record.config.open_stdin,
        stdin_once: container.record.config.stdin_once,
        auto_remove: host.auto_remove,
        restart: (policy.rule != Rule::No).then_some(policy),
        health,
        again,
        release,
        bridge,
        network,
        lock: Some(writer.file().as_fd()),
        attach,
    })?;
    on_networks.hand_over();
    Ok((started, warnings))
}

/// Makes ready what the container stands on, and says it in an OCI spec.
fn prepare(
    home: &Home,
    container: &mut Container,
    rootfs: &Path,
    network: Network,
    shm: &Shm,
    joint: Option<&Joint>,
) -> Result<Spec, StartError> {
    let root = sys::Dir::open(rootfs)?;
    let (record, host) = (&mut container.record, &container.host_config);
    make_working_dir(&root, &record.config.working_dir)?;
    let user = Accounts::read(&root).find(&record.config.user, host.group_add.as_deref().unwrap_or_default())?;
    let owner = join::network_owner(home, &container.id, host)?;
    if let Some(owner) = &owner {
        // moby 20.10, container_operations_unix.go `initializeNetworking`
        record.config.hostname.clone_from(&owner.record.config.hostname);
        record.config.domainname.clone_from(&owner.record.config.domainname);
    }
    let mut binds = volumes::prepare(&home.volumes(), record, host)?;
    let dir = home.container_dir(&container.id);
    let mut files: Vec<Bind> = match &owner {
        Some(owner) => sandbox::share(record, &owner.record, host, &mut binds),
        None => sandbox::write(&dir, record, host, network, joint, &mut binds)?,
    };
    binds.append(&mut files);
    fits::check(&root, &binds, record, host)?;
    let devices = devices::look_up(host)?;
    let throttles = devices::throttles(host)?;
    let mut joined = join::namespaces(home, host)?;
    joined.extend(joint.map(|joint| ("network", joint.namespace.clone())));
    joined.extend(owner.map(|owner| ("network", owner.namespace)));
    joined.extend(shm.namespace.clone().map(|path| ("ipc", path)));
    let init = match host.init == Some(true) && host.pid_mode.is_empty() {
        true => Some(docker_init().ok_or(StartError::NoInit)?),
        false => None,
    };
    let apparmor = apparmor::profile(record);
    let mut spec = spec::build(&Plan {
        record,
        host,
        rootfs,
        user: &user,
        binds: &binds,
        shm: shm.path.as_deref(),
        devices: &devices,
        throttles: &throttles,
        joined: &joined,
        init: init.as_deref(),
        network_sysctls: &known_sysctls(),
        apparmor: apparmor.as_deref(),
        kernel: sys::kernel_version(),
    })?;
    spec::for_libcontainer(&mut spec, host, container.id.as_str(), &user);
    Ok(serde_json::from_value(spec)?)
}

const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where dockerd looks for its init, and where Debian has it without docker (tini-static).
fn docker_init() -> Option<PathBuf> {
    // A container that is started again is so by a process without an environment.
    let path = std::env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into());
    let named = |name: &'static str| std::env::split_paths(&path).map(move |dir| dir.join(name)).collect::<Vec<_>>();
    [named("docker-init"), named("tini-static")].concat().into_iter().find(|path| path.is_file())
}

/// The image may have lost it since the container was made, or dockerd never made it.
fn make_working_dir(root: &sys::Dir, path: &str) -> Result<(), StartError> {
    if path.is_empty() {
        return Ok(());
    }
    in_root::make_dirs(root, path).map_err(|error| match error.io().kind() {
        std::io::ErrorKind::NotADirectory => StartError::WorkingDir(path.to_owned()),
        _ => error.into(),
    })
}

/// Those that this kernel has: naming another would make the start fail.
fn known_sysctls() -> Vec<(&'static str, &'static str)> {
    let known = |name: &str| Path::new("/proc/sys").join(name.replace('.', "/")).exists();
    spec::NETWORK_SYSCTLS.into_iter().filter(|(name, _)| known(name)).collect()
}

/// Where a layer's files are seen as one.
pub(crate) fn merged(layers: &LayerStore, id: &ContainerId) -> Result<PathBuf, layerstore::Error> {
    let Some(rw) = layers.rw_layer(id)? else { return Ok(PathBuf::new()) };
    Ok(match layers.driver().rootfs(rw.mount_id.layer())? {
        graphdriver::RootFs::Overlay(overlay) => overlay.target(),
        graphdriver::RootFs::Directory(path) => path,
        _ => PathBuf::new(),
    })
}
