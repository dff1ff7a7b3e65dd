//! One image of an archive: verified, its layers unpacked, nothing of it visible yet.

use std::io;

use base::{ChainId, DiffId, ImageId, chain_id};
use layerstore::Batch;

use super::{
    Event, LoadError,
    archive::Archive,
    section::{Section, Watched},
};
use crate::{
    BadTag, ImageConfig, Reference, compression,
    config::{BadConfig, image_id},
    manifest::Item,
};

/// An image of the archive whose layers are prepared.
pub(super) struct Ready {
    pub(super) id: ImageId,
    pub(super) bytes: Vec<u8>,
    pub(super) config: ImageConfig,
    pub(super) tags: Vec<Reference>,
    pub(super) parent: Option<ImageId>,
}

/// Verifies an image and prepares the layers that the store does not have.
pub(super) fn prepare(
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
