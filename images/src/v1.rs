//! The layer directories of `docker save` up to 24: ids and JSON of images as before Docker 1.10.
//!
//! moby 20.10, image/v1/imagev1.go `CreateID` and image/tarexport/save.go `saveImage`: each layer
//! poses as an image of its own. All but the top one know nothing but the year 1970; the top one
//! tells what the image's config tells.

use std::collections::BTreeMap;

use base::{ChainId, Digest, gojson};
use serde::Serialize;
use serde_json::Value;

use crate::config::{Config, Created, ImageConfig};

/// A layer as an old image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V1Layer {
    /// Its name: a directory in the archive.
    pub id: Digest,
    /// The file `json` in that directory.
    pub json: Vec<u8>,
    /// The layer.
    pub chain: ChainId,
}

/// moby 20.10, image/image.go `V1Image`, in its order.
#[derive(Serialize)]
struct V1Image<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'a str,
    created: &'a Created,
    #[serde(skip_serializing_if = "str::is_empty")]
    container: &'a str,
    container_config: &'a Config,
    #[serde(skip_serializing_if = "str::is_empty")]
    docker_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a Config>,
    #[serde(skip_serializing_if = "str::is_empty")]
    architecture: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    variant: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    os: &'a str,
    #[serde(rename = "Size", skip_serializing_if = "is_zero")]
    size: i64,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl<'a> From<&'a ImageConfig> for V1Image<'a> {
    fn from(config: &'a ImageConfig) -> Self {
        Self {
            id: String::new(),
            parent: String::new(),
            comment: &config.comment,
            created: &config.created,
            container: &config.container,
            container_config: &config.container_config,
            docker_version: &config.docker_version,
            author: &config.author,
            config: config.config.as_ref(),
            architecture: &config.architecture,
            variant: &config.variant,
            os: &config.os,
            size: config.size,
        }
    }
}

/// The layers of an image, from the base up, as old images.
pub fn layers(config: &ImageConfig) -> Vec<V1Layer> {
    let plain = ImageConfig { created: Created::epoch(), ..ImageConfig::default() };
    let top = config.diff_ids().len().saturating_sub(1);
    let mut parent: Option<Digest> = None;
    let pose = |(at, chain): (usize, ChainId)| {
        let mut image = V1Image::from(if at == top { config } else { &plain });
        let id = id(&image, &chain, parent.as_ref());
        image.id = id.hex();
        image.parent = parent.map(|parent| parent.hex()).unwrap_or_default();
        image.os = &config.os; // only now: it does not count for the ids below the top
        parent = Some(id);
        V1Layer { id, json: json(&image), chain }
    };
    config.chains().enumerate().map(pose).collect()
}

fn json(image: &impl Serialize) -> Vec<u8> {
    gojson::to_vec(image).expect("a struct of texts and numbers is JSON")
}

/// The sha256 of the image's JSON with the layer's and the parent's digest in it, keys sorted.
fn id(image: &V1Image<'_>, chain: &ChainId, parent: Option<&Digest>) -> Digest {
    let value = serde_json::to_value(image).expect("a struct of texts and numbers is JSON");
    let mut sorted: BTreeMap<String, Value> = match value {
        Value::Object(object) => object.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    sorted.insert("layer_id".to_owned(), chain.to_string().into());
    if let Some(parent) = parent {
        sorted.insert("parent".to_owned(), parent.to_string().into());
    }
    Digest::of(&json(&sorted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_json_are_those_of_docker_save() {
        let config = include_bytes!("../tests/golden/built.json");
        let made = layers(&ImageConfig::parse(config).expect("dockerd's config"));
        let ids: Vec<_> = made.iter().map(|layer| layer.id.hex()).collect();
        // manifest.json of the archive that dockerd 20.10.24 saved
        assert_eq!(
            ids,
            [
                "00d824c585afb67fa2fb16259c5688b718b93fcc480bc3f058ac41105b2b9e68",
                "b1c2e4931fb35939ab6438c0ca1f53ee7e1a456da84a937f71ff988775d12c74",
                "8a38b2ed2312de1a398b1d6bf8eacd22cb3f25d889a7f460cf57899d4d532522",
                "a45e9b2f8e09efb77084a7db4e852199054b756f702903bd5838aa8dd0450a06",
            ]
        );
        let text = |at: usize| String::from_utf8_lossy(&made[at].json);
        assert_eq!(text(1), include_str!("../tests/golden/v1-middle.json"));
        assert_eq!(text(3), include_str!("../tests/golden/v1-top.json"));
    }
}
