//! `docker load`: images come back out of an archive that `docker save` wrote.
//!
//! moby 20.10, image/tarexport/load.go, its rules and words, with three differences. The archive
//! is not unpacked into a directory first. Nothing of an image is visible before all of it is
//! verified and durable; an image that cannot be loaded leaves nothing, those before it in the
//! archive stay, as with dockerd. And what dockerd's `docker-untar` process would have said of
//! paths below its temporary directory is said of paths in the archive.
//!
//! From Docker 25 on archives are OCI layouts; their `manifest.json` is understood all the same.

mod archive;
mod error;
mod prepare;
mod section;

use std::{fmt, path::Path};

use base::{DiffId, ImageId};
use layerstore::{Batch, LayerStore};

use self::{
    archive::Archive,
    prepare::{Ready, prepare},
};
pub use self::{
    archive::{ArchiveError, Input},
    error::{LoadError, NoManifest},
};
use crate::{
    ImageConfig, Images, Reference,
    manifest::{self, Item},
    write::{Making, Replaced},
};

/// What a load has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A layer is being read.
    Progress {
        /// The layer.
        layer: DiffId,
        /// Bytes of the archive read of it.
        done: u64,
        /// Bytes the archive has of it.
        total: u64,
    },
    /// A line of `docker load`; what it says is durable.
    Loaded(Loaded),
}

/// The lines of `docker load`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// A name stood for another image until now.
    Replaced(Reference, ImageId),
    /// An image has this name.
    Named(Reference),
    /// An image has no name.
    Nameless(ImageId),
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced(name, old) => {
                write!(f, "The image {name} already exists, renaming the old one with ID {old} to empty string")
            }
            Self::Named(name) => write!(f, "Loaded image: {name}"),
            Self::Nameless(id) => write!(f, "Loaded image ID: {id}"),
        }
    }
}

impl Images {
    /// Loads all images of an archive. `tmp` is the data root's directory for what may vanish.
    ///
    /// # Errors
    /// [`LoadError`]. Images before the one that failed are loaded, and were told of.
    pub fn load(
        &self,
        layers: &LayerStore,
        input: Input<'_>,
        tmp: &Path,
        watch: &mut dyn FnMut(Event),
    ) -> Result<(), LoadError> {
        let archive = Archive::open(input, tmp)?;
        let items = items(&archive)?;
        self.repositories()?; // a damaged file is told before anything is unpacked
        let mut batch = layers.batch();
        let mut ready = Vec::new();
        let mut failure = None;
        for item in &items {
            let mark = batch.mark();
            match prepare(&archive, item, &mut batch, watch) {
                Ok(image) => ready.push(image),
                Err(error) => {
                    batch.rewind(mark);
                    failure = Some(error);
                    break;
                }
            }
        }
        let bad_parent = self.finish(layers, batch, ready, watch)?;
        failure.or(bad_parent).map_or(Ok(()), Err)
    }

    /// Makes the images that are ready. A wrong parent is told when all is done.
    fn finish(
        &self,
        layers: &LayerStore,
        batch: Batch<'_>,
        ready: Vec<Ready>,
        watch: &mut dyn FnMut(Event),
    ) -> Result<Option<LoadError>, LoadError> {
        if ready.is_empty() {
            return Ok(None);
        }
        let (parents, bad_parent) = parents(&ready);
        let tags: Vec<_> =
            ready.iter().flat_map(|image| image.tags.iter().map(|tag| (tag.clone(), image.id))).collect();
        let nameless = match ready.last() {
            // moby: the ids are told when the last image has no name, those of all images
            Some(last) if last.tags.is_empty() => ready.iter().map(|image| image.id).collect(),
            _ => Vec::new(),
        };
        let configs = ready.into_iter().map(|image| (image.id, image.bytes)).collect();
        let replaced = self.make(layers, batch, Making { configs, parents, tags: tags.clone(), stamp: None })?;
        lines(tags, replaced, nameless).for_each(|line| watch(Event::Loaded(line)));
        Ok(bad_parent)
    }
}

fn lines(
    tags: Vec<(Reference, ImageId)>,
    replaced: Vec<Replaced>,
    nameless: Vec<ImageId>,
) -> impl Iterator<Item = Loaded> {
    let mut replaced = replaced.into_iter().peekable();
    let named = tags.into_iter().flat_map(move |(name, _)| {
        let before = replaced.next_if(|old| old.name == name).map(|old| Loaded::Replaced(old.name, old.image));
        before.into_iter().chain([Loaded::Named(name)])
    });
    named.chain(nameless.into_iter().map(Loaded::Nameless))
}

fn items(archive: &Archive) -> Result<Vec<Item>, LoadError> {
    match archive.read("manifest.json") {
        Err(ArchiveError::Absent(_)) => Err(LoadError::NoManifest(NoManifest)),
        bytes => manifest::parse(&bytes?).map_err(LoadError::Manifest),
    }
}

/// Which parents of the manifest hold: moby `validatedParentLinks` and `setParentID`.
fn parents(ready: &[Ready]) -> (Vec<(ImageId, ImageId)>, Option<LoadError>) {
    let mut valid = Vec::new();
    for image in ready {
        let Some(parent) = ready.iter().find(|other| Some(other.id) == image.parent && other.id != image.id) else {
            continue;
        };
        if !is_step_before(&parent.config, &image.config) {
            return (valid, Some(LoadError::Parent { image: image.id, parent: parent.id }));
        }
        valid.push((image.id, parent.id));
    }
    (valid, None)
}

/// moby `checkValidParent`: one step less, and the same till then.
fn is_step_before(parent: &ImageConfig, child: &ImageConfig) -> bool {
    match child.history.split_last() {
        None => parent.history.is_empty(),
        Some((_, before)) => before == parent.history,
    }
}
