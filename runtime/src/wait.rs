//! `wait`: until a container ends; its exit code.

use std::time::Duration;

use base::ContainerId;
use containers::LookupError;

use crate::{
    find,
    home::Home,
    shim::{ConnectError, Connection},
    truth::{self, Keeper},
};

/// Why a container cannot be waited for.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A dockerd runs it.
    #[error("container {0} is kept running by dockerd's own shim: only dockerd can wait for it")]
    Foreign(ContainerId),
    /// Its shim cannot be spoken to.
    #[error(transparent)]
    Shim(#[from] ConnectError),
}

/// The exit code of a container, as soon as it does not run. One that is removed when it ends is
/// waited for all the same.
///
/// # Errors
/// [`WaitError`].
pub fn wait(home: &Home, container: &str) -> Result<i64, WaitError> {
    let found = find::container(home, container)?;
    let state = &found.record.state;
    if !state.running {
        return Ok(state.exit_code);
    }
    if truth::keeper(&found.id, state) == Keeper::Other && !home.run_dir(&found.id).is_dir() {
        return Err(WaitError::Foreign(found.id));
    }
    loop {
        match Connection::open(&home.run_dir(&found.id)).and_then(Connection::wait) {
            Ok(exit) => return Ok(i64::from(exit.exit_code)),
            // It has ended since we looked, or its shim was killed: what the record says now. Or
            // it has been started again.
            Err(ConnectError::Gone(_) | ConnectError::Lost) => {
                let now = find::container(home, found.id.as_str())?.record.state;
                if !now.running {
                    return Ok(now.exit_code);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
