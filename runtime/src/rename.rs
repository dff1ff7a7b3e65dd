//! `rename`: another name for a container, running or not.
//!
//! moby 20.10, daemon/rename.go `ContainerRename`. Its files keep their places: nothing on disk is
//! called after the name.

use containers::{LoadError, LookupError, NameError};

use crate::{
    events,
    home::{Home, HomeError},
    recover::{self, SettleError},
};

/// Why a container was not renamed. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Nothing would change.
    #[error("Renaming a container with the same name as its current name")]
    SameName,
    /// The new name cannot be had.
    #[error("Error when allocating new name: {0}")]
    Name(NameError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// Its record cannot be saved.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Gives a container another name.
///
/// # Errors
/// [`RenameError`].
pub fn rename(home: &Home, container: &str, new: &str) -> Result<(), RenameError> {
    let containers = home.containers();
    let id = containers.lookup(container)?;
    let writer = home.writer()?;
    let mut settled = match recover::settle(home, &writer, &id) {
        Err(SettleError::Load(LoadError::NotFound(_))) => {
            return Err(LookupError::NotFound(container.to_owned()).into());
        }
        other => other?,
    };
    // dockerd's sentence about a bad name has the slash in it.
    let slashed = if new.starts_with('/') { new.to_owned() } else { format!("/{new}") };
    let record = &mut settled.container.record;
    if record.stored_name == slashed {
        return Err(RenameError::SameName);
    }
    let names = containers.lock_names()?;
    names.claim(&slashed).map_err(RenameError::Name)?;
    let old = std::mem::replace(&mut record.stored_name, slashed);
    // A name that somebody chose is a name on its networks, too.
    record.network_settings.is_anonymous_endpoint = false;
    containers.save(&id, record, &settled.container.host_config)?;
    events::container(home, &settled.container, "rename", &[("oldName", &old)]);
    Ok(())
}
