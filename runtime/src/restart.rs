//! `restart`: stop, then start. The container's own layer stays as it is.

use containers::LookupError;

use crate::{
    cgroup::grace,
    events,
    home::{Home, HomeError},
    shim::{ConnectError, Connection},
    start::{self, StartError},
    stop::{self, StopError, StopRequest},
    words::Sentence,
};

/// Why a container was not restarted.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It was not stopped.
    #[error(transparent)]
    Stop(Sentence<StopError>),
    /// It was not started again.
    #[error(transparent)]
    Start(Sentence<StartError>),
}

/// Restarts a container; one that does not run is started. Returns the start's warnings.
///
/// # Errors
/// [`RestartError`].
pub fn restart(home: &Home, request: &StopRequest) -> Result<Vec<String>, RestartError> {
    let id = home.containers().lookup(&request.container)?;
    let writer = home.writer()?;
    let begin = || format!("Cannot restart container {}", request.container);
    // A container with --rm survives its own restart.
    if let Ok(shim) = Connection::open(&home.run_dir(&id)) {
        match shim.set_auto_remove(false) {
            Ok(()) | Err(ConnectError::Gone(_) | ConnectError::Lost | ConnectError::Refused(_)) => {}
            Err(source) => {
                let reason = StopError::Shim { container: request.container.clone(), source };
                return Err(RestartError::Stop(Sentence::new(begin(), reason)));
            }
        }
    }
    let stopped = stop::stop_with(home, &writer, &id, request);
    stopped.map_err(|reason| RestartError::Stop(Sentence::new(begin(), reason)))?;
    grace::begin();
    let started = start::start_with(home, &writer, &id, None);
    let started = started.map_err(|reason| RestartError::Start(Sentence::new(begin(), reason)))?;
    events::by_id(home, &id, "restart", &[]);
    Ok(started.warnings)
}
