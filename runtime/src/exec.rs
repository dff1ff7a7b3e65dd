//! `exec`: one more process in a running container.
//!
//! moby 20.10, daemon/exec.go, exec_linux.go.

use base::ContainerId;
use containers::{Container, LookupError};
use oci_spec::runtime::Process;

use crate::{
    apparmor, caps,
    cgroup::grace,
    events, find,
    home::{Home, HomeError},
    run::{Client, pump},
    shim::{self, Attach, ConnectError, Connection, ExecProcess, SessionError},
    spec::{self, ProcessPlan, SpecError},
    start,
    terminal::{BadKeys, DetachKeys},
    truth::{self, Keeper},
    user::{Accounts, User, UserError},
};

/// What to run, and where.
#[derive(Debug, Clone, Default)]
pub struct ExecRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Executable and arguments.
    pub command: Vec<String>,
    /// `-e`, on top of the container's own.
    pub env: Vec<String>,
    /// `-u`; else the container's.
    pub user: Option<String>,
    /// `-w`; else the container's.
    pub working_dir: Option<String>,
    /// `--privileged`: all capabilities.
    pub privileged: bool,
    /// `-d`: do not wait for it.
    pub detach: bool,
    /// `-t`: it has a terminal.
    pub tty: bool,
    /// The keys that leave it to itself; else docker's.
    pub detach_keys: Option<String>,
}

/// Why a process was not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The words are dockerd's.
    #[error("No exec command specified")]
    NoCommand,
    /// The words are those of docker's client.
    #[error("the input device is not a TTY")]
    NoTerminal,
    /// The words are dockerd's.
    #[error("Container {0} is not running")]
    NotRunning(ContainerId),
    /// The words are dockerd's.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// The words are dockerd's.
    #[error("Invalid escape keys ({0}) provided")]
    Keys(String),
    /// A dockerd runs it.
    #[error("container {0} is kept running by dockerd's own shim: only dockerd can run a process in it")]
    Foreign(ContainerId),
    /// The words are dockerd's.
    #[error("Container {0} is paused, unpause the container before exec")]
    Paused(String),
    /// No such user.
    #[error(transparent)]
    User(#[from] UserError),
    /// Something no OCI spec can say.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The process did not come to be.
    #[error(transparent)]
    Start(shim::StartError),
    /// The shim cannot be spoken to.
    #[error(transparent)]
    Shim(ConnectError),
    /// The connection broke off.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Its layers cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It has no layer.
    #[error(transparent)]
    Layer(#[from] layerstore::Error),
    /// Our own OCI process is not one.
    #[error("the OCI process is not valid")]
    Oci(#[from] serde_json::Error),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl ExecError {
    /// Whether the container took the command and then could not run it: docker's client then
    /// shows the words alone and exits with 126.
    pub fn is_from_the_process(&self) -> bool {
        matches!(self, Self::Start(_) | Self::User(_))
    }

    /// What docker's client exits with.
    pub fn exit_code(&self) -> u8 {
        if self.is_from_the_process() { 126 } else { 1 }
    }
}

impl From<ConnectError> for ExecError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused(error) => Self::Start(error),
            error => Self::Shim(error),
        }
    }
}

