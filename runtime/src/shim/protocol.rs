//! What goes over the socket: frames with docker's 8-byte head (`type 0 0 0`, then the length, big
//! endian), so that an API can pass streams through as they are. A client sends one request, the
//! shim one answer; what follows depends on the request.

use oci_spec::runtime::Process;
use serde::{Deserialize, Serialize};

use super::{StartError, state::Running};
use crate::policy::Rule;

/// The longest payload either side accepts.
pub(super) const LONGEST: usize = 1 << 20;

const HEAD: usize = 8;

/// What a frame is. The first three are docker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the process.
    Stdin = 0,
    Stdout = 1,
    Stderr = 2,
    /// JSON: a [`Request`] from the client, an [`Answer`] from the shim.
    Talk = 3,
    /// JSON: the process has ended, nothing follows.
    Exit = 4,
    /// The client will send no more stdin.
    StdinEnd = 5,
    /// One byte: a signal for the process.
    Signal = 6,
    /// Two numbers of two bytes, big endian: rows and columns of the process's terminal.
    Resize = 7,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        use Kind::{Exit, Resize, Signal, Stderr, Stdin, StdinEnd, Stdout, Talk};
        [Stdin, Stdout, Stderr, Talk, Exit, StdinEnd, Signal, Resize].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Appends a frame.
pub(super) fn put(kind: Kind, payload: &[u8], to: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("payloads are cut to far less");
    to.extend_from_slice(&[kind as u8, 0, 0, 0]);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(payload);
}

/// Appends a frame of JSON.
pub(super) fn put_json(kind: Kind, value: &impl Serialize, to: &mut Vec<u8>) {
    let payload = serde_json::to_vec(value).expect("our own types have only text keys");
    put(kind, &payload, to);
}

/// Not a frame: the other side is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed frame")]
pub(super) struct BadFrame;

/// A frame's kind and payload, and its length with its head.
pub(super) type Frame<'a> = (Kind, &'a [u8], usize);

/// The first frame of `bytes`, if it is whole.
pub(super) fn first(bytes: &[u8]) -> Result<Option<Frame<'_>>, BadFrame> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Ok(None) };
    let [kind, _, _, _, length @ ..] = *head;
    let kind = Kind::of(kind).ok_or(BadFrame)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| BadFrame)?;
    if length > LONGEST {
        return Err(BadFrame);
    }
    Ok(rest.get(..length).map(|payload| (kind, payload, HEAD + length)))
}

/// What a client is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// It sends stdin.
    pub stdin: bool,
    /// It wants stdout.
    pub stdout: bool,
    /// It wants stderr.
    pub stderr: bool,
}

/// What a client wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// [`Answer`]; then streams, as far as wanted; then [`Kind::Exit`].
    Attach(Attach),
    /// [`Answer`]; then the same for the new process.
    Exec(Box<Exec>),
    /// [`Answer`].
    Kill { signal: i32 },
    /// [`Kind::Exit`], when everything is put away.
    Wait,
    /// [`Answer`].
    Ping,
    /// [`Answer`]: a user wants it to stop; `for_good`: no restart policy shall apply.
    MarkStopped { for_good: bool },
    /// [`Answer`]: when the container shall be started again.
    SetRestart(Rule),
    /// [`Answer`]: whether the container shall be removed when it ends.
    SetAutoRemove(bool),
}

/// A process to start beside init.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Exec {
    /// As dockerd would tell runc.
    pub process: Process,
    /// What is not connected is `/dev/null`, or read and forgotten.
    pub attach: Attach,
}

/// What the shim says to a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Done; and this is the process.
    Done(Running),
    /// It could not be.
    Refused(StartError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_dockers_head() {
        let mut bytes = Vec::new();
        put(Kind::Stderr, b"oh", &mut bytes);
        assert_eq!(bytes, b"\x02\0\0\0\0\0\0\x02oh");
        assert_eq!(first(&bytes), Ok(Some((Kind::Stderr, &b"oh"[..], 10))));
        assert_eq!(first(&bytes[..9]), Ok(None), "not whole yet");
    }

    #[test]
    fn a_stranger_is_noticed() {
        assert_eq!(first(b"GET / HTTP/1.1\r\n"), Err(BadFrame));
        assert_eq!(first(b"\x01\0\0\0\xff\xff\xff\xff"), Err(BadFrame), "no frame is that long");
    }
}
