//! Images: their configs, their names, and every way in and out of the layer store.
//!
//! [`Images`] reads `image/<driver>/imagedb` and `repositories.json` and remembers nothing. What
//! changes them is done under the layer store's lock, written aside, flushed once, and then put
//! in place: layers, configs, names. What cannot be used hides nothing else; it is a [`Finding`].

#![forbid(unsafe_code)]

mod changes;
pub mod commit;
mod compression;
pub mod config;
mod error;
mod grammar;
mod history;
mod import;
mod inspect;
mod list;
mod load;
pub mod manifest;
mod recover;
mod reference;
mod remove;
mod repositories;
mod save;
mod store;
mod tag;
mod v1;
mod write;

pub use changes::BadChange;
pub use compression::{Unsupported, inflate};
pub use config::{Created, ImageConfig};
pub use error::{Error, Result};
pub use history::Row;
pub use import::{DOCKER_VERSION, Import, ImportError};
pub use inspect::{GraphDriver, Inspect, InspectRootFs, Metadata};
pub use list::{Finding, Listed, Listing};
pub use load::{ArchiveError, Event, Input, LoadError, Loaded, NoManifest};
pub use reference::{BadReference, Reference, Wanted};
pub use remove::{Conflict, How, RemoveError, Removed, User, Users};
pub use repositories::{BadRepositories, BadTag, Repositories};
pub use save::SaveError;
pub use store::{Image, Images};
