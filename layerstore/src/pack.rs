//! A container's files as archives: what it changed, for `commit`, and all it sees, for `export`.
//!
//! moby 20.10, layer/mounted_layer.go `TarStream`, daemon/export.go. On overlay2 the container's
//! own directory holds nothing but the changes, and is packed as it is.

use std::io::Write;

use archive::{Moment, Owners, PackError, Whiteouts};
use base::ContainerId;
use sys::Dir;

use crate::{Error, LayerStore, Result};

impl LayerStore {
    /// Writes what a container changed as a layer archive. `now` is the time of deletions where
    /// trees must be compared.
    ///
    /// # Errors
    /// [`Error::NoMount`], what cannot be read, and what `out` says.
    pub fn write_changes(&self, container: &ContainerId, now: Moment, out: &mut dyn Write) -> Result<()> {
        let rw = self.present_rw(container)?;
        let owners = Owners::of_host();
        let packed = match self.upper(&rw)? {
            Some(upper) => archive::pack(&Dir::open(upper)?, Whiteouts::Overlay, &owners, out),
            None => {
                let view = self.view(container)?;
                let changes = self.changes(container)?;
                archive::pack_changes(&Dir::open(view.path())?, &changes, now, &owners, out)
            }
        };
        packed.map_err(failed)
    }

    /// Writes all files a container sees, but for what is mounted in it.
    ///
    /// # Errors
    /// As [`LayerStore::write_changes`].
    pub fn write_tree(&self, container: &ContainerId, out: &mut dyn Write) -> Result<()> {
        let view = self.view(container)?;
        let root = Dir::open(view.path())?;
        archive::pack(&root, Whiteouts::Applied, &Owners::of_host(), out).map_err(failed)
    }
}

fn failed(error: PackError) -> Error {
    match error {
        PackError::Sys(error) => Error::Sys(error),
        PackError::Write(error) => Error::WriteTar(std::io::Error::other(error)),
    }
}
