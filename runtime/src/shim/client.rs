//! Talking to a container's shim from another process.

use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use oci_spec::runtime::Process;

use super::{
    Attach, ExitRecord, Running, Session, StartError,
    protocol::{Answer, Exec, Kind, Request, first, put_json},
};
use crate::policy::Rule;

const SOCKET: &str = "s";

/// Why a shim could not be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no shim: the container does not run, or its shim was lost.
    #[error("no shim serves {0}")]
    Gone(PathBuf),
    /// It went away while we spoke.
    #[error("the container's shim went away")]
    Lost,
    /// It would not.
    #[error("{0}")]
    Refused(#[from] StartError),
    /// The system would not.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A process to run in a container.
#[derive(Debug, Clone)]
pub struct ExecProcess {
    /// As dockerd would tell runc, but with HOME in its environment.
    pub process: Process,
    /// Which of its streams are wanted; without any, the exec is detached.
    pub attach: Attach,
}

/// A connection for one request.
#[derive(Debug)]
pub struct Connection {
    socket: UnixStream,
    input: Vec<u8>,
}

/// The socket, by a short path: one in the file system may be longer than an address may be.
pub(super) fn by_descriptor<T>(dir: &Path, name: &str, act: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let open = std::fs::File::open(dir)?;
    act(PathBuf::from(format!("/proc/self/fd/{}/{name}", open.as_raw_fd())))
}

/// The shim's end.
pub(super) fn listen(dir: &Path) -> io::Result<UnixListener> {
    by_descriptor(dir, SOCKET, UnixListener::bind)
}

impl Connection {
    /// Connects to the shim that serves this directory.
    ///
    /// # Errors
    /// [`ConnectError::Gone`] when none does.
    pub fn open(dir: &Path) -> Result<Self, ConnectError> {
        let gone = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
        match by_descriptor(dir, SOCKET, UnixStream::connect) {
            Ok(socket) => Ok(Self { socket, input: Vec::new() }),
            Err(error) if gone.contains(&error.kind()) => Err(ConnectError::Gone(dir.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    /// As [`Connection::open`], and when the shim goes away meanwhile. So for the others.
    pub fn ping(self) -> Result<Running, ConnectError> {
        self.ask(&Request::Ping)
    }

    /// Sends a signal to the container's first process.
    ///
    /// # Errors
    /// [`ConnectError::Refused`] when there is no such process any more.
    pub fn kill(self, signal: i32) -> Result<(), ConnectError> {
        self.ask(&Request::Kill { signal }).map(drop)
    }

    /// Says that a user wants it to stop. `for_good`: it is not to be started again by itself; one
    /// that waits for that has then ended.
    ///
    /// # Errors
    /// As [`Connection::ping`].
    pub fn mark_stopped(self, for_good: bool) -> Result<(), ConnectError> {
        self.ask(&Request::MarkStopped { for_good }).map(drop)
    }

    /// Says whether it is to be removed when it ends.
    ///
    /// # Errors
    /// As [`Connection::ping`].
    pub fn set_auto_remove(self, wanted: bool) -> Result<(), ConnectError> {
        self.ask(&Request::SetAutoRemove(wanted)).map(drop)
    }

    /// Says when it is to be started again.
    ///
    /// # Errors
    /// As [`Connection::ping`].
    pub fn set_restart(self, rule: Rule) -> Result<(), ConnectError> {
        self.ask(&Request::SetRestart(rule)).map(drop)
    }

    /// Waits until the container has ended and everything of it is put away.
    ///
    /// # Errors
    /// [`ConnectError::Lost`] when the shim is killed instead.
    pub fn wait(mut self) -> Result<ExitRecord, ConnectError> {
        self.send(&Request::Wait)?;
        self.hear(Kind::Exit)
    }

    /// Something to be polled beside others: readable when the container has ended and everything
    /// of it is put away, or when the shim was killed.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub fn into_end(mut self) -> Result<OwnedFd, ConnectError> {
        self.send(&Request::Wait)?;
        Ok(self.socket.into())
    }

    /// As [`Connection::wait`], but no longer than `patience` (for ever if `None`); `None` when it is over.
    ///
    /// # Errors
    /// As [`Connection::wait`].
    pub fn wait_for(mut self, patience: Option<Duration>) -> Result<Option<ExitRecord>, ConnectError> {
        self.send(&Request::Wait)?;
        let until = patience.map(|patience| Instant::now() + patience);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            self.socket.set_read_timeout(left)?;
            match self.hear(Kind::Exit) {
                Err(ConnectError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other.map(Some),
            }
        }
    }

    /// Connects to the container's streams.
    ///
    /// # Errors
    /// As [`Connection::ping`].
    pub fn attach(mut self, attach: Attach) -> Result<Session, ConnectError> {
        self.send(&Request::Attach(attach))?;
        self.answer()?;
        Ok(Session::resume(self.socket, self.input))
    }

    /// Starts one more process in the container, and connects to its streams.
    ///
    /// # Errors
    /// [`ConnectError::Refused`] in docker's words when it does not start.
    pub fn exec(mut self, exec: ExecProcess) -> Result<(Running, Session), ConnectError> {
        let ExecProcess { process, attach } = exec;
        self.send(&Request::Exec(Box::new(Exec { process, attach })))?;
        let running = self.answer()?;
        Ok((running, Session::resume(self.socket, self.input)))
    }

    fn ask(mut self, request: &Request) -> Result<Running, ConnectError> {
        self.send(request)?;
        self.answer()
    }

    fn send(&mut self, request: &Request) -> Result<(), ConnectError> {
        let mut bytes = Vec::new();
        put_json(Kind::Talk, request, &mut bytes);
        self.socket.write_all(&bytes).map_err(lost)
    }

    fn answer(&mut self) -> Result<Running, ConnectError> {
        match self.hear(Kind::Talk)? {
            Answer::Done(running) => Ok(running),
            Answer::Refused(error) => Err(error.into()),
        }
    }

    /// The next frame of this kind. Streams may come before an exec's answer: they are kept.
    fn hear<T: serde::de::DeserializeOwned>(&mut self, wanted: Kind) -> Result<T, ConnectError> {
        let mut from = 0;
        let mut buffer = [0; 4096];
        loop {
            while let Some((kind, payload, length)) = first(&self.input[from..]).map_err(|_| ConnectError::Lost)? {
                if kind == wanted {
                    let value = serde_json::from_slice(payload).map_err(|_| ConnectError::Lost)?;
                    self.input.drain(from..from + length);
                    return Ok(value);
                }
                from += length;
            }
            match self.socket.read(&mut buffer).map_err(lost)? {
                0 => return Err(ConnectError::Lost),
                count => self.input.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

fn lost(error: io::Error) -> ConnectError {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => ConnectError::Lost,
        _ => error.into(),
    }
}
