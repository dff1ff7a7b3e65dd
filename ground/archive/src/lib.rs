//! Layer archives and directories: read, unpacked, packed, compared.
//!
//! An archive becomes a directory through [`Reader`] and [`Unpacker`], in one pass over the
//! stream; [`pack`] makes an archive of a directory,
//! [`changes`] says what is different in one. Everything is done as dockerd 20.10.24
//! does it, so that trees and archives of both compare equal.
//!
//! ```no_run
//! # fn register(source: impl std::io::Read, root: &std::path::Path) -> Result<i64, Box<dyn std::error::Error>> {
//! let mut reader = archive::Reader::new(source);
//! let mut unpacker = archive::Unpacker::new(sys::Dir::open(root)?, archive::Whiteouts::Overlay)?;
//! while let Some(mut entry) = reader.next_entry()? {
//!     unpacker.entry(entry.header, &mut entry.payload)?;
//! }
//! while reader.tail()?.is_some() {}
//! # Ok(unpacker.finish()?) }
//! ```

#![forbid(unsafe_code)]

mod changes;
pub mod header;
mod pack;
mod read;
mod unpack;
mod whiteouts;

pub use changes::{Change, ChangeKind, changes, changes_size, overlay_changes};
pub use header::{Header, Moment};
pub use pack::{Owners, PackError, Picked, WriteError, Writer, pack, pack_changes, pack_resource, pack_whole};
pub use read::{Entry, Payload, ReadError, Reader};
pub use unpack::{Copying, Ownership, UnpackError, Unpacker};
pub use whiteouts::Whiteouts;
