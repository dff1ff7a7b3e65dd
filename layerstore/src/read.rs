//! What the store holds: layers, containers' layers, and what of them is damaged.
//!
//! Nothing is remembered between two questions. One layer costs five small files, its whole chain
//! five for each layer; listing names costs one directory.

use std::{ffi::OsStr, path::Path};

use base::{ChainId, ContainerId, DiffId, Digest};

use crate::{
    CacheId, Error, InitId, LayerStore, MountId, Result,
    layerdb::{layer_dir, layer_dir::LayerDir, mount_dir, mount_dir::MountDir},
};

/// A read-only layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name, together with all it rests on.
    pub chain: ChainId,
    /// The digest of its tar.
    pub diff: DiffId,
    /// The layer below; a base layer has none.
    pub parent: Option<ChainId>,
    /// The driver layer that holds its content.
    pub cache_id: CacheId,
    /// Bytes of its own content, as the driver counted when it was unpacked.
    pub size: u64,
}

impl Layer {
    pub(crate) fn files(&self) -> Vec<(&'static str, String)> {
        let Self { chain: _, diff, parent, cache_id, size } = self.clone();
        LayerDir { cache_id, diff, size, parent }.files()
    }
}

/// A container's layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RwLayer {
    /// Whose they are.
    pub container: ContainerId,
    /// The driver layer the container writes to.
    pub mount_id: MountId,
    /// The init layer below it; BuildKit's mounts have none.
    pub init_id: Option<InitId>,
    /// The image's top layer; an image without layers has none.
    pub parent: Option<ChainId>,
}

/// An entry of `layerdb` that cannot be used. dockerd behaves as if it were not there.
#[derive(Debug)]
pub struct Finding {
    /// Its directory.
    pub path: std::path::PathBuf,
    /// Why it cannot be used.
    pub reason: Error,
}

impl LayerStore {
    /// A layer; `None` when there is none of that name. What it rests on is not looked at.
    ///
    /// # Errors
    /// [`Error::DamagedLayer`], or when its files cannot be read.
    pub fn layer(&self, chain: &ChainId) -> Result<Option<Layer>> {
        let dir = self.layer_dir(chain);
        let read = |name: &str| file_in(&dir, name);
        let (cache_id, diff, size) = (read(layer_dir::CACHE_ID)?, read(layer_dir::DIFF)?, read(layer_dir::SIZE)?);
        let (parent, descriptor) = (read(layer_dir::PARENT)?, read(layer_dir::DESCRIPTOR)?);
        if cache_id.is_none() && diff.is_none() && size.is_none() && !sys::exists(&dir)? {
            return Ok(None);
        }
        let files = layer_dir::Files {
            cache_id: cache_id.as_deref(),
            diff: diff.as_deref(),
            size: size.as_deref(),
            parent: parent.as_deref(),
            descriptor: descriptor.as_deref(),
        };
        let damaged = |source| Error::DamagedLayer { chain: *chain, source };
        let LayerDir { cache_id, diff, size, parent } = LayerDir::parse(files).map_err(damaged)?;
        Ok(Some(Layer { chain: *chain, diff, parent, cache_id, size }))
    }

    /// A layer and all it rests on, nearest first: what dockerd needs to find before it shows an
    /// image.
    ///
    /// # Errors
    /// [`Error::NoLayer`] for the first that is missing, and as [`LayerStore::layer`].
    pub fn lineage(&self, chain: &ChainId) -> Result<Vec<Layer>> {
        let mut lineage: Vec<Layer> = Vec::new();
        let mut next = Some(*chain);
        while let Some(chain) = next {
            if lineage.iter().any(|layer| layer.chain == chain) {
                return Err(Error::Circle(chain));
            }
            let layer = self.layer(&chain)?.ok_or(Error::NoLayer(chain))?;
            next = layer.parent;
            lineage.push(layer);
        }
        Ok(lineage)
    }

    /// The names of all layers, damaged ones too, sorted. Junk, and layers being removed, are
    /// left out.
    ///
    /// # Errors
    /// When the directory cannot be read; an absent one is empty.
    pub fn layers(&self) -> Result<Vec<ChainId>> {
        let names = sys::list_dir(self.layers_dir())?;
        Ok(names.iter().filter_map(|name| chain_of(name)).collect())
    }

