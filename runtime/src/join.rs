//! `--network container:NAME`, `--pid container:NAME` and `--ipc container:NAME`: a container that lives in another
//! one's namespace.
//!
//! moby 20.10, daemon/container_operations_unix.go `getPidContainer`,
//! `getNetworkedContainer`.

use std::path::PathBuf;

use base::ContainerId;
use containers::{HostConfig, LookupError, Record};

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
    /// The container of the network does not run.
    #[error("cannot join network of a non running container: {0}")]
    NetworkNotRunning(ContainerId),
    /// Its own network is meant.
    #[error("cannot join own network")]
    OwnNetwork,
    /// The container of the network is not there.
    #[error(transparent)]
    NoNetwork(LookupError),
    /// The container of the network cannot be read.
    #[error(transparent)]
    Load(#[from] containers::LoadError),
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
    // Who has the network may come later: only the start needs it.
    if let Some(name) = host.network_mode.strip_prefix("container:")
        && let Ok(id) = home.containers().lookup(name)
    {
        host.network_mode = format!("container:{id}");
    }
    Ok(())
}

/// The container whose network a container shares, while it runs, and where its namespace is.
#[derive(Debug)]
pub(crate) struct NetworkOwner {
    /// Its record: its files and names are shared, too.
    pub record: Record,
    /// The namespace.
    pub namespace: PathBuf,
}

/// Looks for the container of `--network container:NAME`; `None` if the network is no container's.
///
/// # Errors
/// [`JoinError`].
pub(crate) fn network_owner(
    home: &Home,
    own: &ContainerId,
    host: &HostConfig,
) -> Result<Option<NetworkOwner>, JoinError> {
    let Some(name) = host.network_mode.strip_prefix("container:") else { return Ok(None) };
    let id = home.containers().lookup(name).map_err(JoinError::NoNetwork)?;
    if id == *own {
        return Err(JoinError::OwnNetwork);
    }
    let State::Running(running) = shim::state(&home.run_dir(&id))? else {
        return Err(JoinError::NetworkNotRunning(id));
    };
    let record = home.containers().load_record(&id)?;
    Ok(Some(NetworkOwner { record, namespace: format!("/proc/{}/ns/net", running.pid).into() }))
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
