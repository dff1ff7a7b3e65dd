//! Images: their configs, their names, and every way in and out of the layer store.

#![forbid(unsafe_code)]

pub mod config;
pub mod manifest;
mod reference;
mod repositories;
pub mod v1;

pub use config::{Created, ImageConfig};
pub use reference::{BadReference, Reference, Wanted};
pub use repositories::{BadRepositories, BadTag, Repositories};
