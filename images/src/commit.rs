//! `docker commit`: what a container changed becomes a layer, and its config an image's.
//!
//! moby 20.10, daemon/images/image_commit.go `CommitImage`, image/image.go `NewChildImage`.

use std::io::Read;

use base::{ContainerId, Digest, ImageId, Time};
use layerstore::LayerStore;

use crate::{
    BadTag, Error, Image, ImageConfig, Images, Reference, Result,
    changes::{self, BadChange},
    config::{Config, RootFs, Step, image_id},
    import::{DOCKER_VERSION, architecture},
    write::Making,
};

/// What an image is made of.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The container.
    pub container: &'a ContainerId,
    /// The image it was made from.
    pub parent: Option<&'a Image>,
    /// `--author`.
    pub author: &'a str,
    /// `--message`.
    pub comment: &'a str,
    /// What a container of the new image is told.
    pub config: Config,
    /// What this container was told.
    pub container_config: Config,
    /// The name to give.
    pub name: Option<Reference>,
}

/// A container's config with Dockerfile instructions applied, and what they leave out taken from
/// the container's (moby 20.10, daemon/commit.go `merge`).
///
/// # Errors
/// [`BadChange`].
pub fn changed(container: &Config, changes: &[String]) -> std::result::Result<Config, BadChange> {
    let mut config = changes::apply_to(container.clone(), changes)?;
    config.labels.get_or_insert_default();
    if config.entrypoint.as_ref().is_none_or(Vec::is_empty) && config.cmd.as_ref().is_none_or(Vec::is_empty) {
        config.cmd.clone_from(&container.cmd);
    }
    Ok(config)
}

impl Images {
    /// Makes an image of a container's changes, given as a layer archive. A layer without entries
    /// is none. `progress` is told how many bytes were read.
    ///
    /// # Errors
    /// When the archive cannot be read, the layer not be made, or the name not be given.
    pub fn commit(
        &self,
        layers: &LayerStore,
        tar: &mut dyn Read,
        commit: Commit<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImageId> {
        if commit.name.as_ref().is_some_and(|name| name.familiar_name() == "sha256") {
            return Err(Error::Tag(BadTag::Ambiguous));
        }
        let parent = commit.parent.map(|image| &image.config);
        let mut batch = layers.batch();
        let mark = batch.mark();
        let diff = batch.add(parent.and_then(ImageConfig::chain).as_ref(), tar, progress)?.layer.diff;
        let empty = diff == empty_tar();
        if empty {
            batch.rewind(mark);
        }
        let mut diffs = parent.map(|config| config.diff_ids().to_vec()).unwrap_or_default();
        if !empty {
            diffs.push(diff);
        }
        let bytes = child(&commit, parent, diffs, empty).to_bytes();
        let id = image_id(&bytes);
        let making = Making {
            configs: vec![(id, bytes)],
            parents: commit.parent.iter().map(|parent| (id, parent.id)).collect(),
            tags: commit.name.into_iter().map(|name| (name, id)).collect(),
            stamp: Some(Time::now().into()),
        };
        self.make(layers, batch, making)?;
        Ok(id)
    }
}

/// Two empty blocks (moby 20.10, layer/empty.go).
fn empty_tar() -> base::DiffId {
    base::DiffId::new(Digest::of(&[0; 1024]))
}

fn child(commit: &Commit<'_>, parent: Option<&ImageConfig>, diffs: Vec<base::DiffId>, empty: bool) -> ImageConfig {
    let created = crate::Created::from(Time::now());
    let mut history = parent.map(|config| config.history.clone()).unwrap_or_default();
    history.push(Step {
        created: created.clone(),
        author: commit.author.to_owned(),
        created_by: commit.container_config.cmd.clone().unwrap_or_default().join(" "),
        comment: commit.comment.to_owned(),
        empty_layer: empty,
    });
    let of_parent = |field: fn(&ImageConfig) -> &String| parent.map(field).filter(|text| !text.is_empty()).cloned();
    ImageConfig {
        created,
        container: commit.container.to_string(),
        container_config: commit.container_config.clone(),
        docker_version: DOCKER_VERSION.to_owned(),
        author: commit.author.to_owned(),
        config: Some(commit.config.clone()),
        architecture: of_parent(|config| &config.architecture).unwrap_or_else(|| architecture().to_owned()),
        os: "linux".to_owned(),
        rootfs: Some(RootFs::of(diffs)),
        history,
        os_version: of_parent(|config| &config.os_version).unwrap_or_default(),
        os_features: parent.and_then(|config| config.os_features.clone()),
        ..ImageConfig::default()
    }
}
