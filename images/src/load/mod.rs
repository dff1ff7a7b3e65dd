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
mod section;

use std::{fmt, io, path::Path};

use base::{ChainId, DiffId, ImageId, chain_id};
use layerstore::{Batch, LayerStore};

pub use self::archive::{ArchiveError, Input};
use self::{
    archive::Archive,
    section::{Section, Watched},
};
use crate::{
    BadReference, BadTag, Error, ImageConfig, Images, Reference,
    compression::{self, Unsupported},
    config::{BadConfig, image_id},
    manifest::{self, BadManifest, Item},
    write::{Making, Replaced},
};

/// Why an archive, or an image in it, was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Something in the archive cannot be found or read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There is no `manifest.json`: no archive that `docker save` wrote since Docker 1.10.
    // moby falls back to the form of Docker before 1.10 then, and misses its `repositories`
    #[error("open repositories: no such file or directory")]
    NoManifest(#[source] NoManifest),
    /// `manifest.json` makes no sense.
    #[error("manifest.json is damaged")]
    Manifest(#[source] BadManifest),
    /// An image's config makes no sense.
    #[error("{path} is damaged")]
    DamagedConfig {
        /// Where it lies in the archive.
        path: String,
        /// What is wrong with it.
        source: BadConfig,
    },
    /// Wrong in dockerd's words.
    #[error(transparent)]
    Config(BadConfig),
    /// An image for another operating system.
    #[error("cannot load {0} image on linux")]
    ForeignSystem(String),
    /// The manifest lists another number of layers than the config.
    #[error("invalid manifest, layers length mismatch: expected {listed}, got {in_config}")]
    LayerCount {
        /// In `manifest.json`.
        listed: usize,
        /// In the config.
        in_config: usize,
    },
    /// A layer is not the one that the config names.
    #[error("invalid diffID for layer {at}: expected \"{expected}\", got \"{got}\"")]
    DiffId {
        /// Its place, from 0.
        at: usize,
        /// What the config says.
        expected: DiffId,
        /// What the archive holds.
        got: DiffId,
    },
    /// A name that is none.
    #[error(transparent)]
    Reference(#[from] BadReference),
    /// A name without a tag.
    #[error("invalid tag {0:?}")]
    NoTag(String),
    /// A name that cannot be given. dockerd says that it gave it.
    #[error(transparent)]
    Tag(#[from] BadTag),
    /// A layer compressed in a way we cannot undo.
    #[error(transparent)]
    Compression(#[from] Unsupported),
    /// The archive cannot be read.
    #[error("the archive could not be read")]
    Read(#[source] io::Error),
    /// An image is said to be made from one that is no step before it.
    #[error("image {parent} is not a valid parent for {image}")]
    Parent {
        /// The image.
        image: ImageId,
        /// What it is said to be made from.
        parent: ImageId,
    },
    /// The store failed.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<layerstore::Error> for LoadError {
    fn from(error: layerstore::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Says what is missing.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the archive has no manifest.json: it was not written by docker save (since Docker 1.10)")]
pub struct NoManifest;

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

/// An image of the archive whose layers are prepared.
struct Ready {
    id: ImageId,
    bytes: Vec<u8>,
    config: ImageConfig,
    tags: Vec<Reference>,
    parent: Option<ImageId>,
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

/// Verifies an image and prepares the layers that the store does not have.
fn prepare(
    archive: &Archive,
    item: &Item,
    batch: &mut Batch<'_>,
    watch: &mut dyn FnMut(Event),
) -> Result<Ready, LoadError> {
    let bytes = archive.read(&item.config)?;
    let config = ImageConfig::parse(&bytes).map_err(|bad| damaged(&item.config, bad))?;
    if config.operating_system() != "linux" {
        return Err(LoadError::ForeignSystem(config.os));
    }
    let paths = item.layers.as_deref().unwrap_or_default();
    let (listed, in_config) = (paths.len(), config.diff_ids().len());
    if listed != in_config {
        return Err(LoadError::LayerCount { listed, in_config });
    }
    config.check().map_err(LoadError::Config)?;
    let tags = item.repo_tags.iter().flatten().map(|text| tag(text)).collect::<Result<_, _>>()?;
    let mut below = None;
    for (at, (expected, path)) in config.diff_ids().iter().zip(paths).enumerate() {
        below = Some(layer(archive, path, below.as_ref(), (at, *expected), batch, watch)?);
    }
    Ok(Ready { id: image_id(&bytes), bytes, config, tags, parent: item.parent.parse().ok() })
}

fn damaged(path: &str, source: BadConfig) -> LoadError {
    match source {
        BadConfig::Json(_) => LoadError::DamagedConfig { path: path.to_owned(), source },
        said_by_dockerd => LoadError::Config(said_by_dockerd),
    }
}

fn tag(text: &str) -> Result<Reference, LoadError> {
    let name: Reference = text.parse()?;
    if name.tag().is_none() {
        return Err(LoadError::NoTag(text.to_owned()));
    }
    match (name.digest(), name.familiar_name().as_str()) {
        (Some(_), _) => Err(BadTag::Digest.into()),
        (None, "sha256") => Err(BadTag::Ambiguous.into()),
        (None, _) => Ok(name),
    }
}

/// Has the store find or unpack one layer, and makes sure that it is the one.
fn layer(
    archive: &Archive,
    path: &str,
    below: Option<&ChainId>,
    (at, expected): (usize, DiffId),
    batch: &mut Batch<'_>,
    watch: &mut dyn FnMut(Event),
) -> Result<ChainId, LoadError> {
    let chain = chain_id(below, &expected);
    if batch.find(&chain)?.is_some() {
        return Ok(chain);
    }
    let (section, total) = archive.open_file(path)?;
    let mut told = |done| watch(Event::Progress { layer: expected, done, total });
    let mut tar = inflated(section, &mut told)?;
    let got = batch.add(below, &mut *tar, &mut |_| {})?.layer.diff;
    if got == expected { Ok(chain) } else { Err(LoadError::DiffId { at, expected, got }) }
}

fn inflated<'a>(section: Section<'a>, watch: &'a mut dyn FnMut(u64)) -> Result<Box<dyn io::Read + 'a>, LoadError> {
    let watched = Watched { inner: section, read: 0, watch };
    Ok(compression::inflate(watched).map_err(LoadError::Read)??)
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
