//! Storage drivers: where a layer's files lie and how to see them. Drivers never mount.
//!
//! A driver's home is `<data root>/<name>`, and what it writes there dockerd 20.10.24 would have
//! written. Nothing is flushed here: whoever orders several steps flushes once at the end.
//! Creation writes leaves first and removal takes pointers first, so that a crash between any
//! two calls leaves only garbage: a directory that nobody's metadata names.

#![forbid(unsafe_code)]

mod choose;
mod driver;
mod error;
pub mod graphtest;
mod home;
mod overlay2;
mod rootfs;
mod vfs;

pub use archive::Whiteouts;
pub use choose::{choose, open};
pub use driver::{Access, Driver, NativeDiff};
pub use error::{BoxedCause, Error, Result};
pub use overlay2::{BadLinkId, BadLower, LinkId, Lower};
pub use rootfs::{OptionString, OptionsTooLong, OverlayMount, RootFs};
