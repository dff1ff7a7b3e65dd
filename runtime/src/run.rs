//! `run` and attached `start`: a container's output goes to the caller, and its exit code too.

use std::os::fd::OwnedFd;

use base::ContainerId;

use crate::{
    cgroup::grace,
    create::{self, CreateError, CreateRequest},
    home::{Home, HomeError},
    shim::{Attach, ConnectError, Connection, Pump, Session, SessionError},
    start::{self, StartError, Started},
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

impl Streams {
    fn wanted(&self) -> Attach {
        Attach { stdin: self.stdin.is_some(), stdout: self.stdout.is_some(), stderr: self.stderr.is_some() }
    }
}

/// How `run` ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It runs on by itself (`-d`).
    Detached(ContainerId),
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
        let Self::Start(error) = self else { return 125 };
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
    streams: Option<Streams>,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Ran, RunError> {
    grace::begin();
    let writer = home.writer()?;
    let created = create::create_with(home, &writer, request)?;
    tell(News::Made(&created.id));
    created.warnings.iter().for_each(|text| tell(News::Warning(text)));
    let started = start::start_with(home, &writer, &created.id, streams.as_ref().map(Streams::wanted))?;
    // The shim holds the lock now.
    drop(writer);
    // The network's warning was given when it was made.
    let new = started.warnings.iter().filter(|text| !created.warnings.contains(text));
    new.for_each(|text| tell(News::Warning(text)));
    match streams {
        None => Ok(Ran::Detached(created.id)),
        Some(streams) => follow(home, created.id, started, streams),
    }
}

/// Starts a container and stays with it to its end; one that runs is attached to.
///
/// # Errors
/// [`RunError`].
pub fn start_attached(home: &Home, container: &str, streams: Streams) -> Result<Ran, RunError> {
    let id = home.containers().lookup(container).map_err(StartError::from)?;
    grace::begin();
    let writer = home.writer()?;
    let started = start::start_with(home, &writer, &id, Some(streams.wanted()))?;
    drop(writer);
    follow(home, id, started, streams)
}

fn follow(home: &Home, id: ContainerId, started: Started, streams: Streams) -> Result<Ran, RunError> {
    let session: Session = match started.session {
        Some(session) => session,
        None => Connection::open(&home.run_dir(&id))?.attach(streams.wanted())?,
    };
    let exit = session.pump(Pump { streams, proxy_signals: true })?;
    Ok(Ran::Ended { id, code: exit.exit_code })
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
