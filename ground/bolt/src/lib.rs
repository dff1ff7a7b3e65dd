//! The file format of bbolt, the database that dockerd keeps small things in: buckets of keys and
//! values in pages, two meta pages of which the newer one counts.
//!
//! A format without IO: bytes in ([`Database::parse`]), and what is to be written out
//! ([`Change`]). Whoever owns the file writes the pages, flushes, writes the meta page, flushes.
//! The file is changed in place: locks are on its inode.
//!
//! go.etcd.io/bbolt 1.3.5 (moby 20.10) and 1.3.11 (28.5): page.go, db.go, node.go, bucket.go.

#![forbid(unsafe_code)]

mod database;
mod error;
mod meta;
mod page;
mod write;

pub use self::{
    database::{Bucket, Database, Item, settled},
    error::Bad,
    write::{Change, Piece},
};
