//! Our own standard streams, to attach a container to.

use std::{io, os::fd::AsFd};

use runtime::Streams;

/// stdout and stderr, and stdin if wanted.
///
/// # Errors
/// When a stream is closed.
pub fn ours(stdin: bool) -> io::Result<Streams> {
    Ok(Streams {
        stdin: if stdin { Some(io::stdin().as_fd().try_clone_to_owned()?) } else { None },
        stdout: Some(io::stdout().as_fd().try_clone_to_owned()?),
        stderr: Some(io::stderr().as_fd().try_clone_to_owned()?),
    })
}
