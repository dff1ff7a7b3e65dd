//! Finishing what a process that died left half done in the image store.
//!
//! Whatever changes images does so under the layer store's lock, so under that lock every
//! temporary file is a leftover, ours or dockerd's.

use std::{cell::OnceCell, collections::HashSet, path::Path};

use base::ChainId;
use layerstore::{LayerStore, Recovered};

use crate::{Images, Result};

impl Images {
    /// Removes temporary files of dead processes, and has the layer store finish its own. With
    /// nothing to do it costs the listing of a few directories.
    ///
    /// The caller holds the writer lock of the data root, so that no dockerd is at work.
    ///
    /// # Errors
    /// The first leftover that could not be cleared away.
    pub fn recover(&self, layers: &LayerStore) -> Result<Recovered> {
        let _lock = layers.lock()?;
        let metadata = self.dir().join("imagedb/metadata/sha256");
        let with_metadata = sys::list_dir(&metadata)?.into_iter().map(|name| metadata.join(name));
        for dir in with_metadata.chain([self.content_dir(), self.dir().to_owned()]) {
            remove_temporaries(&dir)?;
        }
        let known = OnceCell::new();
        let needed = |chain: &ChainId| {
            let known: &Option<HashSet<ChainId>> = known.get_or_init(|| self.needed_chains().ok());
            // What cannot be told stays.
            known.as_ref().is_none_or(|known| known.contains(chain))
        };
        Ok(layers.recover(&needed)?)
    }
}

fn remove_temporaries(dir: &Path) -> Result<()> {
    if !sys::stat_opt(dir)?.is_some_and(|stat| sys::is_dir(&stat)) {
        return Ok(());
    }
    for name in sys::list_dir(dir)?.iter().filter(|name| sys::is_temporary(name)) {
        sys::remove_file(dir.join(name))?;
    }
    Ok(())
}
