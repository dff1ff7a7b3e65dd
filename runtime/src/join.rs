//! `--pid container:NAME` and `--ipc container:NAME`: a container that lives in another one's namespace.
//!
//! moby 20.10, daemon/container_operations_unix.go `getPidContainer`.

use std::path::PathBuf;

use base::ContainerId;
use containers::{HostConfig, LookupError};

use crate::{
    home::Home,
    shim::{self, State},
};

/// Why a container cannot share another one's namespace. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// No such container.
    #[error("cannot join PID of a non running container: {name}: {reason}")]
    Lookup {
        /// As recorded.
        name: String,
        /// Why not.
        reason: LookupError,
    },
    /// It does not run.
    #[error("container {0} is not running")]
    NotRunning(ContainerId),
    /// Whether it runs cannot be seen.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Notes whose namespaces are shared by id: a name may mean another container tomorrow (moby
/// 20.10, daemon_unix.go `adaptContainerSettings`).
///
/// # Errors
/// When there is no such container.
pub(crate) fn by_id(home: &Home, host: &mut HostConfig) -> Result<(), LookupError> {
    for mode in [&mut host.pid_mode, &mut host.ipc_mode] {
        if let Some(name) = mode.strip_prefix("container:") {
            *mode = format!("container:{}", home.containers().lookup(name)?);
        }
    }
    Ok(())
}

/// The namespaces a container shares with others that run, by OCI's name.
///
/// # Errors
/// [`JoinError`].
pub(crate) fn namespaces(home: &Home, host: &HostConfig) -> Result<Vec<(&'static str, PathBuf)>, JoinError> {
    let Some(name) = host.pid_mode.strip_prefix("container:") else { return Ok(Vec::new()) };
    let found = home.containers().lookup(name);
    let id = found.map_err(|reason| JoinError::Lookup { name: name.to_owned(), reason })?;
    match shim::state(&home.run_dir(&id))? {
        State::Running(running) => Ok(vec![("pid", format!("/proc/{}/ns/pid", running.pid).into())]),
        _ => Err(JoinError::NotRunning(id)),
    }
}
