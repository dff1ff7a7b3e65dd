//! The events from one moment to another, which may be yet to come.

use std::{io, os::fd::AsFd as _, time::Duration};

use base::Time;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{Event, Filter, journal::Reader};
use crate::home::Home;

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventsRequest {
    /// Those that were; else only what is yet to come.
    pub since: Option<Time>,
    /// No longer than until then; else for ever.
    pub until: Option<Time>,
    /// What of them.
    pub filter: Filter,
}

/// Why no more events were told.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The exec root cannot be watched.
    #[error(transparent)]
    System(#[from] sys::Error),
    /// They could not be told.
    #[error(transparent)]
    Told(#[from] io::Error),
}

/// Tells of events, as they are and as they come. `None`: all that is known so far has been told.
///
/// # Errors
/// When the exec root cannot be watched, and what `tell` says.
pub fn events(
    home: &Home,
    request: &EventsRequest,
    mut tell: impl FnMut(Option<&Event>) -> io::Result<()>,
) -> Result<(), EventsError> {
    let began = Time::now();
    let since = request.since.unwrap_or(began);
    let is_over = || request.until.is_some_and(|until| Time::now() >= until);
    let watch = sys::Watch::new()?;
    let past = is_over();
    if !past {
        // It is there with the first container; and not to be had later for who waits for that.
        sys::create_dir_all(home.exec_root(), 0o711)?;
        watch.add(home.exec_root())?;
    }
    let mut reader = Reader::new(home.exec_root());
    loop {
        let over = is_over();
        while let Some(event) = reader.next() {
            let at = event.at();
            let wanted = at >= since && request.until.is_none_or(|until| at <= until);
            if wanted && request.filter.takes(&event) {
                tell(Some(&event))?;
            }
        }
        tell(None)?;
        if over {
            return Ok(());
        }
        let left = request.until.map(|until| {
            let nanos = until.unix_nanos() - Time::now().unix_nanos();
            Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
        });
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = [PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(sys::Error::new("poll", home.exec_root(), errno).into()),
        }
        watch.changes()?;
    }
}
