//! `run` and attached `start`: a container's output goes to the caller, and its exit code too.

use std::os::fd::OwnedFd;

use base::ContainerId;

use crate::{
    cgroup::grace,
    create::{self, CreateError, CreateRequest},
    events,
    home::{Home, HomeError},
    shim::{Attach, ConnectError, Connection, ExitRecord, Pump, Session, SessionError, Shown},
    start::{self, StartError, Started},
    terminal::{self, DetachKeys},
};

/// Where an attached container's streams go. What is `None` is not attached.
#[derive(Debug, Default)]
pub struct Streams {
    /// Read from and given to the process.
    pub stdin: Option<OwnedFd>,
    /// Gets the process's stdout.
    pub stdout: Option<OwnedFd>,
    /// Gets the process's stderr.
    pub stderr: Option<OwnedFd>,
}

/// Who is attached, and how.
#[derive(Debug, Default)]
pub struct Client {
    /// Where the streams come from and go to.
    pub streams: Streams,
    /// Signals to us are meant for the process (`--sig-proxy`), unless it has a terminal.
    pub proxy_signals: bool,
    /// What leaves a container with a terminal running.
    pub keys: DetachKeys,
}

/// A container with a terminal can be typed to from a terminal only. The words are those of
/// docker's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the input device is not a TTY")]
pub struct NoTerminal;

impl Client {
    /// Whether what we have to type on fits (docker/cli 20.10, streams/in.go `CheckTty`).
    ///
    /// # Errors
    /// [`NoTerminal`].
    pub fn check(&self, tty: bool) -> Result<(), NoTerminal> {
        let fits = !tty || self.streams.stdin.as_ref().is_none_or(terminal::is_terminal);
        if fits { Ok(()) } else { Err(NoTerminal) }
    }
}

/// Carries the streams to the end of the process.
pub(crate) fn pump(session: Session, client: Client, tty: bool, again: bool) -> Result<ExitRecord, SessionError> {
    let Client { streams, proxy_signals, keys } = client;
    let terminal = tty.then_some(Shown { keys, again });
    session.pump(Pump { streams, proxy_signals, terminal })
}

impl Streams {
    pub(crate) fn wanted(&self) -> Attach {
        Attach { stdin: self.stdin.is_some(), stdout: self.stdout.is_some(), stderr: self.stderr.is_some() }
    }
}

/// How `run` ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It runs on by itself (`-d`).
    Detached(ContainerId),
    /// It runs on; the user left it by the keys for that.
    Left(ContainerId),
    /// It has ended, with this code (128 and the signal's number if a signal ended it).
    Ended {
        /// Which container.
        id: ContainerId,
        /// 0 to 255.
        code: i32,
    },
}

/// Why a container did not run, or could not be seen running.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It was not made.
    #[error(transparent)]
    Create(Box<CreateError>),
    /// It was not started.
    #[error(transparent)]
    Start(Box<StartError>),
    /// It runs, and its streams cannot be had.
    #[error(transparent)]
    Attach(#[from] ConnectError),
    /// It has a terminal, and we have none.
    #[error(transparent)]
    NoTerminal(#[from] NoTerminal),
    /// It ran, and the connection broke off.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<CreateError> for RunError {
    fn from(error: CreateError) -> Self {
        Self::Create(Box::new(error))
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self::Start(Box::new(error))
    }
}

impl RunError {
    /// What docker's client exits with: 127 for an executable that is not there, 126 for one that
    /// may not be run, else 125. It goes by the words (docker/cli 20.10, run.go
    /// `runStartContainerErr`).
    pub fn exit_code(&self) -> u8 {
        let error = match self {
            Self::Start(error) => error,
            Self::NoTerminal(_) => return 1,
            _ => return 125,
        };
        let words = error.to_string();
        let says = |text: &str| words.contains(text);
        match () {
            () if says("executable file not found") || says("no such file or directory") => 127,
            () if says("permission denied") => 126,
            () => 125,
        }
    }
}

/// What happens before a container has run.
#[derive(Debug)]
pub enum News<'a> {
    /// It was made.
    Made(&'a ContainerId),
    /// Something the user should know.
    Warning(&'a str),
}

/// Makes a container and starts it; with streams, stays with it to its end.
///
/// # Errors
/// [`RunError`].
pub fn run(
    home: &Home,
    request: CreateRequest,
    client: Option<Client>,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Ran, RunError> {
    let tty = request.config.tty;
    if let Some(client) = &client {
        client.check(tty)?;
    }
    grace::begin();
    let writer = home.writer()?;
    let created = create::create_with(home, &writer, request)?;
    tell(News::Made(&created.id));
    created.warnings.iter().for_each(|text| tell(News::Warning(text)));
    if client.is_some() {
        events::by_id(home, &created.id, "attach", &[]);
    }
    let started = start::start_with(home, &writer, &created.id, client.as_ref().map(|client| client.streams.wanted()))?;
    // The shim holds the lock now.
    drop(writer);
    // The network's warning was given when it was made.
    let new = started.warnings.iter().filter(|text| !created.warnings.contains(text));
    new.for_each(|text| tell(News::Warning(text)));
    match client {
        None => Ok(Ran::Detached(created.id)),
        Some(client) => follow(home, created.id, started, client, tty),
    }
}

/// Starts a container and stays with it to its end; one that runs is attached to.
///
/// # Errors
/// [`RunError`].
pub fn start_attached(home: &Home, container: &str, mut client: Client) -> Result<Ran, RunError> {
    let id = home.containers().lookup(container).map_err(StartError::from)?;
    let config = home.containers().load_record(&id).map_err(|error| StartError::Settle(error.into()))?.config;
    client.check(config.tty)?;
    if !config.open_stdin {
        client.streams.stdin = None;
    }
    grace::begin();
    let writer = home.writer()?;
    events::by_id(home, &id, "attach", &[]);
    let started = start::start_with(home, &writer, &id, Some(client.streams.wanted()))?;
    drop(writer);
    follow(home, id, started, client, config.tty)
}

fn follow(home: &Home, id: ContainerId, started: Started, client: Client, tty: bool) -> Result<Ran, RunError> {
    let (session, again): (Session, bool) = match started.session {
        Some(session) => (session, false),
        None => (Connection::open(&home.run_dir(&id))?.attach(client.streams.wanted())?, true),
    };
    match pump(session, client, tty, again) {
        // docker/cli 20.10, run.go: whoever leaves it has got what was wanted.
        Err(SessionError::Detached) => Ok(Ran::Left(id)),
        other => Ok(Ran::Ended { id, code: other?.exit_code }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_exit_code_goes_by_the_words() {
        let code = |reason: &str| {
            let error = crate::shim::StartError { message: reason.to_owned(), exit_code: 127 };
            RunError::from(StartError::from(error)).exit_code()
        };
        assert_eq!(code("exec: \"x\": executable file not found in $PATH: unknown"), 127);
        assert_eq!(code("exec: \"/x\": stat /x: no such file or directory: unknown"), 127);
        assert_eq!(code("exec: \"/etc\": permission denied: unknown"), 126);
        assert_eq!(code("not a directory"), 125);
    }
}
