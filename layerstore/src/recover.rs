//! Finishing what a process that died left half done: ours, and what dockerd leaves.
//!
//! All of it can be told from live work by its lock: a directory whose lock is free has no
//! process any more. So recovery may run beside other minidocks, at any time.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use base::{ChainId, LayerId};

use crate::{
    CacheId, InitId, LayerStore, MountId, Result,
    draft::Kind,
    journal,
    layerdb::{layer_dir, mount_dir},
    pin::claim,
    read::file_in,
    release::REMOVING,
};

/// What recovery cleared away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Directories of `layerdb` that were leftovers.
    pub leftovers: Vec<PathBuf>,
    /// Layers that only a dead process needed, deleted.
    pub layers: Vec<ChainId>,
}

impl LayerStore {
    /// Finishes the half-done work of dead processes: drafts in `tmp`, with the driver's layers
    /// they name; layers and containers' layers whose removal was begun; layers published for an
    /// image that was never written (those that `needed` does not know, as in
    /// [`LayerStore::release`]). With nothing to do it costs the listing of two directories.
    ///
    /// The caller holds the writer lock of the data root, so that no dockerd is at work; whoever
    /// also may delete layers holds [`LayerStore::lock`].
    ///
    /// # Errors
    /// The first leftover that could not be cleared away; the others are all the same.
    pub fn recover(&self, needed: &dyn Fn(&ChainId) -> bool) -> Result<Recovered> {
        let mut recovered = Recovered::default();
        let mut first = None;
        for dir in self.leftovers()? {
            if let Err(error) = self.settle(&dir, needed, &mut recovered) {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(recovered), Err)
    }

    /// Directories that stand for half-done work, live or dead. Lists of layers come last: what
    /// they name may first have to lose what rests on it.
    fn leftovers(&self) -> Result<Vec<PathBuf>> {
        let tmp = self.tmp_dir();
        let mut in_tmp: Vec<_> = sys::list_dir(&tmp)?
            .iter()
            .filter_map(|name| name.to_str())
            .filter_map(|name| Some((Kind::of(name)?, tmp.join(name))))
            .collect();
        in_tmp.sort_by_key(|(kind, _)| *kind == Kind::Journal);
        let sha256 = self.layers_dir();
        let removing =
            sys::list_dir(&sha256)?.into_iter().filter(|name| is_removing(name)).map(|name| sha256.join(name));
        Ok(removing.chain(in_tmp.into_iter().map(|(_, path)| path)).collect())
    }

    fn settle(&self, dir: &Path, needed: &dyn Fn(&ChainId) -> bool, recovered: &mut Recovered) -> Result<()> {
        let Some(_lock) = claim(dir)? else { return Ok(()) };
        for id in self.named_by_nobody_else(dir)? {
            self.driver().remove(&id)?;
        }
        for chain in named_chains(dir)? {
            recovered.layers.extend(self.release(&chain, needed)?);
        }
        sys::remove_tree(dir)?;
        recovered.leftovers.push(dir.to_owned());
        Ok(())
    }

    /// The driver's layers that a leftover names, without those that something published names
    /// too: a tree that was copied or mended by hand may have such.
    fn named_by_nobody_else(&self, dir: &Path) -> Result<Vec<LayerId>> {
        let mut named = named_layers(dir)?;
        if !named.is_empty() {
            let published = self.published_layers()?;
            named.retain(|id| !published.contains(id));
        }
        Ok(named)
    }

    fn published_layers(&self) -> Result<HashSet<LayerId>> {
        let mut published = HashSet::new();
        for chain in self.layers()? {
            published.extend(named_layers(&self.layer_dir(&chain))?);
        }
        for container in self.rw_layers()? {
            published.extend(named_layers(&self.mount_dir(&container))?);
        }
        Ok(published)
    }
}

/// The driver's layers that the files of a directory name, the upper ones first.
pub(crate) fn named_layers(dir: &Path) -> Result<Vec<LayerId>> {
    let mut named = Vec::new();
    named.extend(id_in::<MountId>(dir, mount_dir::MOUNT_ID)?.map(|id| id.layer().clone()));
    named.extend(id_in::<InitId>(dir, mount_dir::INIT_ID)?.map(|id| id.layer().clone()));
    named.extend(id_in::<CacheId>(dir, layer_dir::CACHE_ID)?.map(|id| id.layer().clone()));
    Ok(named)
}

/// Layers that a leftover may have left without anybody to need them.
fn named_chains(dir: &Path) -> Result<Vec<ChainId>> {
    let mut chains = file_in(dir, journal::CHAINS)?.map(|bytes| journal::parse(&bytes)).unwrap_or_default();
    let of_container = file_in(dir, mount_dir::MOUNT_ID)?.is_some();
    if of_container && let Some(bytes) = file_in(dir, mount_dir::PARENT)? {
        chains.extend(journal::parse(&bytes));
    }
    Ok(chains)
}

fn id_in<T: std::str::FromStr>(dir: &Path, name: &str) -> Result<Option<T>> {
    let bytes = file_in(dir, name)?;
    Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok()))
}

/// moby 20.10, filestore.go `getOrphan`: `<64 hex>-<anything>-removing`.
fn is_removing(name: &std::ffi::OsStr) -> bool {
    let chain = name.to_str().and_then(|name| name.strip_suffix(REMOVING)?.split_once('-'));
    chain.is_some_and(|(chain, _)| base::Digest::from_hex(chain).is_ok())
}
