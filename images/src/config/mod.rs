//! An image's config JSON: its bytes, which are its identity, and what they say.
//!
//! The id of an image is the sha256 of these bytes, so they are kept as they came and never
//! written anew. The view follows moby 20.10, image/image.go: keys without regard to case,
//! unknown ones passed over.

mod container;
mod created;
pub(crate) mod go;

use std::collections::BTreeMap;

use base::{ChainId, DiffId, Digest, ImageId, chain_id, gojson};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use container::{Config, Empty, Health, Set};
pub use created::Created;

/// A config that is none. The two sentences are dockerd's; what JSON itself complains of is not.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// It does not parse, or a field has another type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It names no layers, not even none.
    #[error("invalid image JSON, no RootFS key")]
    NoRootFs,
    /// More steps made layers than there are.
    #[error("too many non-empty layers in History section")]
    History,
}

/// The layers an image is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// `layers`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// From the base up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff_ids: Vec<DiffId>,
}

impl RootFs {
    /// These layers, from the base up.
    pub fn of(diff_ids: Vec<DiffId>) -> Self {
        Self { kind: "layers".to_owned(), diff_ids }
    }

    /// The chain id of each layer, from the base up.
    pub fn chains(&self) -> impl Iterator<Item = ChainId> {
        self.diff_ids.iter().scan(None, |below: &mut Option<ChainId>, diff| {
            *below = Some(chain_id(below.as_ref(), diff));
            *below
        })
    }

    /// The chain id of the top layer; an image without layers has none.
    pub fn chain(&self) -> Option<ChainId> {
        self.chains().last()
    }
}

/// One step of how an image was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// When.
    pub created: Created,
    /// By whom.
    #[serde(skip_serializing_if = "go::is_zero")]
    pub author: String,
    /// The Dockerfile's line, or the command that was committed.
    #[serde(skip_serializing_if = "go::is_zero")]
    pub created_by: String,
    /// The message of commit or import.
    #[serde(skip_serializing_if = "go::is_zero")]
    pub comment: String,
    /// Whether it made no layer.
    #[serde(skip_serializing_if = "go::is_zero")]
    pub empty_layer: bool,
}

/// What a config says. moby's `V1Image` and `Image` in one; empty texts were not there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Docker's own names")]
pub struct ImageConfig {
    #[serde(skip_serializing_if = "go::is_zero")]
    pub comment: String,
    pub created: Created,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub container: String,
    #[serde(deserialize_with = "container_config")]
    pub container_config: Config,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub docker_version: String,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub author: String,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "config")]
    pub config: Option<Config>,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub architecture: String,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub variant: String,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub os: String,
    #[serde(rename = "Size", skip_serializing_if = "go::is_zero")]
    pub size: i64,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "rootfs")]
    pub rootfs: Option<RootFs>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "history")]
    pub history: Vec<Step>,
    #[serde(rename = "os.version", skip_serializing_if = "go::is_zero")]
    pub os_version: String,
    #[serde(rename = "os.features", skip_serializing_if = "go::is_hollow")]
    pub os_features: Option<Vec<String>>,
}

const FIELDS: &[&str] = &[
    "comment",
    "created",
    "container",
    "container_config",
    "docker_version",
    "author",
    "config",
    "architecture",
    "variant",
    "os",
    "Size",
    "rootfs",
    "history",
    "os.version",
    "os.features",
];

fn container_config<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Config, D::Error> {
    Config::read(Value::deserialize(from)?).map_err(serde::de::Error::custom)
}

fn config<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Config>, D::Error> {
    container_config(from).map(Some)
}

fn rootfs<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<RootFs>, D::Error> {
    let read = go::read(Value::deserialize(from)?, &["type", "diff_ids"]);
    read.map(Some).map_err(serde::de::Error::custom)
}

fn history<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Step>, D::Error> {
    let fields = ["created", "author", "created_by", "comment", "empty_layer"];
    let steps = Vec::<Value>::deserialize(from)?.into_iter();
    let read = steps.map(|step| if step.is_null() { Ok(Step::default()) } else { go::read(step, &fields) });
    read.collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

impl ImageConfig {
    /// Reads a config.
    ///
    /// # Errors
    /// [`BadConfig`] where moby's `NewFromJSON` fails.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadConfig> {
        let read: Self = go::read(go::value(bytes)?, FIELDS)?;
        if read.rootfs.is_none() {
            return Err(BadConfig::NoRootFs);
        }
        Ok(read)
    }

    /// Whether an image may be made of it: moby 20.10, image/store.go `Create`.
    ///
    /// # Errors
    /// When more steps of the history made layers than there are.
    pub fn check(&self) -> Result<(), BadConfig> {
        let made = self.history.iter().filter(|step| !step.empty_layer).count();
        if made > self.diff_ids().len() { Err(BadConfig::History) } else { Ok(()) }
    }

    /// As dockerd writes a config it made itself: the top level sorted by key.
    pub fn to_bytes(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("a struct of texts and numbers is JSON");
        let sorted: BTreeMap<String, Value> = match value {
            Value::Object(object) => object.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        gojson::to_vec(&sorted).expect("a map with string keys is JSON")
    }

    /// The layers, from the base up.
    pub fn diff_ids(&self) -> &[DiffId] {
        self.rootfs.as_ref().map_or(&[], |rootfs| &rootfs.diff_ids)
    }

    /// The chain id of each layer, from the base up.
    pub fn chains(&self) -> impl Iterator<Item = ChainId> {
        self.rootfs.iter().flat_map(RootFs::chains)
    }

    /// The chain id of the top layer; an image without layers has none.
    pub fn chain(&self) -> Option<ChainId> {
        self.chains().last()
    }

    /// The system it is made for; unsaid is this one.
    pub fn operating_system(&self) -> &str {
        if self.os.is_empty() { "linux" } else { &self.os }
    }
}

/// The id of the image that has this config.
pub fn image_id(bytes: &[u8]) -> ImageId {
    ImageId::new(Digest::of(bytes))
}

#[cfg(test)]
mod tests;
