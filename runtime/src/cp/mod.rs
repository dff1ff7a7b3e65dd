//! `cp`: files and directories from a container to the host and back.
//!
//! docker's client makes archives of what it copies and dockerd unpacks them, or the other way
//! round; the same archives are made and unpacked here, by two threads of one process.

mod error;
mod files;
mod from;
mod host;
mod names;
mod pour;
mod resolve;
mod to;

pub use self::{
    error::{ClientError, CopyError, Refusal},
    from::{CopyFrom, CopyTarget, copy_from},
    to::{CopySource, CopyTo, copy_to},
};
