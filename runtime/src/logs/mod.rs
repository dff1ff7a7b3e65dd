//! `logs`: what a container has written so far, from the files of its log, the older ones first.

mod files;

use std::path::PathBuf;

use base::Time;
use containers::{
    LookupError,
    json_log::{BadEntry, Entry},
};

use crate::{
    find,
    home::Home,
    logging::{self, BadLog},
};

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

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its driver keeps no log, or keeps it elsewhere. The words are dockerd's.
    #[error("configured logging driver does not support reading")]
    Unreadable,
    /// Its options mean nothing.
    #[error(transparent)]
    Options(#[from] BadLog),
    /// The file cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Hands a container's log to `each`, entry by entry. A damaged entry is handed over as the error
/// that it is; the next one follows. A container that never ran has no log, which is none.
///
/// # Errors
/// [`LogsError`], and what `each` returns.
pub fn logs<E: From<LogsError>>(
    home: &Home,
    request: &LogsRequest,
    mut each: impl FnMut(Result<Entry, BadEntry>) -> Result<(), E>,
) -> Result<(), E> {
    let container = find::container(home, &request.container).map_err(LogsError::from)?;
    let log = match logging::of(&container, &home.container_dir(&container.id)) {
        Ok(log) => log.ok_or(LogsError::Unreadable)?,
        Err(BadLog::Elsewhere(_) | BadLog::Driver(_)) => return Err(LogsError::Unreadable.into()),
        Err(error) => return Err(LogsError::from(error).into()),
    };
    let failed = |source| LogsError::Read { path: log.path.clone(), source };
    let opened = files::open(&log).map_err(failed)?;
    let entries = files::entries(opened, request.tail).map_err(failed)?;
    for entry in entries {
        match &entry {
            Ok(entry) if request.since.is_some_and(|since| entry.time < since) => {}
            Ok(entry) if request.until.is_some_and(|until| entry.time > until) => break,
            _ => each(entry)?,
        }
    }
    Ok(())
}
