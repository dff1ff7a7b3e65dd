//! What is done with volumes by themselves: made, listed, removed, copied.
//!
//! Who uses a volume is read from the containers. Whoever removes one holds all volumes alone
//! while it looks and removes; who makes a container holds them from before its volumes are looked
//! up until its record is in its place. So nobody begins to use what is going.

mod carry;
mod filter;
mod list;
mod remove;

use volumes::{NewVolume, Volume, VolumeError};

pub use self::{
    carry::{CarryError, clone, export, import, rename},
    filter::{BadFilter, VolumeFilters},
    list::{Details, ListedVolume, Origin, User, details, list, list_of},
    remove::{Pruned, VolumeRmError, prune, remove},
};
use crate::{
    events,
    home::{Home, HomeError},
};

/// Why a volume could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VolumeCreateError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A bad name, driver or option.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

/// Makes a volume, or finds the one of that name; says its name.
///
/// # Errors
/// [`VolumeCreateError`], in dockerd's words.
pub fn create(home: &Home, new: NewVolume) -> Result<String, VolumeCreateError> {
    let _writer = home.writer()?;
    let volumes = home.volumes();
    let held = volumes.hold_alone()?;
    let name = volumes.create_with(new, &held)?.0;
    events::other(home, "volume", &name, "create", &[("driver", "local")]);
    Ok(name)
}

/// One volume.
///
/// # Errors
/// When it is not there, or cannot be read.
pub fn inspect(home: &Home, name: &str) -> Result<Volume, VolumeError> {
    home.volumes().get(name)
}
