//! `run` and attached `start`: a container's output goes to the caller, and its exit code too.

use std::os::fd::OwnedFd;

use base::ContainerId;

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
