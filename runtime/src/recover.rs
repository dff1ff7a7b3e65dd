//! Settling a container whose shim is gone: what it left is put away, and its record says what is
//! known of its end. Every command that changes a container begins with it.

use std::time::Duration;

use base::Time;
use containers::{Container, Containers, LoadError, Locked};

use crate::{
    health,
    home::{Home, Writer},
    network,
    shim::{self, ExitRecord, State},
    truth::{self, Keeper, UNSEEN},
};

/// How long a shim on its first or last steps is left alone.
const A_MOMENT: Duration = Duration::from_millis(2);

/// Why a container could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// It is not there, or damaged.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A dockerd left it running (live-restore).
    #[error("container {0} is kept running by dockerd's own shim: only dockerd can change it")]
    Foreign(String),
    /// Its devices and rules cannot be taken down.
    #[error(transparent)]
    Network(Box<networks::NetworkError>),
    /// Its remains cannot be put away.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// A container that nobody else changes, and what it is doing.
#[derive(Debug)]
pub(crate) struct Settled {
    /// Its files, as they are on disk.
    pub container: Container,
    /// Whether a shim of ours keeps it running.
    pub running: bool,
    /// The right to change it, while this lives.
    pub lock: Locked,
}

/// Takes the right to change a container, and settles it.
///
/// # Errors
/// [`SettleError`].
pub(crate) fn settle(home: &Home, _writer: &Writer, id: &base::ContainerId) -> Result<Settled, SettleError> {
    let containers = home.containers();
    loop {
        let lock = containers.lock(id)?;
        let mut container = containers.load(id)?;
        match shim::state(&home.run_dir(id))? {
            // It records the end itself; that needs the lock we hold.
            State::Exited { shim: true, .. } => {
                drop(lock);
                wait_for_shim(home, id);
            }
            // Somebody's start that is under way, or whose command died: it will run, or be gone.
            State::Starting => {
                drop(lock);
                std::thread::sleep(A_MOMENT);
            }
            State::Running(running) => {
                if !container.record.state.running || container.record.state.restarting {
                    // The command that started it died before it could write it down.
                    container.record.state.set_running(i64::from(running.pid), running.started_at);
                    containers.save_record(id, &container.record)?;
                }
                return Ok(Settled { container, running: true, lock });
            }
            State::Restarting(exit) => {
                let state = &mut container.record.state;
                state.set_stopped(i64::from(exit.exit_code), exit.oom_killed, exit.finished_at);
                state.set_restarting();
                return Ok(Settled { container, running: true, lock });
            }
            State::Exited { exit, shim: false } => {
                put_away(home, &containers, &mut container, Some(exit))?;
                return Ok(Settled { container, running: false, lock });
            }
            State::ShimLost { .. } => {
                put_away(home, &containers, &mut container, None)?;
                return Ok(Settled { container, running: false, lock });
            }
            State::Absent => {
                // A start that died before it had a shim.
                home.network_place().leave(id).map_err(|error| SettleError::Network(Box::new(error)))?;
                let state = &container.record.state;
                if state.running && truth::keeper(id, state) == Keeper::Other {
                    return Err(SettleError::Foreign(id.to_string()));
                }
                if state.running {
                    record_end(&mut container, None);
                    containers.save_record(id, &container.record)?;
                    unmount(home, id);
                }
                return Ok(Settled { container, running: false, lock });
            }
        }
    }
}

fn wait_for_shim(home: &Home, id: &base::ContainerId) {
    match shim::Connection::open(&home.run_dir(id)) {
        Ok(connection) => drop(connection.wait()),
        // On its very last steps: it does not listen any more.
        Err(_) => std::thread::sleep(A_MOMENT),
    }
}

fn put_away(
    home: &Home,
    containers: &Containers,
    container: &mut Container,
    exit: Option<ExitRecord>,
) -> Result<(), SettleError> {
    let id = container.id.clone();
    shim::clean_up(&home.run_dir(&id), |known| -> Result<(), SettleError> {
        if container.record.state.running || exit.is_some() {
            health::take_over(&mut container.record, &home.run_dir(&id));
            record_end(container, exit.or(known));
            containers.save_record(&id, &container.record)?;
        }
        Ok(())
    })?;
    unmount(home, &id);
    Ok(())
}

/// Notes how it ended; what nobody saw was no end of its own will.
pub(crate) fn record_end(container: &mut Container, exit: Option<ExitRecord>) {
    let state = &mut container.record.state;
    match exit {
        Some(exit) => state.set_stopped(i64::from(exit.exit_code), exit.oom_killed, exit.finished_at),
        None => state.set_stopped(UNSEEN, false, Time::now()),
    }
    network::note_end(&mut container.record);
}

/// A mount that somebody left; a failure shows when it is mounted the next time.
fn unmount(home: &Home, id: &base::ContainerId) {
    if let Ok(layers) = home.layers() {
        drop(layers.unmount(id));
    }
}
