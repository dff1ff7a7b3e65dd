//! What can be wrong with containers on disk, and with what the user called them.

use std::path::PathBuf;

use base::ContainerId;

use crate::{
    config_v2::{BadRecord, Unfit},
    hostconfig::BadHostConfig,
    names,
};

/// Why one container cannot be used. The others are none the worse.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nothing is there.
    #[error("No such container: {0}")]
    NotFound(String),
    /// A directory without `config.v2.json`: removed or made by halves by another program.
    #[error("{} is missing", .0.display())]
    NoRecord(PathBuf),
    /// `config.v2.json` is not what it should be.
    #[error("{} is damaged", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BadRecord,
    },
    /// `hostconfig.json` is not what it should be.
    #[error("{} is damaged", path.display())]
    HostConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BadHostConfig,
    },
    /// A file is there and cannot be read.
    #[error(transparent)]
    System(#[from] sys::Error),
    /// Made with another storage driver. dockerd does not show it either.
    #[error("container {id} was created with the storage driver {driver}")]
    OtherDriver {
        /// The container.
        id: ContainerId,
        /// Its driver.
        driver: String,
    },
    /// Made for another operating system.
    #[error("container {id} is for the operating system {os}")]
    OtherOs {
        /// The container.
        id: ContainerId,
        /// `windows`.
        os: String,
    },
}

/// Something in `containers/` that is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// A container that is not shown.
    #[error("container {name} cannot be loaded")]
    Unloadable {
        /// The directory's name.
        name: String,
        /// Why.
        source: LoadError,
    },
    /// Two containers of one name. Both are shown; the name means the older.
    #[error("container {id} has the name {name:?} of container {owner}")]
    SameName {
        /// The younger.
        id: ContainerId,
        /// Without its slash.
        name: String,
        /// The older.
        owner: ContainerId,
    },
}

/// Why a text means no container.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The empty text.
    #[error("invalid name or ID supplied: \"\"")]
    Empty,
    /// Neither an id, nor a name, nor the beginning of an id.
    #[error("No such container: {0}")]
    NotFound(String),
    /// The beginning of several ids.
    #[error("Multiple IDs found with provided prefix: {0}")]
    Ambiguous(String),
    /// dockerd does not see it; the cause says why.
    #[error("No such container: {text}")]
    Unloadable {
        /// As the user typed it.
        text: String,
        /// Why.
        source: LoadError,
    },
    /// The directory cannot be read.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Why a container cannot have this name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// As the user typed it.
    #[error("Invalid container name ({0}), only {allowed} are allowed", allowed = names::ALLOWED)]
    Invalid(String),
    /// Another has it.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You have to remove (or \
         rename) that container to be able to reuse that name."
    )]
    Taken {
        /// Without a slash.
        name: String,
        /// Who has it.
        owner: ContainerId,
    },
    /// The names in use cannot be read.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Why a new container could not be put in its place.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// dockerd could not use it.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It could not be written.
    #[error(transparent)]
    System(#[from] sys::Error),
}