    /// A container's layers; `None` when it has none.
    ///
    /// # Errors
    /// [`Error::DamagedMount`], or when the files cannot be read.
    pub fn rw_layer(&self, container: &ContainerId) -> Result<Option<RwLayer>> {
        let dir = self.mount_dir(container);
        let read = |name: &str| file_in(&dir, name);
        let (mount_id, init_id, parent) =
            (read(mount_dir::MOUNT_ID)?, read(mount_dir::INIT_ID)?, read(mount_dir::PARENT)?);
        if mount_id.is_none() && !sys::exists(&dir)? {
            return Ok(None);
        }
        let files =
            mount_dir::Files { mount_id: mount_id.as_deref(), init_id: init_id.as_deref(), parent: parent.as_deref() };
        let damaged = |source| Error::DamagedMount { container: container.clone(), source };
        let MountDir { mount_id, init_id, parent } = MountDir::parse(files).map_err(damaged)?;
        Ok(Some(RwLayer { container: container.clone(), mount_id, init_id, parent }))
    }

    /// Whose layers there are, damaged ones too, sorted. BuildKit's mounts, with names of 25
    /// characters, are among them.
    ///
    /// # Errors
    /// When the directory cannot be read; an absent one is empty.
    pub fn rw_layers(&self) -> Result<Vec<ContainerId>> {
        let names = sys::list_dir(self.mounts_dir())?;
        Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    /// All that is damaged: layers and containers' layers whose files make no sense, that rest on
    /// a layer that is not there, or whose content the driver does not have. Reads everything.
    ///
    /// # Errors
    /// When `layerdb` cannot be listed. What cannot be read of one entry is a finding.
    pub fn damaged(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for chain in self.layers()? {
            let looked = self.layer(&chain).and_then(|layer| layer.map_or(Ok(()), |layer| self.whole_layer(&layer)));
            findings.extend(looked.err().map(|reason| Finding { path: self.layer_dir(&chain), reason }));
        }
        for container in self.rw_layers()? {
            let looked = self.rw_layer(&container).and_then(|rw| rw.map_or(Ok(()), |rw| self.whole_mount(&rw)));
            findings.extend(looked.err().map(|reason| Finding { path: self.mount_dir(&container), reason }));
        }
        Ok(findings)
    }

    fn whole_layer(&self, layer: &Layer) -> Result<()> {
        self.present(layer.parent.as_ref())?;
        self.in_driver(layer.cache_id.layer())
    }

    fn whole_mount(&self, rw: &RwLayer) -> Result<()> {
        self.present(rw.parent.as_ref())?;
        if let Some(init) = &rw.init_id {
            self.in_driver(init.layer())?;
        }
        self.in_driver(rw.mount_id.layer())
    }

    fn present(&self, parent: Option<&ChainId>) -> Result<()> {
        match parent {
            Some(parent) if self.layer(parent)?.is_none() => Err(Error::NoLayer(*parent)),
            _ => Ok(()),
        }
    }

    fn in_driver(&self, id: &base::LayerId) -> Result<()> {
        // Its own words for a layer that is not there.
        Ok(self.driver().rootfs(id).map(drop)?)
    }

    /// What rests on which layer: the `parent` files alone, so that an entry that is damaged
    /// otherwise still holds the layer below.
    pub(crate) fn users(&self) -> Result<Users> {
        let layers = self.layers()?.into_iter().map(|chain| (User::Layer(chain), self.layer_dir(&chain)));
        let mounts = self.rw_layers()?;
        let mounts = mounts.into_iter().map(|container| {
            let dir = self.mount_dir(&container);
            (User::Container(container), dir)
        });
        let mut users = Vec::new();
        for (user, dir) in layers.chain(mounts) {
            if let Some(parent) = file_in(&dir, layer_dir::PARENT)?.and_then(|bytes| parent_in(&bytes)) {
                users.push((parent, user));
            }
        }
        Ok(Users(users))
    }
}

/// What rests on a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum User {
    Layer(ChainId),
    Container(ContainerId),
}

/// Pairs of a layer and what rests on it.
#[derive(Debug)]
pub(crate) struct Users(Vec<(ChainId, User)>);

impl Users {
    /// Whether anything rests on `chain` but the layers in `leaving`.
    pub(crate) fn need(&self, chain: &ChainId, leaving: &[ChainId]) -> bool {
        let stays = |user: &User| !matches!(user, User::Layer(layer) if leaving.contains(layer));
        self.0.iter().any(|(parent, user)| parent == chain && stays(user))
    }
}

/// A layer's chain id from the name of its directory.
fn chain_of(name: &OsStr) -> Option<ChainId> {
    Digest::from_hex(name.to_str()?).ok().map(ChainId::new)
}

pub(crate) fn parent_in(bytes: &[u8]) -> Option<ChainId> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

/// A small file of an entry; none where the entry itself is no directory.
pub(crate) fn file_in(dir: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    match sys::read_opt(dir.join(name)) {
        Err(error) if error.io().kind() == std::io::ErrorKind::NotADirectory => Ok(None),
        other => Ok(other?),
    }
}
