//! What processes left that died while they made or removed a container.
//!
//! A container in the making or going is the directory `containers/.tmp-<id>`, locked by its
//! process. One without a lock names a container whose layers may still be there: they go first,
//! then the directory that remembers them.

use std::{os::unix::ffi::OsStrExt, path::PathBuf};

use base::ContainerId;
use layerstore::LayerStore;

use crate::{home::Home, needed::Needed};

const TEMPORARY: &[u8] = b".tmp-";

/// A directory that nobody works on any more, and its lock, so that nobody begins to.
struct Dead {
    id: ContainerId,
    path: PathBuf,
    _lock: sys::Lock,
}

/// Clears them away; with nothing to do it costs the listing of a few directories. What cannot be
/// cleared away is in nobody's way and stays for the next writer.
///
/// # Errors
/// When `containers/` cannot be read.
pub(crate) fn clear(home: &Home, layers: &LayerStore) -> sys::Result<()> {
    let needed = Needed::of(home);
    for dead in dead(home)? {
        if layers.release_rw(&dead.id, &needed.as_fn()).is_ok() {
            drop(sys::remove_tree(&dead.path));
        }
    }
    let dir = home.data_root().join("image").join(home.driver_name());
    // Layers are deleted under this lock; while somebody has it, the next writer may do it.
    if let Ok(Some(_images)) = sys::try_exclusive(sys::open_dir(&dir)?, &dir) {
        drop(layers.recover(&needed.as_fn()));
    }
    Ok(())
}

fn dead(home: &Home) -> sys::Result<Vec<Dead>> {
    let containers = home.containers();
    let is_ours = |name: &std::ffi::OsString| name.as_bytes().starts_with(TEMPORARY);
    if !sys::list_dir(containers.dir())?.iter().any(is_ours) {
        return Ok(Vec::new());
    }
    // Under this lock a new one is made and locked, so that it is never seen without its lock.
    let _names = containers.lock_names()?;
    let mut found = Vec::new();
    for name in sys::list_dir(containers.dir())?.into_iter().filter(is_ours) {
        let path = containers.dir().join(&name);
        let id = String::from_utf8_lossy(&name.as_bytes()[TEMPORARY.len()..]).parse::<ContainerId>();
        let (Ok(id), Ok(dir)) = (id, sys::open_dir(&path)) else { continue };
        if let Some(lock) = sys::try_exclusive(dir, &path)?
            && !sys::exists(containers.dir_of(&id))?
        {
            found.push(Dead { id, path, _lock: lock });
        }
    }
    Ok(found)
}
