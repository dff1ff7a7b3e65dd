//! Why images are not loaded, in dockerd's words where it has some.

use std::io;

use base::{DiffId, ImageId};

use super::ArchiveError;
use crate::{BadReference, BadTag, Error, compression::Unsupported, config::BadConfig, manifest::BadManifest};

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
