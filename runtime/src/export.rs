//! `export`: all files of a container as one archive.
//!
//! moby 20.10, daemon/export.go. A stopped container is seen without being mounted anywhere.

use std::io::Write;

use containers::LookupError;

use crate::{
    events,
    home::{Home, HomeError},
};

/// Why there is no archive, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its layers cannot be opened.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its files could not be read, or the archive not be written.
    #[error(transparent)]
    Layer(#[from] layerstore::Error),
}

/// Writes a container's files to `out`.
///
/// # Errors
/// [`ExportError`].
pub fn export(home: &Home, container: &str, out: &mut dyn Write) -> Result<(), ExportError> {
    let id = home.containers().lookup(container)?;
    home.layers()?.write_tree(&id, out)?;
    events::by_id(home, &id, "export", &[]);
    Ok(())
}
