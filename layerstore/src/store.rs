//! The store itself: where its directories lie and how it is opened. What it can do stands in
//! the other modules, one task each.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use base::{ChainId, ContainerId};
use graphdriver::{Access, Driver};

use crate::Result;

/// The layers of one storage driver: `image/<driver>/layerdb` and the driver beside it.
#[derive(Debug)]
pub struct LayerStore {
    image_dir: PathBuf,
    layerdb: PathBuf,
    driver: Box<dyn Driver>,
}

impl LayerStore {
    /// Opens the store that belongs to `driver`. Reads nothing: what a command needs is read when
    /// it asks.
    ///
    /// With [`Access::ReadWrite`] `image/<driver>/layerdb` is made if it is not there; with
    /// [`Access::ReadOnly`] an absent one has no layers.
    ///
    /// # Errors
    /// When the directories cannot be made.
    pub fn open(data_root: &Path, driver: Box<dyn Driver>, access: Access) -> Result<Self> {
        let image_dir = data_root.join("image").join(driver.name());
        let layerdb = image_dir.join("layerdb");
        if access == Access::ReadWrite {
            sys::create_dir_all(&layerdb, 0o700)?;
        }
        Ok(Self { image_dir, layerdb, driver })
    }

    /// The driver that holds the layers' content.
    pub fn driver(&self) -> &dyn Driver {
        &*self.driver
    }

    /// Waits until no other minidock changes images or deletes layers, and keeps it so until the
    /// lock is dropped: `image/<driver>` held alone. Registering layers and making containers go
    /// on meanwhile; see the crate's rules.
    ///
    /// # Errors
    /// When the directory is not there or cannot be locked.
    pub fn lock(&self) -> Result<sys::Lock> {
        Ok(sys::wait_exclusive(sys::open_dir(&self.image_dir)?, &self.image_dir)?)
    }

    /// The directory of all published layers.
    pub(crate) fn layers_dir(&self) -> PathBuf {
        self.layerdb.join("sha256")
    }

    pub(crate) fn layer_dir(&self, chain: &ChainId) -> PathBuf {
        self.layers_dir().join(chain.hex())
    }

    /// The directory of all containers' layers.
    pub(crate) fn mounts_dir(&self) -> PathBuf {
        self.layerdb.join("mounts")
    }

    pub(crate) fn mount_dir(&self, container: &ContainerId) -> PathBuf {
        self.mounts_dir().join(container)
    }

    /// Where directories are made before a rename publishes them, and go to before they are
    /// removed. dockerd never lists it.
    pub(crate) fn tmp_dir(&self) -> PathBuf {
        self.layerdb.join("tmp")
    }

    /// Makes everything durable that was written so far, in the driver's home and in `layerdb`:
    /// one flush, or two when they lie on different file systems.
    ///
    /// # Errors
    /// As syncfs(2).
    pub fn sync(&self) -> Result<()> {
        self.flush(Vec::new())
    }

    /// As [`LayerStore::sync`], for whoever flushes the file system of `path` anyway: nothing,
    /// unless the layers lie on another one.
    ///
    /// # Errors
    /// As syncfs(2).
    pub fn sync_apart_from(&self, path: &Path) -> Result<()> {
        self.flush(vec![sys::stat(path)?.st_dev])
    }

    /// Flushes the file systems of the store, but for these.
    fn flush(&self, mut done: Vec<u64>) -> Result<()> {
        for dir in [&*self.layerdb, self.driver.home()] {
            // Either may be a link to another disk, or not be there as yet.
            let device = match sys::stat(dir) {
                Err(error) if error.is_not_found() => continue,
                other => other?.st_dev,
            };
            if !done.contains(&device) {
                sys::syncfs(dir)?;
                done.push(device);
            }
        }
        Ok(())
    }
}

/// Whether `path` still leads to the directory that was opened: somebody may have renamed or
/// removed it before the lock was ours.
pub(crate) fn still_there(path: &Path, opened: &File) -> Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = opened.metadata().map_err(|source| sys::Error::new("fstat", path, source))?;
    Ok(sys::stat_opt(path)?.is_some_and(|stat| (stat.st_dev, stat.st_ino) == (metadata.dev(), metadata.ino())))
}
