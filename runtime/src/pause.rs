//! `pause` and `unpause`: the kernel holds all processes of a container, and lets them go on.
//!
//! moby 20.10, daemon/pause.go, daemon/unpause.go.

use base::ContainerId;
use containers::LookupError;

use crate::{
    events,
    home::{Home, HomeError, Writer},
    recover::{self, SettleError, Settled},
    shim,
};

/// Why a container was not paused or let go on. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// It does not run.
    #[error("Container {0} is not running")]
    NotRunning(ContainerId),
    /// Once is enough.
    #[error("Container {0} is already paused")]
    Paused(ContainerId),
    /// Nothing to let go on.
    #[error("Container {0} is not paused")]
    NotPaused(ContainerId),
    /// It is between two lives.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// The kernel would not.
    #[error("Cannot {verb} container {id}")]
    Kernel {
        /// `pause` or `unpause`.
        verb: &'static str,
        /// The container.
        id: ContainerId,
        /// Why not.
        source: sys::Error,
    },
    /// Its record cannot be saved.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Holds all processes of a container.
///
/// # Errors
/// [`PauseError`].
pub fn pause(home: &Home, container: &str) -> Result<(), PauseError> {
    let id = home.containers().lookup(container)?;
    let writer = home.writer()?;
    let Settled { mut container, running, lock: _lock } = recover::settle(home, &writer, &id)?;
    let state = &container.record.state;
    match () {
        () if !running => return Err(PauseError::NotRunning(id)),
        () if state.paused => return Err(PauseError::Paused(id)),
        () if state.restarting => return Err(PauseError::Restarting(id)),
        () => {}
    }
    shim::freeze(&home.run_dir(&id), true).map_err(|source| PauseError::Kernel { verb: "pause", id, source })?;
    container.record.state.paused = true;
    home.containers().save_record(&container.id, &container.record)?;
    events::container(home, &container, "pause", &[]);
    Ok(())
}

/// Lets a container's processes go on.
///
/// # Errors
/// [`PauseError`].
pub fn unpause(home: &Home, container: &str) -> Result<(), PauseError> {
    let id = home.containers().lookup(container)?;
    let writer = home.writer()?;
    let Settled { mut container, running, lock: _lock } = recover::settle(home, &writer, &id)?;
    if !(running && container.record.state.paused) {
        return Err(PauseError::NotPaused(id));
    }
    shim::freeze(&home.run_dir(&id), false).map_err(|source| PauseError::Kernel { verb: "unpause", id, source })?;
    container.record.state.paused = false;
    home.containers().save_record(&container.id, &container.record)?;
    events::container(home, &container, "unpause", &[]);
    Ok(())
}

/// After a signal that is taken only then. What the container does with it is its own affair: it
/// may be gone before this is written down.
pub(crate) fn let_go_on(home: &Home, writer: &Writer, id: &ContainerId) {
    drop(shim::freeze(&home.run_dir(id), false));
    if let Ok(Settled { mut container, running: true, lock: _lock }) = recover::settle(home, writer, id) {
        container.record.state.paused = false;
        drop(home.containers().save_record(id, &container.record));
    }
}
