//! `logs`: what a container has written so far.

use std::{
    fs::File,
    io::{BufReader, Seek, SeekFrom},
    path::PathBuf,
};

use base::Time;
use containers::{
    LookupError,
    json_log::{self, BadEntry, Entries, Entry},
};

use crate::{find, home::Home};

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
    if !["json-file", ""].contains(&container.host_config.log_config.kind.as_str()) {
        return Err(LogsError::Unreadable.into());
    }
    let path = home.containers().log_of(&container.id);
    let failed = |source| LogsError::Read { path: path.clone(), source };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error).into()),
    };
    if let Some(lines) = request.tail {
        let start = json_log::tail(&mut file, lines).map_err(failed)?;
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
    }
    for entry in Entries::new(BufReader::new(file)) {
        match &entry {
            Ok(entry) if request.since.is_some_and(|since| entry.time < since) => {}
            Ok(entry) if request.until.is_some_and(|until| entry.time > until) => break,
            Err(BadEntry::Read(_)) => {
                each(entry)?;
                break;
            }
            _ => each(entry)?,
        }
    }
    Ok(())
}