/// Runs a command in a container and stays with it to its end, unless detached. Returns its exit
/// code, 0 for a detached one.
///
/// # Errors
/// [`ExecError`].
pub fn exec(home: &Home, request: ExecRequest, client: Client) -> Result<i32, ExecError> {
    if request.command.is_empty() {
        return Err(ExecError::NoCommand);
    }
    let container = find::container(home, &request.container)?;
    // The client's own affair, so before the engine says no (docker/cli 20.10, exec.go `RunExec`).
    if !request.detach {
        client.check(request.tty).map_err(|_| ExecError::NoTerminal)?;
    }
    let state = &container.record.state;
    if !state.running {
        return Err(ExecError::NotRunning(container.id));
    }
    if state.restarting {
        return Err(ExecError::Restarting(container.id));
    }
    if state.paused {
        return Err(ExecError::Paused(request.container));
    }
    if truth::keeper(&container.id, state) == Keeper::Other && !home.run_dir(&container.id).is_dir() {
        return Err(ExecError::Foreign(container.id));
    }
    let keys = match request.detach_keys.as_deref() {
        None | Some("") => DetachKeys::default(),
        Some(text) => text.parse().map_err(|BadKeys(text)| ExecError::Keys(text))?,
    };
    grace::begin();
    // Not that anything is written: but what it needs may be covered, see there.
    drop(home.writer()?);
    let process = process(home, &container, &request)?;
    let wanted = client.streams.wanted();
    let attach = Attach {
        stdin: !request.detach && wanted.stdin,
        stdout: !request.detach && wanted.stdout,
        stderr: !request.detach && wanted.stderr,
    };
    let shim = match Connection::open(&home.run_dir(&container.id)) {
        Err(ConnectError::Gone(_)) => return Err(ExecError::NotRunning(container.id)),
        other => other?,
    };
    let told = Told::new(home, &container, &request.command);
    told.tell("exec_create", &[]);
    told.tell("exec_start", &[]);
    let (_, session) = shim.exec(ExecProcess { process, attach })?;
    if request.detach {
        return Ok(0);
    }
    let client = Client { proxy_signals: false, keys, ..client };
    let code = pump(session, client, request.tty, false)?.exit_code;
    told.tell("exec_die", &[("exitCode", &code.to_string())]);
    Ok(code)
}

/// The container's own process with what `exec` says otherwise.
fn process(home: &Home, container: &Container, request: &ExecRequest) -> Result<Process, ExecError> {
    let (record, host) = (&container.record, &container.host_config);
    let user = user(home, container, request.user.as_deref())?;
    let apparmor = apparmor::profile(record);
    let args = request.command.clone();
    let mut process = spec::process(&ProcessPlan { record, host, user: &user, args, apparmor: apparmor.as_deref() })?;
    spec::with_terminal(&mut process, record, request.tty);
    spec::with_env(&mut process, &request.env);
    if let Some(cwd) = request.working_dir.as_deref().filter(|cwd| !cwd.is_empty()) {
        process["cwd"] = cwd.into();
    }
    if request.privileged {
        let all = caps::ALL.iter().map(|name| (*name).to_owned()).collect();
        process["capabilities"] = spec::capability_sets(all, 0);
    }
    spec::home(&mut process, &user);
    Ok(serde_json::from_value(process)?)
}

/// What is told of an exec. The end of a detached one is not: nobody of ours is there to see it.
struct Told<'a> {
    home: &'a Home,
    container: &'a Container,
    command: String,
    id: String,
}

impl<'a> Told<'a> {
    fn new(home: &'a Home, container: &'a Container, command: &[String]) -> Self {
        let (program, args) =
            command.split_first().map(|(first, rest)| (first.as_str(), rest.join(" "))).unwrap_or_default();
        let id = sys::random::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { home, container, command: format!("{program} {args}"), id }
    }

    /// moby 20.10, daemon/exec.go: the end is told without the command.
    fn tell(&self, action: &str, more: &[(&str, &str)]) {
        let action = if action == "exec_die" { action.to_owned() } else { format!("{action}: {}", self.command) };
        let more = [&[("execID", self.id.as_str())], more].concat();
        events::container(self.home, self.container, &action, &more);
    }
}

/// The process of a command in a container, as `exec` without flags would run it.
pub(crate) fn of_command(home: &Home, container: &Container, command: Vec<String>) -> Result<Process, ExecError> {
    process(home, container, &ExecRequest { command, ..ExecRequest::default() })
}

/// Looked up in the container's files as they are now: its passwd may have changed since it
/// started. As with dockerd, what is mounted on them inside is not seen.
fn user(home: &Home, container: &Container, wanted: Option<&str>) -> Result<User, ExecError> {
    let root = sys::Dir::open(start::merged(&home.layers()?, &container.id)?)?;
    let wanted = wanted.filter(|user| !user.is_empty()).unwrap_or(&container.record.config.user);
    let groups = container.host_config.group_add.as_deref().unwrap_or_default();
    Ok(Accounts::read(&root).find(wanted, groups)?)
}
