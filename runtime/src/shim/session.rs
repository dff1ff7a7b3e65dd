//! A client's connection to a process's streams.

use std::{
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
};

use nix::sys::{
    signal::{SigSet, SigmaskHow, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
    net::{RecvFlags, SendFlags},
};

use super::{
    ExitRecord,
    protocol::{Kind, first, put},
};
use crate::{
    run::Streams,
    terminal::{self, DetachKeys, Raw, Size, Watch},
};

/// A connection to a container's, or an exec's, streams.
#[derive(Debug)]
pub struct Session {
    socket: UnixStream,
    input: Vec<u8>,
}

/// Why a session ended before the process.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The shim was killed, or dropped us because we did not read.
    #[error("the connection to the container was lost")]
    Lost,
    /// The user typed the keys that leave it running. The words are those of docker's client.
    #[error("read escape sequence")]
    Detached,
    /// A signal told us to end, with a terminal between us and the process.
    #[error("ended by signal {0}")]
    Signal(i32),
    /// Our own side.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Errno> for SessionError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// How a session is used.
#[derive(Debug, Default)]
pub struct Pump {
    /// Where the streams come from and go to.
    pub streams: Streams,
    /// Signals to us are meant for the process (`--sig-proxy`).
    pub proxy_signals: bool,
    /// The process has a terminal, and is shown on ours.
    pub terminal: Option<Shown>,
}

/// How a process's terminal is shown on ours.
#[derive(Debug, Default)]
pub struct Shown {
    /// What leaves it running.
    pub keys: DetachKeys,
    /// It has been there before: a change of size makes it draw itself again.
    pub again: bool,
}

impl Session {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, input: Vec::new() }
    }

    pub(super) fn resume(socket: UnixStream, input: Vec<u8>) -> Self {
        Self { socket, input }
    }

    /// Carries the streams until the process has ended; returns how. For a container: when
    /// everything of it is put away.
    ///
    /// # Errors
    /// When the connection is lost, or a stream of ours fails. An output that is closed is not a
    /// failure: what goes there is dropped.
    pub fn pump(mut self, pump: Pump) -> Result<ExitRecord, SessionError> {
        let mut streams = pump.streams;
        let mut output = Vec::new();
        let signals = match &pump.terminal {
            Some(_) => Some(Signals::of(&WITH_TERMINAL)?),
            None => pump.proxy_signals.then(|| Signals::of(&PROXIED)).transpose()?,
        };
        // Declared after the signals: the terminal is itself again before one of them ends us.
        let _raw = match (&pump.terminal, &streams.stdin) {
            (Some(_), Some(stdin)) => Raw::enter(stdin)?,
            _ => None,
        };
        let mut keys = pump.terminal.as_ref().map(|shown| Watch::new(&shown.keys));
        if let Some(shown) = &pump.terminal {
            if shown.again {
                resize(&streams, 1, &mut output);
            }
            resize(&streams, 0, &mut output);
        }
        if streams.stdin.is_none() {
            put(Kind::StdinEnd, &[], &mut output);
        }
        loop {
            if let Some(exit) = self.show(&mut streams)? {
                return Ok(exit);
            }
            let ready = self.wait(&streams, signals.as_ref(), &output)?;
            if ready.signal
                && let Some(signals) = &signals
            {
                match pump.terminal {
                    None => signals.forward(&mut output),
                    Some(_) => match signals.next() {
                        Some(Signal::SIGWINCH) => resize(&streams, 0, &mut output),
                        Some(signal) => return Err(SessionError::Signal(signal as i32)),
                        None => {}
                    },
                }
            }
            if ready.stdin {
                read_stdin(&mut streams.stdin, keys.as_mut(), &mut output)?;
            }
            if ready.writable {
                self.send(&mut output)?;
            }
            if ready.readable {
                self.receive()?;
            }
        }
    }

    /// Waits for the process's end only, as a detached exec's client does not.
    fn wait(&self, streams: &Streams, signals: Option<&Signals>, output: &[u8]) -> Result<Ready, SessionError> {
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, !output.is_empty());
        let mut fds = vec![PollFd::from_borrowed_fd(self.socket.as_fd(), wanted)];
        // Stdin is read no faster than the process takes it.
        let stdin = streams.stdin.as_ref().filter(|_| output.is_empty());
        let stdin_at = stdin.map(|fd| push(&mut fds, fd.as_fd()));
        let signals_at = signals.map(|signals| push(&mut fds, signals.fd.as_fd()));
        loop {
            match rustix::event::poll(&mut fds, None) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(_) => break,
            }
        }
        let has = |at: Option<usize>| at.is_some_and(|at| !fds[at].revents().is_empty());
        let socket = fds[0].revents();
        Ok(Ready {
            readable: socket.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
            writable: socket.contains(PollFlags::OUT),
            stdin: has(stdin_at),
            signal: has(signals_at),
        })
    }

    fn send(&self, output: &mut Vec<u8>) -> Result<(), SessionError> {
        match rustix::net::send(&self.socket, output, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(count) => drop(output.drain(..count)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // The shim may have said its last word: that is to be read.
            Err(_) => output.clear(),
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), SessionError> {
        let mut buffer = [0; 16 << 10];
        match rustix::net::recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) | Err(Errno::CONNRESET) => Err(SessionError::Lost),
            Ok((count, _)) => {
                self.input.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Shows what has come; the end, if it has come too.
    fn show(&mut self, streams: &mut Streams) -> Result<Option<ExitRecord>, SessionError> {
        let mut from = 0;
        let mut end = None;
        while let Some((kind, payload, length)) = first(&self.input[from..]).map_err(|_| SessionError::Lost)? {
            match kind {
                Kind::Stdout => write_out(&mut streams.stdout, payload),
                Kind::Stderr => write_out(&mut streams.stderr, payload),
                Kind::Exit => end = Some(serde_json::from_slice(payload).map_err(|_| SessionError::Lost)?),
                _ => {}
            }
            from += length;
        }
        self.input.drain(..from);
        Ok(end)
    }
}

struct Ready {
    readable: bool,
    writable: bool,
    stdin: bool,
    signal: bool,
}

fn push<'a>(fds: &mut Vec<PollFd<'a>>, fd: std::os::fd::BorrowedFd<'a>) -> usize {
    fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
    fds.len() - 1
}

/// Tells the process's terminal the size of ours, `more` rows and columns larger.
fn resize(streams: &Streams, more: u16, output: &mut Vec<u8>) {
    let ours = streams.stdout.as_ref().and_then(terminal::size);
    if let Some(Size { rows, columns }) = ours.or_else(|| streams.stdin.as_ref().and_then(terminal::size)) {
        let numbers = [rows.saturating_add(more), columns.saturating_add(more)].map(u16::to_be_bytes);
        put(Kind::Resize, &numbers.concat(), output);
    }
}

fn read_stdin(stdin: &mut Option<OwnedFd>, keys: Option<&mut Watch>, output: &mut Vec<u8>) -> Result<(), SessionError> {
    let mut buffer = [0; 16 << 10];
    let Some(fd) = stdin else { return Ok(()) };
    match rustix::io::read(&*fd, &mut buffer) {
        Ok(0) | Err(Errno::IO) => {
            *stdin = None;
            put(Kind::StdinEnd, &[], output);
        }
        Ok(count) => match keys {
            None => put(Kind::Stdin, &buffer[..count], output),
            Some(keys) => {
                let (passed, detached) = keys.pass(&buffer[..count]);
                if detached {
                    return Err(SessionError::Detached);
                }
                if !passed.is_empty() {
                    put(Kind::Stdin, &passed, output);
                }
            }
        },
        Err(Errno::INTR | Errno::AGAIN) => {}
        Err(errno) => return Err(errno.into()),
    }
    Ok(())
}

/// Waits for our own output: who reads it sets the pace.
fn write_out(to: &mut Option<OwnedFd>, mut bytes: &[u8]) {
    while let Some(fd) = to.as_ref().filter(|_| !bytes.is_empty()) {
        match rustix::io::write(fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::OUT)];
                let _ = rustix::event::poll(&mut fds, None);
            }
            Err(_) => *to = None,
        }
    }
}

/// docker/cli 20.10, cli/command/container/signals.go: all but SIGCHLD, SIGPIPE, SIGURG and those
/// nobody can catch; here also not what the kernel raises for a fault of ours, or for job control.
const PROXIED: [Signal; 8] = [
    Signal::SIGALRM,
    Signal::SIGCONT,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// With a terminal its keys are signals to the process; those to us end us, and it must be put
/// right before.
const WITH_TERMINAL: [Signal; 5] = [Signal::SIGWINCH, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// Signals that are read instead of obeyed, until dropped.
struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    fn of(signals: &[Signal]) -> io::Result<Self> {
        let mut set = SigSet::empty();
        signals.iter().for_each(|signal| set.add(*signal));
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { fd, before })
    }

    fn next(&self) -> Option<Signal> {
        let info = self.fd.read_signal().ok()??;
        Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()
    }

    fn forward(&self, output: &mut Vec<u8>) {
        while let Ok(Some(info)) = self.fd.read_signal() {
            if let Ok(number) = u8::try_from(info.ssi_signo) {
                put(Kind::Signal, &[number], output);
            }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}
