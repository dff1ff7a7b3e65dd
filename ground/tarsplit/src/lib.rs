//! `tar-split.json.gz`: what a layer's archive has beside the files' contents, so that the very
//! archive can be written again from the unpacked layer.
//!
//! One gzip member of lines of JSON. A *segment* is raw bytes: headers, padding, the end of the
//! archive. A *file* stands for the content of one entry, with its size and CRC-64. See moby
//! 20.10, vendor/github.com/vbatts/tar-split/tar/{asm,storage}.
//!
//! Two things surprise. Every entry has a file line, directories and links too (with no size).
//! And an archive that names a file twice cannot be kept at all ([`PackError::Duplicate`]).

#![forbid(unsafe_code)]

mod assemble;
mod base64;
mod entries;
mod packer;
mod sum;

pub use assemble::{AssembleError, assemble};
pub use entries::{Entries, Entry, EntryError};
pub use packer::{PackError, Packer};
pub use sum::{Sum, Summed};
