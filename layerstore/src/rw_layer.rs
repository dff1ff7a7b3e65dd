//! Containers' own layers: made, published with one rename, removed.
//!
//! Unlike moby, which writes `mounts/<container>` file by file in place after the driver's layers
//! are there, the three files are written first, into a draft in `tmp` that is renamed when all is
//! whole. A process that dies in between leaves a draft that names its two driver layers.

use base::{ChainId, ContainerId};

use crate::{
    Error, LayerStore, MountId, Result, RwLayer,
    draft::{Draft, Kind, in_the_way},
    layerdb::{mount_dir, mount_dir::MountDir},
    read::file_in,
    store::still_there,
};

/// What stands between the image and the container's own layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Init {
    /// Docker's mount points and empty files, in an init layer that no `docker diff` shows.
    Docker,
    /// Nothing: the container's layer rests on the image.
    Without,
}

impl LayerStore {
    /// Makes a container's layers on an image's top layer (`None`: an image without layers), each
    /// of at most `limit` bytes.
    ///
    /// Nothing is flushed. The container is acknowledged by its `config.v2.json`, so whoever
    /// writes that calls [`LayerStore::sync`] before: one flush for all that was written, this
    /// included. After a power cut before that the layers are garbage of a container that never
    /// was.
    ///
    /// The image's layer is pinned while this runs, and held by `mounts/<container>/parent`
    /// afterwards: an `rmi` beside it finds it needed at every moment.
    ///
    /// # Errors
    /// [`Error::NoLayer`], [`Error::MountExists`]; the driver's and the system's failures.
    /// Nothing is left behind.
    pub fn create_rw_layer(
        &self,
        container: &ContainerId,
        image: Option<&ChainId>,
        init: Init,
        limit: Option<u64>,
    ) -> Result<RwLayer> {
        if sys::exists(self.mount_dir(container).join(mount_dir::MOUNT_ID))? {
            return Err(Error::MountExists(container.clone()));
        }
        let pinned = image.map(|chain| self.pin(chain)?.ok_or(Error::NoLayer(*chain))).transpose()?;
        let below = image.map(|chain| self.layer(chain)?.ok_or(Error::NoLayer(*chain))).transpose()?;
        let mount_id = MountId::random();
        let init_id = (init == Init::Docker).then(|| mount_id.init());
        let rw = RwLayer { container: container.clone(), mount_id, init_id, parent: image.copied() };
        sys::create_dir_all(self.mounts_dir(), 0o755)?;
        let draft = self.mount_draft(&rw)?;
        let made = self.make_layers(&rw, below.as_ref().map(|layer| layer.cache_id.layer()), limit);
        let (draft, error) = match made {
            Err(error) => (draft, error),
            Ok(()) => match draft.publish(&self.mount_dir(container)) {
                Ok(_) => return Ok(rw),
                Err((draft, error)) if in_the_way(&error) => (draft, Error::MountExists(container.clone())),
                Err((draft, error)) => (draft, error.into()),
            },
        };
        drop(pinned);
        // As long as they are there, the draft names them.
        if self.remove_layers(&rw).is_err() {
            draft.leave();
        }
        Err(error)
    }

    fn mount_draft(&self, rw: &RwLayer) -> Result<Draft> {
        let draft = self.draft(Kind::Mount)?;
        let files = MountDir { mount_id: rw.mount_id.clone(), init_id: rw.init_id.clone(), parent: rw.parent }.files();
        for (name, text) in files {
            draft.write(name, text.as_bytes())?;
        }
        Ok(draft)
    }

    fn make_layers(&self, rw: &RwLayer, image: Option<&base::LayerId>, limit: Option<u64>) -> Result<()> {
        let Some(init) = &rw.init_id else {
            return Ok(self.driver().create_read_write(rw.mount_id.layer(), image, limit)?);
        };
        self.driver().create_read_write(init.layer(), image, limit)?;
        self.populate_init(init.layer())?;
        Ok(self.driver().create_read_write(rw.mount_id.layer(), Some(init.layer()), limit)?)
    }

    /// Removes the driver's layers, the upper one first; both are tried.
    fn remove_layers(&self, rw: &RwLayer) -> Result<()> {
        let upper = self.driver().remove(rw.mount_id.layer());
        let init = rw.init_id.as_ref().map_or(Ok(()), |init| self.driver().remove(init.layer()));
        Ok(upper.and(init)?)
    }

    /// Removes a container's layers, and then those below that nobody else needs, as
    /// [`LayerStore::release`] does with the same `needed`; returns the latter. A container
    /// without layers is fine. What is mounted of it is unmounted.
    ///
    /// The pointer goes first: `mounts/<container>` is renamed into `tmp`, where recovery finds
    /// it if we do not come to the end. No flush. The caller holds [`LayerStore::lock`] when the
    /// image may be gone already.
    ///
    /// # Errors
    /// The first thing that could not be removed. The container has no layers any more all the
    /// same, unless it was the rename that failed.
    pub fn release_rw(&self, container: &ContainerId, needed: &dyn Fn(&ChainId) -> bool) -> Result<Vec<ChainId>> {
        let dir = self.mount_dir(container);
        let opened = match sys::open_dir(&dir) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            other => other?,
        };
        let gone = self.fresh_path(Kind::Removing)?;
        let lock = sys::wait_exclusive(opened, &dir)?;
        if !still_there(&dir, lock.file())? {
            return Ok(Vec::new());
        }
        sys::rename(&dir, &gone)?;
        let named = crate::recover::named_layers(&gone)?;
        let removed = named.iter().map(|id| self.driver().remove(id)).fold(Ok(()), Result::and);
        let parent = file_in(&gone, mount_dir::PARENT)?.and_then(|bytes| crate::read::parent_in(&bytes));
        removed?;
        let released = parent.map_or(Ok(Vec::new()), |parent| self.release(&parent, needed))?;
        sys::remove_tree(&gone)?;
        drop(lock);
        Ok(released)
    }
}
