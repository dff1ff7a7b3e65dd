//! What things are called and how Go writes them: ids, digests, times, sizes, JSON. No IO.
//!
//! A string that means something gets its type here, through [`std::str::FromStr`], where it
//! enters the program. Nothing below checks it again.

#![forbid(unsafe_code)]

mod digest;
pub mod gojson;
pub mod gopath;
mod id;
mod name_set;
mod time;
pub mod units;

pub use digest::{BadDigest, ChainId, DiffId, Digest, ImageId, Sha256, Sha256Writer, chain_id};
pub use id::{BadId, ContainerId, LayerId, hex_id};
pub use name_set::NameSet;
pub use time::{BadTime, Time};
