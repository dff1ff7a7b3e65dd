//! What dockerd keeps in `containers/<id>/`: the formats of its files, and the directory as a
//! whole. It knows all about a container and cannot run anything.

#![forbid(unsafe_code)]

pub mod config_v2;
mod go_object;
pub mod hostconfig;
pub mod hostname;
pub mod hosts;
pub mod inspect;
pub mod json_log;
pub mod local_log;
pub mod names;
pub mod resolv_conf;
mod status;
mod store;

use serde::de::DeserializeOwned;

pub use config_v2::{Config, MountPoint, Record, State};
pub use go_object::{Empty, Spelling};
pub use hostconfig::HostConfig;
pub use store::{
    Container, Containers, Draft, Finding, Gone, Listing, LoadError, Locked, LookupError, NameError, Names,
    PublishError,
};

/// The first JSON value in these bytes, as Go's `json.Decoder` takes it: what follows is not
/// looked at, and what is not UTF-8 becomes U+FFFD.
fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    let text = String::from_utf8_lossy(bytes);
    T::deserialize(&mut serde_json::Deserializer::from_str(&text))
}
