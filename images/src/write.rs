//! Making images: configs and names become durable and visible together with their layers.
//!
//! Leaf first, pointer last: everything is written aside, one syncfs covers it with the layers,
//! then layers, configs, notes and names take their places in this order, and flushing those
//! directories makes that durable. Unlike moby, which flushes every small file and no directory and no layer content.

use std::path::PathBuf;

use base::ImageId;
use layerstore::{Batch, LayerStore};

use crate::{Images, Reference, Result, config::Created, repositories::Repositories};

/// What is to be made in one step.
#[derive(Debug, Default)]
pub(crate) struct Making {
    /// Configs, with the image each may be said to be made from.
    pub configs: Vec<(ImageId, Vec<u8>)>,
    /// Parents of images.
    pub parents: Vec<(ImageId, ImageId)>,
    /// Names and what they shall stand for.
    pub tags: Vec<(Reference, ImageId)>,
    /// Whether `lastUpdated` is to be written; `docker load` does not.
    pub stamp: Option<Created>,
}

/// A name that stood for another image until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub name: Reference,
    pub image: ImageId,
}

/// A file that waits beside its place; removed when dropped.
#[derive(Debug)]
struct Staged {
    aside: PathBuf,
    place: PathBuf,
    published: bool,
}

impl Staged {
    fn new(place: PathBuf, bytes: &[u8]) -> Result<Self> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let number = u64::from_le_bytes(sys::random());
        let aside = place.with_file_name(format!(".tmp-{name}{number}"));
        sys::write_new(&aside, bytes, 0o600)?;
        Ok(Self { aside, place, published: false })
    }

    fn publish(mut self) -> Result<()> {
        sys::rename(&self.aside, &self.place)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // The error that brought us here is the one to tell.
            drop(sys::remove_file(&self.aside));
        }
    }
}

impl Images {
    /// Makes images of layers that were prepared. Returns the names that stood for another image.
    ///
    /// On error nothing is visible but perhaps layers, which the next recovery takes away.
    pub(crate) fn make(&self, layers: &LayerStore, batch: Batch<'_>, making: Making) -> Result<Vec<Replaced>> {
        for dir in [self.content_dir(), self.dir().join("imagedb/metadata/sha256")] {
            sys::create_dir_all(dir, 0o700)?;
        }
        let _lock = layers.lock()?;
        let mut staged = self.stage_configs(&making)?;
        let (replaced, names) = self.stage_names(&making.tags)?;
        staged.extend(self.stage_notes(&making)?);
        staged.extend(names);
        let dirs = self.changed_by(&staged);
        let prepared = !batch.is_empty();
        let published = batch.publish()?;
        if !prepared && !staged.is_empty() {
            sys::syncfs(self.dir())?;
        }
        for file in staged {
            file.publish()?;
        }
        sys::fsync_dirs(&dirs)?;
        published.keep();
        Ok(replaced)
    }

    /// The directories in which something takes its place, the pointer's last. Also those in which
    /// another process may just have put what we found there: it is ours to acknowledge.
    fn changed_by(&self, staged: &[Staged]) -> Vec<PathBuf> {
        let (mut dirs, last) = (vec![self.content_dir()], self.dir());
        for dir in staged.iter().filter_map(|file| file.place.parent()).filter(|dir| *dir != last) {
            if !dirs.iter().any(|known| known == dir) {
                dirs.push(dir.to_owned());
            }
        }
        dirs.push(last.to_owned());
        dirs
    }

    /// Configs that are there and whole need not be written again.
    fn stage_configs(&self, making: &Making) -> Result<Vec<Staged>> {
        let missing = making.configs.iter().filter(|(id, _)| !matches!(self.get(id), Ok(Some(_))));
        missing.map(|(id, bytes)| Staged::new(self.content_file(id), bytes)).collect()
    }

    fn stage_names(&self, tags: &[(Reference, ImageId)]) -> Result<(Vec<Replaced>, Option<Staged>)> {
        let before = self.repositories()?;
        let mut names = before.clone();
        let mut replaced = Vec::new();
        for (name, id) in tags {
            if let Some(image) = names.tag(name, id)?.filter(|old| old != id) {
                replaced.push(Replaced { name: name.clone(), image });
            }
        }
        let changed = names != before;
        let staged = changed.then(|| Staged::new(self.repositories_file(), &names.to_bytes())).transpose()?;
        Ok((replaced, staged))
    }

    /// What is known of images beside their configs: files of `imagedb/metadata`.
    fn stage_notes(&self, making: &Making) -> Result<Vec<Staged>> {
        let parents = making.parents.iter().map(|(id, parent)| (id, "parent", parent.to_string()));
        let times = making
            .stamp
            .iter()
            .flat_map(|time| making.tags.iter().map(move |(_, id)| (id, "lastUpdated", time.to_string())));
        let staged = parents.chain(times).map(|(id, key, text)| {
            let dir = self.metadata_dir(id);
            sys::create_dir_all(&dir, 0o700)?;
            Staged::new(dir.join(key), text.as_bytes())
        });
        staged.collect()
    }

    /// Writes `repositories.json` and makes it durable.
    pub(crate) fn write_names(&self, names: &Repositories) -> Result<()> {
        sys::write_atomic(self.repositories_file(), &names.to_bytes(), 0o600)?;
        Ok(sys::fsync_dir(self.dir())?)
    }

    /// Removes an image's files; whoever holds its layers is asked later.
    pub(crate) fn erase(&self, id: &ImageId) -> Result<()> {
        sys::remove_tree(self.metadata_dir(id))?;
        match sys::remove_file(self.content_file(id)) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}
