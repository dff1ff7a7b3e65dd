//! Locks on single layers: who needs one shares its directory's lock, who deletes it holds the
//! lock alone.
//!
//! The lock is flock(2) on the directory itself. It follows the directory through a rename, so a
//! draft that is published is a pinned layer at once, and it ends with its process.

use std::path::Path;

use base::ChainId;

use crate::{LayerStore, Result, store::still_there};

/// A promise that a layer stays while this value lives. What it rests on stays with it.
#[derive(Debug)]
pub struct Pin {
    chain: ChainId,
    #[expect(dead_code, reason = "held, not used")]
    lock: sys::Lock,
}

impl Pin {
    pub(crate) fn new(chain: ChainId, lock: sys::Lock) -> Self {
        Self { chain, lock }
    }

    /// The layer.
    pub fn chain(&self) -> &ChainId {
        &self.chain
    }
}

impl LayerStore {
    /// Pins a layer; `None` when there is none. Waits for a deletion that is under way.
    ///
    /// # Errors
    /// When the layer's directory cannot be opened or locked.
    pub fn pin(&self, chain: &ChainId) -> Result<Option<Pin>> {
        Ok(share(&self.layer_dir(chain))?.map(|lock| Pin::new(*chain, lock)))
    }
}

/// A directory's lock, shared; `None` when there is no directory.
fn share(path: &Path) -> Result<Option<sys::Lock>> {
    loop {
        let dir = match sys::open_dir(path) {
            Err(error) if absent(&error) => return Ok(None),
            other => other?,
        };
        let lock = sys::wait_shared(dir, path)?;
        if still_there(path, lock.file())? {
            return Ok(Some(lock));
        }
    }
}

/// A directory's lock, held alone; `None` when somebody needs it, it is gone, or is no directory.
pub(crate) fn claim(path: &Path) -> Result<Option<sys::Lock>> {
    let dir = match sys::open_dir(path) {
        Err(error) if absent(&error) => return Ok(None),
        other => other?,
    };
    match sys::try_exclusive(dir, path)? {
        Some(lock) if still_there(path, lock.file())? => Ok(Some(lock)),
        _ => Ok(None),
    }
}

fn absent(error: &sys::Error) -> bool {
    error.is_not_found() || error.io().kind() == std::io::ErrorKind::NotADirectory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned_cannot_be_claimed() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let pinned = share(home.path()).expect("lock").expect("it is there");
        assert!(share(home.path()).expect("lock").is_some(), "pins stand side by side");
        assert!(claim(home.path()).expect("look").is_none());
        drop(pinned);
        assert!(claim(home.path()).expect("look").is_some());
    }

    #[test]
    fn who_waits_for_a_deletion_finds_nothing() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let layer = home.path().join("layer");
        sys::create_dir(&layer, 0o700).expect("mkdir");
        let claimed = claim(&layer).expect("look").expect("nobody needs it");
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| share(&layer).expect("lock").is_some());
            sys::rename(&layer, home.path().join("layer-removing")).expect("rename");
            drop(claimed);
            assert!(!waiting.join().expect("no panic"), "the layer is gone");
        });
    }
}
