//! Why nothing, or not all, was copied; each sentence as docker's client or daemon says it.

use std::path::PathBuf;

use base::gopath;
use containers::LookupError;

use crate::{home::HomeError, recover::SettleError, volumes::MountError};

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// No such container, or nothing at that path in it, or not what is mounted in it.
    #[error("No such container:path: {container}:{path}")]
    NotThere {
        /// As typed.
        container: String,
        /// In the container.
        path: String,
        /// What it mounts, if that is what is not there: docker says the same then.
        source: Option<sys::Error>,
    },
    /// The data root cannot be used.
    #[error(transparent)]
    Home(HomeError),
    /// Whoever was to get the archive takes no more.
    #[error("the archive could not be written")]
    Output(#[source] std::io::Error),
    /// What dockerd refuses.
    #[error(transparent)]
    Engine(Refusal),
    /// What docker's client refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl CopyError {
    /// What became of a path in a container, as the client tells it.
    pub(super) fn about(container: &str, path: &[u8], refusal: Refusal) -> Self {
        let not_there = |source| {
            let path = String::from_utf8_lossy(path).into_owned();
            Self::NotThere { container: container.to_owned(), path, source }
        };
        match refusal {
            Refusal::NotThere | Refusal::Lookup(LookupError::NotFound(_)) => not_there(None),
            Refusal::NoSource(error) => not_there(Some(error)),
            Refusal::Home(error) => Self::Home(error),
            refusal => Self::Engine(refusal),
        }
    }
}

/// What dockerd refuses.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// Its files cannot be seen.
    #[error(transparent)]
    Layer(Box<layerstore::Error>),
    /// What it mounts cannot be made ready.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The source of a bind is not there.
    #[error(transparent)]
    NoSource(sys::Error),
    /// A file on a directory, or a directory on a file. The words are dockerd's.
    #[error("mount {}:{}, flags: {flags:#x}: not a directory", .source_path.display(), .place.display())]
    Unlike {
        /// On the host.
        source_path: PathBuf,
        /// Where dockerd would have it mounted.
        place: PathBuf,
        /// mount(2)'s.
        flags: u32,
    },
    /// Nothing has that path.
    #[error("nothing is there")]
    NotThere,
    /// The words are dockerd's.
    #[error("bad parameter: pathcannot be empty")]
    NoPath,
    /// A path in the container cannot be followed. The words are dockerd's.
    #[error("{}", .0.go_words())]
    Path(sys::Error),
    /// Links lead to links. The words are dockerd's.
    #[error("evalSymlinksInScope: too many links in {0}")]
    Links(String),
    /// The words are dockerd's.
    #[error("extraction point is not a directory")]
    NotDirectory,
    /// The words are dockerd's.
    #[error("container rootfs is marked read-only")]
    ReadOnlyRoot,
    /// The words are dockerd's.
    #[error("mounted volume is marked read-only")]
    ReadOnlyVolume,
    /// `-a`, and the host does not know the container's user. The words are dockerd's.
    #[error("getent unable to find entry {0:?} in passwd database")]
    NoUser(String),
    /// The archive, or where it goes. The words are dockerd's.
    #[error("Error processing tar file(exit status 1): {0}")]
    Tar(String),
    /// The container's files could not be packed, or not be written out.
    #[error(transparent)]
    Pack(#[from] archive::PackError),
    /// A compression that we cannot undo.
    #[error(transparent)]
    Compression(#[from] images::Unsupported),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl From<layerstore::Error> for Refusal {
    fn from(error: layerstore::Error) -> Self {
        Self::Layer(Box::new(error))
    }
}

/// What docker's client refuses. All words are its own, but for those of the last two.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The directory above is not there.
    #[error("invalid output path: directory {} does not exist", gopath::quote(.0))]
    NoOutputDirectory(Vec<u8>),
    /// Neither directory nor file.
    #[error("invalid output path: {} must be a directory or a regular file: got a device", gopath::quote(.0))]
    OutputDevice(Vec<u8>),
    /// Neither directory nor file, in a container.
    #[error("destination \"{container}:{path}\" must be a directory or a regular file: got a device")]
    Device {
        /// As typed.
        container: String,
        /// As typed.
        path: String,
    },
    /// An archive goes into a directory only.
    #[error("destination \"{container}:{path}\" must be a directory")]
    NotDirectory {
        /// As typed.
        container: String,
        /// As typed.
        path: String,
    },
    /// A directory onto a file.
    #[error("cannot copy directory")]
    DirectoryOntoFile,
    /// A file as a directory that is not there.
    #[error("no such directory")]
    NoDirectory,
    /// What is above is no directory.
    #[error("not a directory")]
    AboveNoDirectory,
    /// Links lead to links.
    #[error("too many symlinks in {}", String::from_utf8_lossy(.0))]
    Links(Vec<u8>),
    /// Links lead to links, on the way to what is copied.
    #[error("EvalSymlinks: too many links")]
    Followed,
    /// A path of the host.
    #[error("{}", .0.go_words())]
    Path(sys::Error),
    /// The files that came could not be put down.
    #[error("{0}")]
    Tar(String),
    /// The host's files could not be packed.
    #[error(transparent)]
    Pack(#[from] archive::PackError),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}
