//! The formats of `image/<driver>/layerdb`: directories of one-value text files.
//!
//! No newline ends any of them. Reading forgives white space around a value where dockerd does
//! (everywhere but in `size`), so that trees written by hand still open.

pub mod layer_dir;
pub mod mount_dir;

use base::BadDigest;

use crate::ids::BadName;

/// Why a directory of `layerdb` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// A file that must be there is not.
    #[error("it has no file {0}")]
    Missing(&'static str),
    /// A file that holds other bytes than text.
    #[error("its file {0} is not text")]
    NotText(&'static str),
    /// A `size` that is no count of bytes. Not even a newline may follow it.
    #[error("its file size is not a number: {0:?}")]
    Size(String),
    /// A `diff` or `parent` that is no digest.
    #[error("its file {file} is not a digest: {bad}")]
    Digest {
        /// The file's name.
        file: &'static str,
        /// What stands there.
        bad: BadDigest,
    },
    /// A name of a driver layer that cannot be one.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A `descriptor.json` that is not JSON.
    #[error("its file descriptor.json is not JSON")]
    Descriptor,
}

/// A file's text, without the white space around it.
fn trimmed<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, BadEntry> {
    text(file, bytes).map(str::trim)
}

fn text<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, BadEntry> {
    std::str::from_utf8(bytes).map_err(|_| BadEntry::NotText(file))
}

/// A file that must be there.
fn required<'a>(file: &'static str, bytes: Option<&'a [u8]>) -> Result<&'a [u8], BadEntry> {
    bytes.ok_or(BadEntry::Missing(file))
}

/// A file that holds a digest.
fn digest<T: std::str::FromStr<Err = BadDigest>>(file: &'static str, bytes: &[u8]) -> Result<T, BadEntry> {
    trimmed(file, bytes)?.parse().map_err(|bad| BadEntry::Digest { file, bad })
}
