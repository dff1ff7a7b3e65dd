//! Why images could not be read or changed. dockerd's own sentences where it has one.

use std::path::PathBuf;

use base::ImageId;

use crate::{
    config::BadConfig,
    reference::{BadReference, Wanted},
    repositories::{BadRepositories, BadTag},
};

/// What most calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the image store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was typed is no name of an image.
    #[error(transparent)]
    Reference(#[from] BadReference),
    /// There is no such image.
    // moby 20.10, daemon/images/image.go ErrImageDoesNotExist
    #[error("No such image: {0}")]
    NoImage(Wanted),
    /// The file of an image's config has another digest than its name says.
    // moby 20.10, image/fs.go get
    #[error("failed to verify: {0}")]
    NotVerified(ImageId),
    /// An image's config makes no sense.
    #[error("image {id} is damaged")]
    Damaged {
        /// The image.
        id: ImageId,
        /// What is wrong with it.
        source: BadConfig,
    },
    /// An image for another operating system.
    #[error("image {id} is for {os}, not for linux")]
    ForeignSystem {
        /// The image.
        id: ImageId,
        /// What it is for.
        os: String,
    },
    /// The file of all names is damaged. dockerd does not start with it.
    // moby 20.10, daemon/daemon.go NewDaemon
    #[error("Couldn't create reference store repository: {}", .path.display())]
    Repositories {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BadRepositories,
    },
    /// A name cannot be given.
    #[error(transparent)]
    Tag(#[from] BadTag),
    /// A config that cannot become an image.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// The layer store failed.
    #[error(transparent)]
    Layers(#[from] layerstore::Error),
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}
