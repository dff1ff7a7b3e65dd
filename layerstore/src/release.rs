//! Deleting layers that nobody needs any more, from the top towards the base.
//!
//! As dockerd does it: the directory in `layerdb` is renamed to `<chain>-<random>-removing` first,
//! so that the layer is gone for everybody, then the driver's layer is removed, then the renamed
//! directory. Whoever finds such a directory, dockerd included, can finish the work.

use std::path::PathBuf;

use base::{ChainId, hex_id};

use crate::{LayerStore, Result, journal::Journal, pin::claim, read::Layer};

/// Ends the name of a directory whose layer is being removed.
pub(crate) const REMOVING: &str = "-removing";

/// A layer that is nobody's but ours.
struct Claimed {
    layer: Layer,
    lock: sys::Lock,
}

/// A layer that has left its place in `layerdb`; its lock keeps recovery away.
struct Leaving {
    layer: Layer,
    dir: PathBuf,
    #[expect(dead_code, reason = "held, not used")]
    lock: sys::Lock,
}

impl LayerStore {
    /// Deletes a layer that nobody needs, then the one below it, and so on towards the base, up
    /// to the first that is needed: by a layer on it, by a container, by whoever pinned it, or
    /// because `needed` says so (an image has it as its top). Returns what was deleted, the top
    /// first. A layer that is not there, or damaged, is left to itself.
    ///
    /// The caller holds [`LayerStore::lock`], or else two deletions may each leave to the other
    /// what both could delete. No flush: a layer that comes back after a power cut is garbage
    /// that nobody sees.
    ///
    /// # Errors
    /// The first thing that could not be read or removed; the rest of what had already left its
    /// place is removed all the same.
    pub fn release(&self, chain: &ChainId, needed: &dyn Fn(&ChainId) -> bool) -> Result<Vec<ChainId>> {
        let claimed = self.claim_unneeded(chain, needed)?;
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let journal = Journal::new(self, claimed.iter().map(|claimed| claimed.layer.chain))?;
        let deleted = self.withdraw(claimed).and_then(|leaving| self.remove_all(leaving));
        if deleted.is_err() {
            journal.leave();
        }
        deleted
    }

    /// Claims layers from the top down while nobody outside `layerdb` needs them, then gives back
    /// those that something in `layerdb` rests on. Nothing new can come to rest on a claimed one.
    fn claim_unneeded(&self, chain: &ChainId, needed: &dyn Fn(&ChainId) -> bool) -> Result<Vec<Claimed>> {
        let mut claimed: Vec<Claimed> = Vec::new();
        let mut next = Some(*chain);
        while let Some(chain) = next {
            if needed(&chain) {
                break;
            }
            let Some(lock) = claim(&self.layer_dir(&chain))? else { break };
            let Ok(Some(layer)) = self.layer(&chain) else { break };
            next = layer.parent;
            claimed.push(Claimed { layer, lock });
        }
        if claimed.is_empty() {
            return Ok(claimed);
        }
        let users = self.users()?;
        let leaving: Vec<ChainId> = claimed.iter().map(|claimed| claimed.layer.chain).collect();
        let first_needed = leaving.iter().position(|chain| users.need(chain, &leaving));
        claimed.truncate(first_needed.unwrap_or(leaving.len()));
        Ok(claimed)
    }

    /// Takes the layers out of their places, the top first.
    fn withdraw(&self, claimed: Vec<Claimed>) -> Result<Vec<Leaving>> {
        claimed
            .into_iter()
            .map(|Claimed { layer, lock }| {
                let name = format!("{}-{}{REMOVING}", layer.chain.hex(), hex_id(sys::random));
                let dir = self.layers_dir().join(name);
                sys::rename(self.layer_dir(&layer.chain), &dir)?;
                Ok(Leaving { layer, dir, lock })
            })
            .collect()
    }

    fn remove_all(&self, leaving: Vec<Leaving>) -> Result<Vec<ChainId>> {
        let mut deleted = Vec::new();
        let mut first = None;
        for leaving in leaving {
            let removed = self.driver().remove(leaving.layer.cache_id.layer()).map_err(crate::Error::from);
            match removed.and_then(|()| Ok(sys::remove_tree(&leaving.dir)?)) {
                Ok(()) => deleted.push(leaving.layer.chain),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        first.map_or(Ok(deleted), Err)
    }
}
