//! `manifest.json` of an archive that `docker save` wrote: which images it holds.
//!
//! moby 20.10, image/tarexport/tarexport.go `manifestItem`: an array and a newline. From Docker 25
//! on the same file lies in an OCI layout and names blobs.

use std::collections::BTreeMap;

use base::gojson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A `manifest.json` that is no such thing.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadManifest(#[from] serde_json::Error);

/// One image. Paths are those of the archive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Item {
    /// The image's config.
    pub config: String,
    /// Names with tags; `None` is `null`.
    pub repo_tags: Option<Vec<String>>,
    /// The layers' tars from the base up; `None` is `null`.
    pub layers: Option<Vec<String>>,
    /// The id of the parent image, if that is in the archive too.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parent: String,
    /// What registries call a layer, by diff id (Docker 25 and later say it of all layers).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub layer_sources: BTreeMap<String, Value>,
    /// What a later Docker may add.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

const FIELDS: [&str; 5] = ["Config", "RepoTags", "Layers", "Parent", "LayerSources"];

/// Reads the file. As dockerd does, only its first JSON value counts and `null` is no image.
///
/// # Errors
/// [`BadManifest`] when it is no JSON or of another shape.
pub fn parse(bytes: &[u8]) -> Result<Vec<Item>, BadManifest> {
    let text = String::from_utf8_lossy(bytes);
    let mut stream = serde_json::Deserializer::from_str(&text);
    let items = Option::<Vec<Value>>::deserialize(&mut stream)?.unwrap_or_default();
    Ok(items.into_iter().map(item).collect::<Result<_, _>>()?)
}

fn item(value: Value) -> serde_json::Result<Item> {
    match crate::config::go::fold(value, &FIELDS) {
        Value::Null => Ok(Item::default()),
        folded => serde_json::from_value(folded),
    }
}

/// The file's bytes.
pub fn to_bytes(items: &[Item]) -> Vec<u8> {
    gojson::to_line(items).expect("structs of texts are JSON")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_dockerd_wrote_survives_a_round_trip() {
        let golden = include_bytes!("../tests/golden/manifest.json");
        let read = parse(golden).expect("dockerd's file");
        assert_eq!((read.len(), read[0].layers.as_ref().map(Vec::len)), (1, Some(4)));
        assert_eq!(to_bytes(&read), golden);
    }

    #[test]
    fn what_dockerd_takes_we_take() {
        assert_eq!(parse(b"null").expect("no images"), []);
        assert_eq!(parse(b"[null]").expect("an empty item"), [Item::default()]);
        let odd =
            parse(br#"[{"config":"c.json","repotags":["lc:1"],"layers":["l"]}] garbage"#).expect("as Go reads it");
        assert_eq!((odd[0].config.as_str(), odd[0].repo_tags.as_deref()), ("c.json", Some(&["lc:1".to_owned()][..])));
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in ["", "xx", "{}", r#"[{"Config":5}]"#, r#"[{"Layers":"x"}]"#, "[5]"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(config in ".*", tags in any::<Option<Vec<String>>>(), layers in any::<Option<Vec<String>>>()) {
            let written = [Item { config, repo_tags: tags, layers, ..Item::default() }];
            prop_assert_eq!(parse(&to_bytes(&written)).expect("what we wrote"), written);
        }
    }
}
