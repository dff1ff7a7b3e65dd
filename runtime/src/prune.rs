//! `container prune`: containers that do not run go, with what they kept.
//!
//! moby 20.10, daemon/prune.go `ContainersPrune`.

use base::{ContainerId, Time};
use containers::Container;

use crate::{
    filter::has_label,
    home::{Home, HomeError},
    recover::{self, SettleError},
    rm, size,
};

/// Which containers to remove.
#[derive(Debug, Clone, Default)]
pub struct PruneRequest {
    /// Only what was made no later.
    pub until: Option<Time>,
    /// `key` or `key=value`: only what has all of these labels.
    pub labels: Vec<String>,
    /// Only what does not have all of these.
    pub without: Vec<String>,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The youngest first.
    pub removed: Vec<ContainerId>,
    /// Bytes in their own layers.
    pub bytes: u64,
    /// Those that could not be removed, one line each. dockerd only logs them.
    pub failed: Vec<String>,
}

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The layers cannot be read.
    #[error(transparent)]
    Layers(#[from] layerstore::Error),
    /// A directory cannot be read.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Removes what does not run. Volumes stay.
///
/// # Errors
/// [`PruneError`]; one container that cannot be removed is none, but a line in [`Pruned::failed`].
pub fn prune(home: &Home, request: &PruneRequest) -> Result<Pruned, PruneError> {
    let writer = home.writer()?;
    let layers = home.layers()?;
    let mut all = home.containers().load_all()?.containers;
    all.sort_by(|one, other| (other.record.created, &other.id).cmp(&(one.record.created, &one.id)));
    let mut pruned = Pruned::default();
    for container in all.iter().filter(|container| request.means(container)) {
        let settled = match recover::settle(home, &writer, &container.id) {
            Ok(settled) if settled.running => continue,
            Ok(settled) => settled,
            // Somebody else removed it, or a dockerd keeps it running.
            Err(SettleError::Load(_) | SettleError::Foreign(_)) => continue,
            Err(error) => {
                pruned.failed.push(error.to_string());
                continue;
            }
        };
        let (own, _) = size::of(home, &layers, container);
        match rm::take_away(home, &settled.container, settled.lock, false) {
            Ok(()) => {
                pruned.removed.push(container.id.clone());
                pruned.bytes += own;
            }
            Err(error) => pruned.failed.push(crate::words::chain(&error)),
        }
    }
    Ok(pruned)
}

impl PruneRequest {
    fn means(&self, container: &Container) -> bool {
        let record = &container.record;
        let labels = record.config.labels.as_ref();
        let has = |wanted: &String| has_label(labels, wanted);
        self.until.is_none_or(|until| record.created <= until)
            && self.labels.iter().all(has)
            && (self.without.is_empty() || !self.without.iter().all(has))
    }
}
