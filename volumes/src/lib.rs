//! Volumes of dockerd's local driver: `volumes/<name>/_data`, their labels and options.
//!
//! Every directory in `volumes/` is a volume; a row in `metadata.db` only adds labels and options,
//! so none is needed for a volume that has neither. Who uses a volume is not kept here: that is
//! read from the containers, by who asks.
//!
//! moby 20.10, volume/local/local.go, volume/service/store.go.

#![forbid(unsafe_code)]

mod error;
mod local_options;
mod metadata;
mod name;
mod row;
mod store;

pub use self::{
    error::VolumeError,
    local_options::{BadOptions, LocalOptions},
    row::Row,
    store::{Held, NewVolume, Volume, Volumes},
};
