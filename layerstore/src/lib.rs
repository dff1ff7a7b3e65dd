//! Layers and containers' layers: which there are, what rests on what, who needs them.
//!
//! `image/<driver>/layerdb` as dockerd 20.10 to 29 write it: `sha256/<chain>` for each read-only
//! layer, `mounts/<container>` for each container's, `tmp` for what is being made or removed. The
//! content lies in the storage driver. Nothing is remembered in between: the disk is the memory.
//!
//! # Who locks what
//!
//! All locks are flock(2) on directories; they vanish with their process and leave nothing. dockerd
//! takes none of them: that no dockerd is at work is the writer lock's to see to, which the caller
//! holds for everything that writes.
//!
//! - **A layer's own directory**, shared, is a [`Pin`]: the layer and all it rests on stay. Whoever
//!   puts something on a layer (a child, a container, an image) holds a pin until the pointer that
//!   needs it is written: [`LayerStore::create_rw_layer`] and [`Batch`] do so themselves, and
//!   [`Published`] goes on until the image is written. [`LayerStore::release`] takes the same lock
//!   alone, without waiting: a layer that is pinned is needed.
//! - **A directory in `tmp`**, shared, by the process that works on it. [`LayerStore::recover`] takes
//!   the lock alone, without waiting: what is locked is alive and is left alone.
//! - **`image/<driver>`**, alone, is [`LayerStore::lock`]: who deletes layers holds it, so that two
//!   deletions do not each leave to the other what both could delete; who changes `imagedb` or
//!   `repositories.json` holds it, too. It is never taken in this crate. It can be taken with pins held: who
//!   holds it waits for none. Registering layers and making containers need it not: a load of
//!   minutes keeps no `rm` waiting.
//!
//! # Who flushes
//!
//! | call | flushes |
//! |---|---|
//! | [`Batch::publish`], any number of layers | 1 syncfs, 1 fsync; none if all were there |
//! | [`LayerStore::create_rw_layer`] | none: [`LayerStore::sync`] before the container is written |
//! | [`LayerStore::release`], [`LayerStore::release_rw`], [`LayerStore::recover`] | none |
//!
//! # What a crash leaves
//!
//! Directories in `tmp` and `sha256/*-removing`, which dockerd ignores, and which name every
//! driver layer that belongs to them; never a name that leads nowhere. See [`LayerStore::recover`].

#![forbid(unsafe_code)]

mod batch;
mod changes;
mod draft;
mod error;
pub mod ids;
mod ingest;
mod init;
mod journal;
pub mod layerdb;
mod mount;
mod pack;
mod pin;
mod read;
mod recover;
mod release;
mod rw_layer;
mod store;
mod write_tar;

pub use archive::{Change, ChangeKind};
pub use batch::{Batch, Mark, Published, Registered};
pub use error::{Error, Result};
pub use graphdriver::Access;
pub use ids::{BadName, CacheId, InitId, MountId};
pub use journal::InDoubt;
pub use mount::{Mounted, View};
pub use pin::Pin;
pub use read::{Finding, Layer, RwLayer};
pub use recover::Recovered;
pub use rw_layer::Init;
pub use store::LayerStore;
