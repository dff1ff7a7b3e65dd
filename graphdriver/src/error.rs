//! Why a driver could not do what it was asked.

use std::path::PathBuf;

/// What the calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a format said about a file.
pub type BoxedCause = Box<dyn std::error::Error + Send + Sync>;

/// A driver's failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// There is no such layer.
    // moby 20.10, overlay2/overlay.go and vfs/driver.go Get
    #[error("stat {}: no such file or directory", .dir.display())]
    NoLayer {
        /// Where it would lie.
        dir: PathBuf,
    },
    /// A file of the driver cannot be understood.
    #[error("{} is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BoxedCause,
    },
    /// More layers than a mount can take.
    // moby 20.10, overlay2/overlay.go getLower
    #[error("max depth exceeded")]
    TooDeep,
    /// A size was asked for where none can be kept.
    #[error("{0}")]
    NoQuota(&'static str),
    /// What `inspect` shows of a layer could not be read; in dockerd's words.
    #[error("{}", .0.go_words())]
    Data(sys::Error),
    /// A storage driver dockerd has and we do not.
    #[error("storage driver {0} is not built into minidock (overlay2 and vfs are)")]
    NotBuilt(String),
    /// A name that is no storage driver; or one that this system cannot run.
    // moby 20.10, graphdriver/errors.go
    #[error("driver not supported")]
    NotSupported,
    /// The file system is of a kind the driver cannot use.
    #[error("prerequisites for driver not satisfied (wrong filesystem?)")]
    WrongFileSystem,
    /// The file system does not tell the type of directory entries.
    #[error("{0}")]
    NoDType(String),
    /// The driver that was used in this data root before cannot be used any more.
    #[error("prior storage driver {name} failed")]
    Prior {
        /// The driver.
        name: &'static str,
        /// Why not.
        source: Box<Error>,
    },
    /// Several drivers have been used in this data root.
    // moby 20.10, graphdriver/driver.go New
    #[error(
        "{} contains several valid graphdrivers: {}; Please cleanup or explicitly choose storage driver (-s <DRIVER>)",
        .root.display(),
        .names.join(", ")
    )]
    Several {
        /// The data root.
        root: PathBuf,
        /// The drivers.
        names: Vec<&'static str>,
    },
    /// The data root has a name that cannot stand in a mount option or in JSON.
    #[error("{} cannot hold overlay layers: its name has {what}", .path.display())]
    BadHome {
        /// The driver's home.
        path: PathBuf,
        /// What the name has.
        what: &'static str,
    },
}
