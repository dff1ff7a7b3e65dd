//! `diff`: what a container changed in its files.

use archive::Change;
use containers::LookupError;

use crate::{
    find,
    home::{Home, HomeError},
};

/// Why changes cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its layers cannot be compared.
    #[error(transparent)]
    Layers(#[from] layerstore::Error),
}

/// The changes, sorted by path.
///
/// # Errors
/// [`DiffError`].
pub fn diff(home: &Home, container: &str) -> Result<Vec<Change>, DiffError> {
    let container = find::container(home, container)?;
    Ok(home.layers()?.changes(&container.id)?)
}
