//! `docker import`: a tar becomes an image of one layer.
//!
//! moby 20.10, daemon/images/image_import.go `ImportImage`.

use std::io::{self, Read};

use base::{ImageId, Time};
use layerstore::LayerStore;

use crate::{
    BadTag, Error, ImageConfig, Images, Reference,
    changes::{self, BadChange},
    compression::{self, Unsupported},
    config::{RootFs, Step, image_id},
    write::Making,
};

/// The dockerd whose files we write.
pub const DOCKER_VERSION: &str = "20.10.24";

/// What `docker import` is told.
#[derive(Debug, Default)]
pub struct Import<'a> {
    /// The name to give; `latest` if it has no tag.
    pub name: Option<Reference>,
    /// The message; none is `Imported from -`.
    pub message: Option<&'a str>,
    /// Dockerfile instructions for the config.
    pub changes: &'a [String],
}

/// Why a tar did not become an image. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The name has a digest.
    #[error("cannot import digest reference")]
    Digest,
    /// A change that is none.
    #[error(transparent)]
    Change(#[from] BadChange),
    /// The tar is compressed in a way we cannot undo.
    #[error(transparent)]
    Compression(#[from] Unsupported),
    /// The tar could not be read.
    #[error("the archive could not be read")]
    Read(#[source] io::Error),
    /// The tar is damaged, or anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<layerstore::Error> for ImportError {
    fn from(error: layerstore::Error) -> Self {
        Self::Other(error.into())
    }
}

impl Images {
    /// Makes an image of a tar, gzipped or not. `progress` is told how many bytes of the
    /// unpacked tar were read.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn import(
        &self,
        layers: &LayerStore,
        tar: &mut dyn Read,
        import: &Import<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImageId, ImportError> {
        let Import { name, message, changes } = import;
        if let Some(name) = name {
            self.may_name(name)?;
        }
        let config = changes::apply(changes)?;
        let mut tar = compression::inflate(tar).map_err(ImportError::Read)??;
        let mut batch = layers.batch();
        let layer = batch.add(None, &mut tar, progress)?.layer;
        let bytes = ImageConfig { config: Some(config), ..imported(message, layer.diff) }.to_bytes();
        let id = image_id(&bytes);
        let tags = name.iter().map(|name| (name.clone(), id)).collect();
        let stamp = Some(Time::now().into());
        self.make(layers, batch, Making { configs: vec![(id, bytes)], tags, stamp, ..Making::default() })?;
        Ok(id)
    }

    fn may_name(&self, name: &Reference) -> Result<(), ImportError> {
        if name.digest().is_some() {
            return Err(ImportError::Digest);
        }
        if name.familiar_name() == "sha256" {
            return Err(Error::Tag(BadTag::Ambiguous).into());
        }
        self.repositories()?; // a damaged file is told before anything is unpacked
        Ok(())
    }
}

fn imported(message: &Option<&str>, diff: base::DiffId) -> ImageConfig {
    let created = crate::Created::from(Time::now());
    let comment = message.filter(|text| !text.is_empty()).unwrap_or("Imported from -").to_owned();
    ImageConfig {
        comment: comment.clone(),
        created: created.clone(),
        docker_version: DOCKER_VERSION.to_owned(),
        architecture: architecture().to_owned(),
        os: "linux".to_owned(),
        rootfs: Some(RootFs::of(vec![diff])),
        history: vec![Step { created, comment, ..Step::default() }],
        ..ImageConfig::default()
    }
}

/// This machine's architecture by Go's name.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        other => other,
    }
}
