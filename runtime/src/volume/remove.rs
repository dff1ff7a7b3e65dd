//! `volume rm` and `volume prune`.

use volumes::{Held, VolumeError, Volumes};

use super::{
    filter::VolumeFilters,
    list::{self, ListedVolume},
};
use crate::{
    events,
    home::{Home, HomeError},
};

/// Why a volume was not removed.
#[derive(Debug, thiserror::Error)]
pub enum VolumeRmError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There is none. The words are docker's client's.
    #[error("No such volume: {0}")]
    NotThere(String),
    /// A container has it. The words are dockerd's.
    #[error("remove {name}: volume is in use - [{}]", users.join(", "))]
    InUse {
        /// The volume.
        name: String,
        /// The containers' ids.
        users: Vec<String>,
    },
    /// A system call, or damage.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

/// Removes a volume that no container has.
///
/// # Errors
/// [`VolumeRmError`].
pub fn remove(home: &Home, name: &str) -> Result<(), VolumeRmError> {
    let _writer = home.writer()?;
    let volumes = home.volumes();
    let held = volumes.hold_alone()?;
    let Some(found) = one(home, &volumes, name)? else { return Err(VolumeRmError::NotThere(name.to_owned())) };
    if !found.users.is_empty() {
        let users = found.users.into_iter().map(|user| user.id).collect();
        return Err(VolumeRmError::InUse { name: name.to_owned(), users });
    }
    volumes.remove(name, &held)?;
    events::other(home, "volume", name, "destroy", &[("driver", "local")]);
    Ok(())
}

/// A volume and who has it; `None` if it is not there.
fn one(home: &Home, volumes: &Volumes, name: &str) -> Result<Option<ListedVolume>, VolumeError> {
    let volume = match volumes.get(name) {
        Ok(volume) => volume,
        Err(VolumeError::NotThere(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let containers = home.containers().load_all()?.containers;
    Ok(list::list_of(vec![volume], &containers, &VolumeFilters::default()).pop())
}

/// What `prune` did.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The volumes that are gone.
    pub removed: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be removed.
    pub failed: Vec<VolumeError>,
}

/// Removes the volumes that no container has; those with options stay, since nothing is gained.
///
/// moby 20.10, volume/service/service.go `Prune`.
///
/// # Errors
/// When volumes or containers cannot be read.
pub fn prune(home: &Home, filters: &VolumeFilters) -> Result<Pruned, VolumeRmError> {
    let _writer = home.writer()?;
    let volumes = home.volumes();
    let held = volumes.hold_alone()?;
    let mut pruned = Pruned::default();
    for listed in list::list(home, filters)? {
        let plain = listed.volume.options.as_ref().is_none_or(|options| options.is_empty());
        if plain && listed.users.is_empty() && listed.volume.driver == "local" {
            prune_one(&volumes, &listed, &held, &mut pruned);
        }
    }
    Ok(pruned)
}

fn prune_one(volumes: &Volumes, listed: &ListedVolume, held: &Held, pruned: &mut Pruned) {
    let bytes = sys::tree_size(&listed.volume.mountpoint).map_or(0, |size| size.bytes);
    match volumes.remove(&listed.volume.name, held) {
        Ok(()) => {
            pruned.bytes += bytes;
            pruned.removed.push(listed.volume.name.clone());
        }
        Err(error) => pruned.failed.push(error),
    }
}
