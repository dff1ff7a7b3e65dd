//! A client's connection, seen from the shim. Nothing here ever waits for the client.
//!
//! A client that does not read makes the shim stop reading the process's output, as with docker:
//! for ever if it came with the container (`run` in the foreground: its terminal is where the
//! output goes) or with its exec; else for a second, and then it is dropped.

use std::{
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::protocol::{Attach, Kind, LONGEST, put, put_json};

/// Unsent bytes at which the process is read no further.
const HIGH: usize = 256 << 10;

/// How long one that takes nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It has not said yet.
    New,
    /// To a job's streams.
    Attached(u32, Attach),
    /// To the container's end.
    Waiting,
    /// It has been answered.
    Answered,
}

pub(super) struct Peer {
    pub socket: UnixStream,
    pub role: Role,
    /// The container waits for it.
    pub patient: bool,
    /// What it sent, and has not been looked at.
    pub input: Vec<u8>,
    output: Vec<u8>,
    /// When it last took something.
    progress: Instant,
    /// No frame will follow.
    closing: bool,
    gone: bool,
}

impl Peer {
    pub fn new(socket: UnixStream, role: Role) -> std::io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            role,
            patient: false,
            input: Vec::new(),
            output: Vec::new(),
            progress: Instant::now(),
            closing: false,
            gone: false,
        })
    }

    /// Sends, as far as possible; keeps the rest.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) {
        if self.output.is_empty() {
            self.progress = Instant::now();
        }
        put(kind, payload, &mut self.output);
        self.flush();
    }

    /// Sends JSON.
    pub fn say(&mut self, kind: Kind, value: &impl serde::Serialize) {
        if self.output.is_empty() {
            self.progress = Instant::now();
        }
        put_json(kind, value, &mut self.output);
        self.flush();
    }

    /// Nothing more will be sent.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Goes on sending.
    pub fn flush(&mut self) {
        while !self.output.is_empty() && !self.gone {
            match rustix::net::send(&self.socket, &self.output, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => {
                    self.output.drain(..count);
                    self.progress = Instant::now();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.gone = true,
            }
        }
        self.output.shrink_to(4 << 10);
    }

    /// Takes what has come. `false` at its end.
    pub fn receive(&mut self, buffer: &mut [u8]) -> bool {
        match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.gone = true,
            Ok((count, _)) => self.input.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.gone = true,
        }
        self.gone |= self.input.len() > 2 * LONGEST;
        !self.gone
    }

    /// It is not one of ours.
    pub fn drop_it(&mut self) {
        self.gone = true;
    }

    pub fn is_gone(&self) -> bool {
        self.gone || (self.closing && self.output.is_empty())
    }

    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether the process's output should not be read for now.
    pub fn is_behind(&self) -> bool {
        self.output.len() >= HIGH
    }

    /// Whether it has been waited for long enough.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// When its patience ends.
    pub fn deadline(&self) -> Option<Instant> {
        (self.is_behind() && !self.patient).then(|| self.progress + PATIENCE)
    }

    /// Whether it is attached to this job.
    pub fn attach_to(&self, job: u32) -> Option<Attach> {
        match self.role {
            Role::Attached(number, attach) if number == job => Some(attach),
            _ => None,
        }
    }
}
