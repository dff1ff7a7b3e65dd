//! `logs`: what a container has written so far, from the files of its log, the older ones first;
//! and, if that is wanted, what it still writes until it ends.

mod end;
mod files;
mod follow;

use std::path::PathBuf;

use base::Time;
use containers::{
    LookupError,
    json_log::{BadEntry, Entry},
};

use self::{end::End, follow::Follower};
use crate::{
    find,
    home::Home,
    logging::{self, BadLog, Log},
    shim::ConnectError,
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
    /// Go on until the container ends. One that does not run is not waited for.
    pub follow: bool,
}

/// What a log has to tell.
#[derive(Debug)]
pub enum Told {
    /// An entry.
    Entry(Entry),
    /// One that is damaged. The next one follows.
    Damaged(BadEntry),
    /// Nothing more for the moment: what was told should be seen.
    Quiet,
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
    /// Its changes cannot be waited for.
    #[error(transparent)]
    Watch(#[from] sys::Error),
    /// Its end cannot be waited for.
    #[error(transparent)]
    Shim(#[from] ConnectError),
}

/// Hands a container's log to `each`, entry by entry. A damaged entry is handed over as the error
/// that it is; the next one follows. A container that never ran has no log, which is none.
///
/// # Errors
/// [`LogsError`], and what `each` returns.
pub fn logs<E: From<LogsError>>(
    home: &Home,
    request: &LogsRequest,
    each: impl FnMut(Told) -> Result<(), E>,
) -> Result<(), E> {
    let container = find::container(home, &request.container).map_err(LogsError::from)?;
    let dir = home.container_dir(&container.id);
    let log = match logging::of(&container, &dir) {
        Ok(log) => log.ok_or(LogsError::Unreadable)?,
        Err(BadLog::Elsewhere(_) | BadLog::Driver(_)) => return Err(LogsError::Unreadable.into()),
        Err(error) => return Err(LogsError::from(error).into()),
    };
    let end = if request.follow { End::of(home, &container).map_err(LogsError::from)? } else { None };
    let mut teller = Teller { request, each, over: false };
    match end {
        None => so_far(&log, &mut teller),
        Some(end) => {
            let follower = Follower::new(&log, &dir).map_err(LogsError::from)?;
            until_it_ends(home, follower, end, &mut teller)
        }
    }
}

fn so_far<E: From<LogsError>, F: FnMut(Told) -> Result<(), E>>(log: &Log, teller: &mut Teller<'_, F>) -> Result<(), E> {
    let failed = |source| LogsError::Read { path: log.path.clone(), source };
    let opened = files::open(log).map_err(failed)?;
    for entry in files::entries(opened, teller.request.tail).map_err(failed)?.into_iter().flatten() {
        teller.tell(entry)?;
        if teller.over {
            break;
        }
    }
    Ok(())
}

/// As docker 20.10 does, `until` is noticed by an entry that is newer, and not by the clock.
fn until_it_ends<E: From<LogsError>, F: FnMut(Told) -> Result<(), E>>(
    home: &Home,
    mut follower: Follower<'_>,
    mut end: End,
    teller: &mut Teller<'_, F>,
) -> Result<(), E> {
    let path = follower.path().to_owned();
    let failed = |source| LogsError::Read { path: path.clone(), source };
    let opened = follower.open().map_err(failed)?;
    let current = opened.last().map(files::Part::file).transpose().map_err(failed)?;
    let mut entries = files::entries(opened, teller.request.tail).map_err(failed)?;
    let last = entries.pop();
    for entry in entries.into_iter().flatten() {
        teller.tell(entry)?;
    }
    if let (Some(entries), Some(file)) = (last, current) {
        follower.begin(entries, file);
    }
    let mut ended = false;
    loop {
        while let Some(entry) = follower.next().map_err(failed)? {
            teller.tell(entry)?;
            if teller.over {
                return Ok(());
            }
        }
        if ended || teller.over {
            return Ok(());
        }
        (teller.each)(Told::Quiet)?;
        ended = follower.wait(home, &mut end).map_err(failed)?;
    }
}

/// Hands on what was asked for.
struct Teller<'a, F> {
    request: &'a LogsRequest,
    each: F,
    /// What comes now is newer than what was asked for.
    over: bool,
}

impl<F> Teller<'_, F> {
    fn tell<E>(&mut self, entry: Result<Entry, BadEntry>) -> Result<(), E>
    where
        F: FnMut(Told) -> Result<(), E>,
    {
        match entry {
            Ok(entry) if self.request.since.is_some_and(|since| entry.time < since) => Ok(()),
            Ok(entry) if self.over || self.request.until.is_some_and(|until| entry.time > until) => {
                self.over = true;
                Ok(())
            }
            Ok(entry) => (self.each)(Told::Entry(entry)),
            Err(damage) => (self.each)(Told::Damaged(damage)),
        }
    }
}
