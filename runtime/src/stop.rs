//! `stop`: the stop signal, a while, then SIGKILL.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use base::ContainerId;
use containers::{LookupError, Record};

use crate::{
    events,
    home::{Home, HomeError, Writer},
    recover::{self, SettleError},
    shim::{self, ConnectError, Connection},
    signal::{self, BadSignal},
};

/// Which container to stop, and how.
#[derive(Debug, Clone, Default)]
pub struct StopRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Seconds until SIGKILL; negative waits for ever. Else what the container says, else 10.
    pub timeout: Option<i64>,
    /// As typed (`TERM`, `SIGTERM`, `15`). Else what the container says, else SIGTERM.
    pub signal: Option<String>,
}

/// Why a container was not stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No such signal.
    #[error(transparent)]
    Signal(#[from] BadSignal),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// Its shim cannot be spoken to.
    #[error("cannot stop container {container}")]
    Shim {
        /// As typed.
        container: String,
        /// Why not.
        source: ConnectError,
    },
    /// SIGKILL was sent and it is still there. The words are dockerd's.
    #[error("tried to kill container, but did not receive an exit event")]
    Immortal,
    /// Its record cannot be saved.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Seconds of patience if neither the user nor the container says.
const DEFAULT_TIMEOUT: i64 = 10;

/// How long SIGKILL may take: a process can be stuck in the kernel.
const AFTER_KILL: Duration = Duration::from_secs(12);

/// Stops a container; one that does not run is fine.
///
/// # Errors
/// [`StopError`].
pub fn stop(home: &Home, request: &StopRequest) -> Result<(), StopError> {
    let id = home.containers().lookup(&request.container)?;
    let writer = home.writer()?;
    stop_with(home, &writer, &id, request)
}

pub(crate) fn stop_with(
    home: &Home,
    writer: &Writer,
    id: &ContainerId,
    request: &StopRequest,
) -> Result<(), StopError> {
    let Some(record) = mark_stopped(home, writer, id)? else { return Ok(()) };
    let signal = wanted_signal(request.signal.as_deref(), &record)?;
    let timeout = request.timeout.or(record.config.stop_timeout).unwrap_or(DEFAULT_TIMEOUT);
    let at_shim = |source| StopError::Shim { container: request.container.clone(), source };
    let dir = home.run_dir(id);
    let waiting = match Connection::open(&dir) {
        Ok(waiting) => waiting,
        Err(ConnectError::Gone(_)) => return gone(home, writer, id),
        Err(error) => return Err(at_shim(error)),
    };
    // Before it is sent: its shim tells of the end.
    events::of_record(home, id, &record, "kill", &[("signal", &signal.to_string())]);
    let marked = Connection::open(&dir).and_then(|shim| shim.mark_stopped(true));
    match marked.and_then(|()| Connection::open(&dir)).and_then(|shim| shim.kill(signal)) {
        // It ended by itself meanwhile.
        Ok(()) | Err(ConnectError::Gone(_) | ConnectError::Lost | ConnectError::Refused(_)) => {}
        Err(error) => return Err(at_shim(error)),
    }
    if record.state.paused {
        let_go_on(home, id);
    }
    let patience = u64::try_from(timeout).ok().map(Duration::from_secs);
    let stopped = match waiting.wait_for(patience) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            kill_and_wait(home, id)?;
            gone(home, writer, id)
        }
        Err(ConnectError::Lost | ConnectError::Gone(_)) => gone(home, writer, id),
        Err(error) => Err(at_shim(error)),
    };
    stopped?;
    events::of_record(home, id, &record, "stop", &[]);
    Ok(())
}

/// Notes that a user wants it to stop; `None` if it does not run.
fn mark_stopped(home: &Home, writer: &Writer, id: &ContainerId) -> Result<Option<Record>, StopError> {
    let mut settled = match recover::settle(home, writer, id) {
        Err(SettleError::Load(containers::LoadError::NotFound(_))) => return Ok(None),
        other => other?,
    };
    if !settled.running {
        return Ok(None);
    }
    settled.container.record.has_been_manually_stopped = true;
    home.containers().save_record(id, &settled.container.record)?;
    Ok(Some(settled.container.record))
}

fn wanted_signal(typed: Option<&str>, record: &Record) -> Result<i32, BadSignal> {
    let own = Some(record.config.stop_signal.as_str()).filter(|text| !text.is_empty());
    match typed.or(own) {
        Some(text) => signal::parse(text),
        None => Ok(libc::SIGTERM),
    }
}

/// Its shim is gone: what it left is settled.
fn gone(home: &Home, writer: &Writer, id: &ContainerId) -> Result<(), StopError> {
    match recover::settle(home, writer, id) {
        // Its shim was about to start it again, and will see that it is not to.
        Ok(settled) if settled.running && settled.container.record.state.restarting => {
            drop(settled);
            std::thread::sleep(Duration::from_millis(2));
            gone(home, writer, id)
        }
        Ok(_) | Err(SettleError::Load(containers::LoadError::NotFound(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A container that is held still takes no signal. One that is not, or is gone, is left alone.
fn let_go_on(home: &Home, id: &ContainerId) {
    drop(shim::freeze(&home.run_dir(id), false));
}

fn is_restarting(dir: &Path) -> bool {
    matches!(shim::state(dir), Ok(shim::State::Restarting(_)))
}

/// Sends SIGKILL and waits for the end, and until everything is put away.
pub(crate) fn kill_and_wait(home: &Home, id: &ContainerId) -> Result<(), StopError> {
    let dir = home.run_dir(id);
    let at_shim = |source| StopError::Shim { container: id.to_string(), source };
    let until = Instant::now() + AFTER_KILL;
    let over = |error: &ConnectError| matches!(error, ConnectError::Gone(_) | ConnectError::Lost);
    let waiting = loop {
        match Connection::open(&dir) {
            // Its shim is just becoming another one.
            Err(error) if over(&error) && is_restarting(&dir) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) if over(&error) => return Ok(()),
            other => break other.map_err(at_shim)?,
        }
    };
    events::by_id(home, id, "kill", &[("signal", "9")]);
    let marked = Connection::open(&dir).and_then(|shim| shim.mark_stopped(true));
    match marked.and_then(|()| Connection::open(&dir)).and_then(|shim| shim.kill(libc::SIGKILL)) {
        Ok(()) | Err(ConnectError::Refused(_)) => {}
        Err(error) if over(&error) => {}
        Err(error) => return Err(at_shim(error)),
    }
    let_go_on(home, id);
    match waiting.wait_for(Some(until.saturating_duration_since(Instant::now()))) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(StopError::Immortal),
        Err(error) if over(&error) => Ok(()),
        Err(error) => Err(at_shim(error)),
    }
}
