//! `kill`: a signal to a container's first process.

use base::ContainerId;
use containers::LookupError;

use crate::{
    events,
    home::{Home, HomeError},
    pause,
    recover::{self, SettleError},
    shim::{ConnectError, Connection},
    signal::{self, BadSignal},
    stop::{self, StopError},
    words::Sentence,
};

/// Why no signal was sent.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// No such signal.
    #[error(transparent)]
    Signal(#[from] BadSignal),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// What stood in the way.
    #[error(transparent)]
    Refused(Sentence<Refusal>),
}

/// Why a container gets no signal.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run. The words are dockerd's.
    #[error("Container {0} is not running")]
    NotRunning(ContainerId),
    /// A number that is none of docker's. The words are dockerd's.
    #[error("The linux daemon does not support signal {0}")]
    Unknown(i32),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// It does not die.
    #[error(transparent)]
    Stop(#[from] StopError),
    /// Its shim cannot be spoken to.
    #[error(transparent)]
    Shim(#[from] ConnectError),
    /// Its record cannot be saved.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Sends a signal. SIGKILL is waited for, others are not.
///
/// # Errors
/// [`KillError`].
pub fn kill(home: &Home, container: &str, signal: &str) -> Result<(), KillError> {
    let number = signal::parse(signal)?;
    let refused =
        |reason: Refusal| KillError::Refused(Sentence::new(format!("Cannot kill container: {container}"), reason));
    let id = home.containers().lookup(container).map_err(|error| refused(Refusal::from(error)))?;
    if !signal::is_known(number) {
        return Err(refused(Refusal::Unknown(number)));
    }
    let writer = home.writer()?;
    let mut settled = recover::settle(home, &writer, &id).map_err(|error| refused(Refusal::from(error)))?;
    if !settled.running {
        return Err(refused(Refusal::NotRunning(id)));
    }
    // moby 20.10, daemon/kill.go: whatever the signal, its restart policy is off.
    settled.container.record.has_been_manually_stopped = true;
    home.containers().save_record(&id, &settled.container.record).map_err(|error| refused(Refusal::from(error)))?;
    // moby 20.10, daemon/kill.go `killWithSignal`: a signal that is meant to end it is let through.
    let own = settled.container.record.config.stop_signal.clone();
    let ends = own.is_empty() || number == libc::SIGKILL || signal::parse(&own).is_ok_and(|own| own == number);
    let held = settled.container.record.state.paused && ends;
    // moby 20.10, daemon/kill.go: what waits to be started again takes no signal.
    let restarting = settled.container.record.state.restarting;
    drop(settled);
    let dir = home.run_dir(&id);
    if number == libc::SIGKILL {
        return stop::kill_and_wait(home, &id).map_err(|error| refused(Refusal::from(error)));
    }
    // Before it is sent: its shim tells of the end.
    events::by_id(home, &id, "kill", &[("signal", &number.to_string())]);
    let sent = Connection::open(&dir)
        .and_then(|shim| shim.mark_stopped(ends))
        .and_then(|()| if restarting { Ok(()) } else { Connection::open(&dir)?.kill(number) });
    match sent {
        Err(ConnectError::Gone(_) | ConnectError::Lost) if restarting => Ok(()),
        Ok(()) if held => {
            pause::let_go_on(home, &writer, &id);
            Ok(())
        }
        Ok(()) => Ok(()),
        Err(ConnectError::Gone(_) | ConnectError::Lost) => Err(refused(Refusal::NotRunning(id))),
        Err(error) => Err(refused(Refusal::from(error))),
    }
}
