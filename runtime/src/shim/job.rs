//! A process the shim looks after: init, or one of its execs.

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    termios::{Winsize, tcsetwinsize},
};

use super::console::Console;

/// How long a stream may stay open after its process has ended, held by some descendant.
///
/// moby 20.10, daemon/monitor.go `handleContainerExit`: two seconds.
const LINGER: Duration = Duration::from_secs(2);

/// Most input kept for a process that does not read.
pub(super) const MOST_INPUT: usize = 64 << 10;

/// The number of init's job.
pub(super) const INIT: u32 = 0;

pub(super) struct Job {
    pub number: u32,
    /// Known since the helper said `created`.
    pub pid: Option<i32>,
    /// Until the helper is done.
    pub helper: Option<Helper>,
    pub stdin: Option<Stdin>,
    /// stdout and stderr, until they end; of a terminal the first is all.
    pub outputs: [Option<OwnedFd>; 2],
    /// Where its terminal is to come from, until it has come.
    pub console: Option<Console>,
    /// Its terminal.
    pub terminal: Option<OwnedFd>,
    pub ended: Option<Exit>,
}

/// A process has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    pub code: i32,
    pub at: Instant,
}

/// The helper that starts a job's process.
pub(super) struct Helper {
    pub pid: i32,
    pub status: OwnedFd,
    said: Vec<u8>,
}

/// What a helper has said so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing that decides.
    Nothing,
    /// The process runs.
    Started,
    /// It will not, for this reason.
    Failed(String),
}

impl Helper {
    pub fn new(pid: i32, status: OwnedFd) -> Self {
        Self { pid, status, said: Vec::new() }
    }

    /// Reads what there is. `over`: the helper is dead, what it has not said it never will.
    pub fn listen(&mut self, over: bool) -> (Option<i32>, Said) {
        let mut buffer = [0; 1024];
        let ended = loop {
            match rustix::io::read(&self.status, &mut buffer) {
                Ok(0) => break true,
                Ok(count) => self.said.extend_from_slice(&buffer[..count]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break over,
                Err(_) => break true,
            }
        };
        let text = String::from_utf8_lossy(&self.said);
        let (lines, reason) = match text.split_once("failed\n") {
            Some((lines, reason)) => (lines, Some(reason)),
            None => (&*text, None),
        };
        let pid = lines.lines().find_map(|line| line.strip_prefix("created ")?.parse().ok());
        let said = match reason {
            _ if lines.lines().any(|line| line == "started") => Said::Started,
            Some(reason) if ended => Said::Failed(reason.to_owned()),
            None if ended => Said::Failed("the process that was to start it has died".to_owned()),
            _ => Said::Nothing,
        };
        (pid, said)
    }
}

impl Job {
    /// Its start has been told, its process has ended, and its streams too, or they have lingered
    /// long enough.
    pub fn is_over(&self, now: Instant) -> bool {
        let quiet = self.outputs.iter().all(Option::is_none);
        self.helper.is_none() && self.ended.is_some_and(|exit| quiet || now >= exit.at + LINGER)
    }

    /// When to look at it again though nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.ended.filter(|_| self.helper.is_none()).map(|exit| exit.at + LINGER)
    }

    /// Takes its terminal, if it has come. `stdin`: what clients type goes there.
    pub fn take_terminal(&mut self, stdin: bool) -> std::io::Result<()> {
        let Some(console) = &mut self.console else { return Ok(()) };
        let Some(master) = console.take()? else { return Ok(()) };
        self.console = None;
        rustix::io::ioctl_fionbio(&master, true)?;
        self.outputs[0] = Some(master.try_clone()?);
        if stdin {
            self.stdin = Some(Stdin::new(master.try_clone()?));
        }
        self.terminal = Some(master);
        Ok(())
    }

    /// Tells its terminal, and by that the process, how large it is.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // A terminal that has just ended has no size.
        let _ = self.terminal.as_ref().map(|terminal| tcsetwinsize(terminal, size));
    }

    /// Whether it reads what it is given.
    pub fn takes_input(&self) -> bool {
        self.stdin.as_ref().is_none_or(|stdin| stdin.pending.len() < MOST_INPUT)
    }
}

/// The writing end of a process's stdin, and what it has not read yet.
pub(super) struct Stdin {
    pub fd: OwnedFd,
    pub pending: Vec<u8>,
    /// To be closed when all is written.
    pub ending: bool,
}

impl Stdin {
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd, pending: Vec::new(), ending: false }
    }

    /// Writes what the pipe takes. Whether it is to be closed.
    pub fn push(&mut self) -> bool {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.fd, &self.pending) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                // Nobody will read it.
                Err(_) => return true,
            }
        }
        self.ending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, over: bool) -> (Option<i32>, Said) {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).expect("a pipe");
        rustix::io::write(&write, text.as_bytes()).expect("it fits");
        Helper::new(1, read).listen(over)
    }

    #[test]
    fn a_helper_tells_the_pid_before_it_tells_the_outcome() {
        assert_eq!(after("created 12\n", false), (Some(12), Said::Nothing));
        assert_eq!(after("created 12\nstarted\n", false), (Some(12), Said::Started));
    }

    #[test]
    fn a_reason_is_whole_only_when_the_helper_is_gone() {
        assert_eq!(after("failed\nno", false), (None, Said::Nothing));
        assert_eq!(after("failed\nno\nway", true), (None, Said::Failed("no\nway".to_owned())));
    }

    #[test]
    fn a_helper_that_dies_without_a_word_has_failed() {
        assert!(matches!(after("created 12\n", true), (Some(12), Said::Failed(_))));
    }
}
