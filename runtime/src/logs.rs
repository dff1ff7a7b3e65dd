//! `logs`: what a container has written so far.

use base::Time;

/// Which part of a container's log.
#[derive(Debug, Clone, Default)]
pub struct LogsRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Only what is not older.
    pub since: Option<Time>,
    /// Only what is not newer.
    pub until: Option<Time>,
    /// Only so many of the last lines.
    pub tail: Option<u64>,
}

/// Which stream a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
