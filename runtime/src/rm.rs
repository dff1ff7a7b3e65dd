//! `rm`: a container's files and layer, and if wished its anonymous volumes.
//!
//! The pointer goes first: one rename takes the container's directory away, and that is flushed.
//! Then its layers, its volumes, and last the directory that remembers what was to go; a crash in
//! between leaves that for the next writer (`leftovers`).

use ::volumes::VolumeError;
use base::ContainerId;
use containers::{Container, LoadError, Locked, LookupError, Record};

use crate::{
    events,
    home::{Home, HomeError, Writer},
    needed::Needed,
    recover::{self, SettleError, Settled},
    stop::{self, StopError},
    volumes,
};

/// Which container to remove, and how.
#[derive(Debug, Clone, Default)]
pub struct RmRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Kill it first if it runs.
    pub force: bool,
    /// Remove its anonymous volumes too.
    pub volumes: bool,
}

/// Why a container was not removed, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum RmError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It runs. The words are dockerd's.
    #[error("You cannot remove a {state} container {id}. {advice}")]
    Running {
        /// The container.
        id: ContainerId,
        /// `running` or `paused`.
        state: &'static str,
        /// What to do first.
        advice: &'static str,
    },
    /// It does not die. The words are dockerd's.
    #[error("Could not kill running container {id}, cannot remove")]
    Kill {
        /// The container.
        id: ContainerId,
        /// Why not.
        source: Box<StopError>,
    },
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// Its layers could not be removed.
    #[error("container {id}")]
    Layers {
        /// The container, which is gone all the same.
        id: ContainerId,
        /// Why not.
        source: Box<layerstore::Error>,
    },
    /// A volume could not be removed.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// A file could not be removed.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl RmError {
    /// Whether there is no container of that name.
    pub fn is_no_such_container(&self) -> bool {
        matches!(self, Self::Lookup(LookupError::NotFound(_)))
    }
}

/// Removes a container. With `force` one that is not there is fine.
///
/// # Errors
/// [`RmError`].
pub fn rm(home: &Home, request: &RmRequest) -> Result<(), RmError> {
    let id = match home.containers().lookup(&request.container) {
        Ok(id) => id,
        // A container that dockerd could not even load can still be removed, as by hand.
        Err(LookupError::Unloadable { text, source }) => return remove_damaged(home, request, &text, source),
        Err(error) => return Err(error.into()),
    };
    let writer = home.writer()?;
    let Some(settled) = stopped(home, &writer, &id, request)? else { return Ok(()) };
    let Settled { container, lock, .. } = settled;
    take_away(home, &container, lock, request.volumes)
}

/// The container, locked and not running; `None` when it removed itself meanwhile.
fn stopped(home: &Home, writer: &Writer, id: &ContainerId, request: &RmRequest) -> Result<Option<Settled>, RmError> {
    loop {
        let settled = match recover::settle(home, writer, id) {
            Err(SettleError::Load(LoadError::NotFound(_))) => return Ok(None),
            other => other?,
        };
        if !settled.running {
            return Ok(Some(settled));
        }
        if !request.force {
            let state = &settled.container.record.state;
            let advice = "Stop the container before attempting removal or force remove";
            let (state, advice) = match () {
                () if state.restarting => ("restarting", advice),
                () if state.paused => {
                    ("paused", "Unpause and then stop the container before attempting removal or force remove")
                }
                () => ("running", advice),
            };
            return Err(RmError::Running { id: id.clone(), state, advice });
        }
        // Its shim records the end, which needs the lock.
        drop(settled);
        stop::kill_and_wait(home, id).map_err(|source| RmError::Kill { id: id.clone(), source: Box::new(source) })?;
    }
}

/// Takes a stopped container away: one flush.
pub(crate) fn take_away(home: &Home, container: &Container, lock: Locked, with_volumes: bool) -> Result<(), RmError> {
    let (containers, id) = (home.containers(), &container.id);
    let store = home.volumes();
    let has_some = with_volumes && container.record.mounts().any(|point| point.is_anonymous_volume());
    // Nobody may begin to use what is going.
    let held = has_some.then(|| store.hold_alone()).transpose()?;
    let doomed: Vec<String> = match has_some {
        true => {
            let others: Vec<Record> = containers
                .load_all()?
                .containers
                .into_iter()
                .filter(|other| other.id != *id)
                .map(|other| other.record)
                .collect();
            volumes::anonymous_of(&container.record, &others).into_iter().map(str::to_owned).collect()
        }
        false => Vec::new(),
    };
    let layers = home.layers()?;
    let gone = containers.take_away(id)?;
    let released = {
        let _images = layers.lock();
        layers.release_rw(id, &Needed::of(home).as_fn())
    };
    let removed = held.iter().flat_map(|held| doomed.iter().map(|name| store.remove(name, held)));
    let removed = removed.fold(Ok(()), Result::and);
    released.map_err(|source| RmError::Layers { id: id.clone(), source: Box::new(source) })?;
    removed?;
    gone.finish()?;
    events::container(home, container, "destroy", &[]);
    // Whoever waited for it sees that the container is gone.
    drop(lock);
    Ok(())
}

/// What no dockerd can load has no state; its directory and its layers go.
fn remove_damaged(home: &Home, request: &RmRequest, text: &str, source: LoadError) -> Result<(), RmError> {
    let refused = |source| LookupError::Unloadable { text: text.to_owned(), source }.into();
    let whole_id = text.parse::<ContainerId>().ok().filter(|id| home.container_dir(id).is_dir());
    let damaged = matches!(source, LoadError::NoRecord(_) | LoadError::Record { .. } | LoadError::HostConfig { .. });
    let Some(id) = whole_id.filter(|_| request.force && damaged) else { return Err(refused(source)) };
    let _writer = home.writer()?;
    let containers = home.containers();
    let layers = home.layers()?;
    let gone = containers.take_away(&id)?;
    let _images = layers.lock();
    let released = layers.release_rw(&id, &Needed::of(home).as_fn());
    released.map_err(|source| RmError::Layers { id: id.clone(), source: Box::new(source) })?;
    Ok(gone.finish()?)
}
