//! The socket on which libcontainer hands over the master of a container's terminal.
//!
//! It connects while it makes the process and sends the descriptor when the process has opened the
//! terminal in its own `/dev/pts`; by the time the process runs, the message is there.

use std::{
    io::{IoSliceMut, Result},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Waits for a terminal.
pub(super) struct Console {
    path: PathBuf,
    listener: UnixListener,
    sender: Option<UnixStream>,
}

impl Console {
    /// Listens as `name` in `dir`.
    pub fn listen(dir: &Path, name: &str) -> Result<Self> {
        let listener = super::client::by_descriptor(dir, name, UnixListener::bind)?;
        listener.set_nonblocking(true)?;
        Ok(Self { path: dir.join(name), listener, sender: None })
    }

    /// Where libcontainer connects.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is to be polled for input.
    pub fn source(&self) -> BorrowedFd<'_> {
        self.sender.as_ref().map_or_else(|| self.listener.as_fd(), |sender| sender.as_fd())
    }

    /// The terminal's master, if it has come; never waits.
    pub fn take(&mut self) -> Result<Option<OwnedFd>> {
        use std::io::ErrorKind::WouldBlock;
        if self.sender.is_none() {
            match self.listener.accept() {
                Ok((sender, _)) => {
                    sender.set_nonblocking(true)?;
                    self.sender = Some(sender);
                }
                Err(error) if error.kind() == WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        match self.sender.as_ref().map(receive).transpose() {
            Err(error) if error.kind() == WouldBlock => Ok(None),
            other => other.map(Option::flatten),
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Its directory goes with the container in any case.
        drop(sys::remove_file(&self.path));
    }
}

fn receive(socket: &UnixStream) -> Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut name = [0; 256];
    recvmsg(socket, &mut [IoSliceMut::new(&mut name)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut found = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            found = found.or(descriptors.last());
        }
    }
    Ok(found)
}
