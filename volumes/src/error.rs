//! Why a volume cannot be had.

use std::path::PathBuf;

use crate::local_options::BadOptions;

/// What can go wrong with a volume.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// Only letters, digits, `_`, `.` and `-`. The words are dockerd's.
    #[error(
        "create {0}: \"{0}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" \
         are allowed. If you intended to pass a host directory, use absolute path"
    )]
    Name(String),
    /// One letter is a typing error. The words are dockerd's.
    #[error("create {0}: volume name is too short, names should be at least two alphanumeric characters")]
    Short(String),
    /// Nothing of this name. The words are dockerd's.
    #[error("get {0}: no such volume")]
    NotThere(String),
    /// There is one already, where a new one is needed.
    #[error("a volume {0} is there already")]
    Taken(String),
    /// A driver that is no part of dockerd. The words are dockerd's.
    #[error("create {name}: error looking up volume plugin {driver}: plugin {driver:?} not found")]
    NoDriver {
        /// The volume.
        name: String,
        /// The driver asked for.
        driver: String,
    },
    /// Made by a driver that is no part of dockerd.
    #[error("volume {name} belongs to the volume driver {driver}, which cannot be used here")]
    Driver {
        /// The volume.
        name: String,
        /// Its driver.
        driver: String,
    },
    /// Options that mean nothing. The words are dockerd's.
    #[error("create {name}: {source}")]
    NewOptions {
        /// The volume.
        name: String,
        /// What is wrong.
        source: BadOptions,
    },
    /// Options that mean a mount we do not make.
    #[error("volume {name} is a mount of the type {kind}, which cannot be used yet")]
    Options {
        /// The volume.
        name: String,
        /// `nfs`, `tmpfs`.
        kind: String,
    },
    /// `opts.json` or `metadata.db` is none.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It could not be read, made or removed.
    #[error(transparent)]
    System(#[from] sys::Error),
}
