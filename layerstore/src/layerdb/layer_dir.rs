//! `layerdb/sha256/<chain>/{cache-id,diff,size,parent,descriptor.json}`: what a layer is.
//!
//! moby 20.10, layer/filestore.go: `parent` is absent for a base layer, `descriptor.json` is
//! written only for foreign layers, which Linux has none of. `tar-split.json.gz` lies beside them
//! and is no concern of this format: dockerd loads a layer without it.

use base::{ChainId, DiffId};

use super::{BadEntry, digest, required, text, trimmed};
use crate::ids::CacheId;

/// The name of the file that says which driver layer holds the content.
pub const CACHE_ID: &str = "cache-id";
/// The name of the file with the digest of the layer's tar.
pub const DIFF: &str = "diff";
/// The name of the file with the size of the content.
pub const SIZE: &str = "size";
/// The name of the file with the chain id of the layer below.
pub const PARENT: &str = "parent";
/// The name of the file that describes a foreign layer.
pub const DESCRIPTOR: &str = "descriptor.json";
/// The name of the file the layer's tar is put together from.
pub const TAR_SPLIT: &str = "tar-split.json.gz";

/// A layer as its files tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDir {
    /// The driver layer that holds the content.
    pub cache_id: CacheId,
    /// The digest of the layer's tar.
    pub diff: DiffId,
    /// Bytes, as the driver counted them when the layer was unpacked.
    pub size: u64,
    /// The layer below; a base layer has none.
    pub parent: Option<ChainId>,
}

/// The files as they were read, `None` for one that is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// `cache-id`.
    pub cache_id: Option<&'a [u8]>,
    /// `diff`.
    pub diff: Option<&'a [u8]>,
    /// `size`.
    pub size: Option<&'a [u8]>,
    /// `parent`.
    pub parent: Option<&'a [u8]>,
    /// `descriptor.json`.
    pub descriptor: Option<&'a [u8]>,
}

impl LayerDir {
    /// Reads the files, in dockerd's order, so that the first thing wrong is the one it names.
    ///
    /// # Errors
    /// The first file that is missing or makes no sense.
    pub fn parse(files: Files<'_>) -> Result<Self, BadEntry> {
        let diff = digest(DIFF, required(DIFF, files.diff)?)?;
        let size = parse_size(text(SIZE, required(SIZE, files.size)?)?)?;
        let cache_id = trimmed(CACHE_ID, required(CACHE_ID, files.cache_id)?)?.parse()?;
        let parent = files.parent.map(|bytes| digest(PARENT, bytes)).transpose()?;
        if let Some(bytes) = files.descriptor {
            serde_json::from_slice::<serde::de::IgnoredAny>(bytes).map_err(|_| BadEntry::Descriptor)?;
        }
        Ok(Self { cache_id, diff, size, parent })
    }

    /// The files' names and contents, in the order dockerd writes them.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let mut files =
            vec![(DIFF, self.diff.to_string()), (SIZE, self.size.to_string()), (CACHE_ID, self.cache_id.to_string())];
        files.extend(self.parent.map(|parent| (PARENT, parent.to_string())));
        files
    }
}

/// Go's `strconv.ParseInt(text, 10, 64)`, with nothing trimmed. A layer of less than nothing
/// counts as empty.
fn parse_size(text: &str) -> Result<u64, BadEntry> {
    let size: i64 = text.parse().map_err(|_| BadEntry::Size(text.to_owned()))?;
    Ok(u64::try_from(size).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIFF_TEXT: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn whole() -> Files<'static> {
        Files {
            cache_id: Some(b"o2g5pzkk0lkkpzh0dbn6q1wcy"),
            diff: Some(DIFF_TEXT.as_bytes()),
            size: Some(b"1975"),
            parent: None,
            descriptor: None,
        }
    }

    #[test]
    fn a_base_layer_has_no_parent() {
        let layer = LayerDir::parse(whole()).expect("a whole layer");
        assert_eq!((layer.size, layer.parent), (1975, None));
        assert_eq!(
            layer.files(),
            [
                ("diff", DIFF_TEXT.to_owned()),
                ("size", "1975".to_owned()),
                ("cache-id", "o2g5pzkk0lkkpzh0dbn6q1wcy".to_owned()),
            ]
        );
    }

    #[test]
    fn white_space_is_forgiven_except_around_the_size() {
        let diff = format!(" {DIFF_TEXT}\n");
        let spaced = Files { cache_id: Some(b"abc\n"), diff: Some(diff.as_bytes()), ..whole() };
        assert_eq!(LayerDir::parse(spaced).map(|layer| layer.cache_id.to_string()), Ok("abc".to_owned()));
        let newline = LayerDir::parse(Files { size: Some(b"1975\n"), ..whole() });
        assert_eq!(newline, Err(BadEntry::Size("1975\n".to_owned())));
    }

    #[test]
    fn the_first_thing_wrong_is_named() {
        let cases: [(Files<'_>, &str); 6] = [
            (Files { diff: None, size: None, ..whole() }, "it has no file diff"),
            (Files { size: None, ..whole() }, "it has no file size"),
            (Files { cache_id: Some(b"\n"), ..whole() }, "invalid cache id value: \"\""),
            (Files { cache_id: Some(b"../l"), ..whole() }, "invalid cache id value: \"../l\""),
            (Files { parent: Some(b"\xff"), ..whole() }, "its file parent is not text"),
            (Files { descriptor: Some(b"{"), ..whole() }, "its file descriptor.json is not JSON"),
        ];
        for (files, message) in cases {
            assert_eq!(LayerDir::parse(files).expect_err(message).to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn what_we_write_we_read(size in 0..i64::MAX as u64, diff: [u8; 32], parent: Option<[u8; 32]>) {
            let digest = |bytes: [u8; 32]| base::Digest::of(&bytes);
            let layer = LayerDir {
                cache_id: CacheId::random(),
                diff: DiffId::new(digest(diff)),
                size,
                parent: parent.map(|bytes| ChainId::new(digest(bytes))),
            };
            let written = layer.files();
            let find = |name| written.iter().find(|file| file.0 == name).map(|file| file.1.as_bytes());
            let files = Files {
                cache_id: find(CACHE_ID),
                diff: find(DIFF),
                size: find(SIZE),
                parent: find(PARENT),
                descriptor: None,
            };
            prop_assert_eq!(LayerDir::parse(files), Ok(layer));
        }
    }
}
