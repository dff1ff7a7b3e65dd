//! Why the store could not do what it was asked. dockerd's own sentences where it has one.

use std::path::PathBuf;

use base::{ChainId, ContainerId, DiffId};

use crate::layerdb::BadEntry;

/// What the calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the layer store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer was asked for that is not there.
    // moby 20.10, layer/layer.go ErrLayerDoesNotExist
    #[error("layer does not exist")]
    NoLayer(ChainId),
    /// A layer's files in `layerdb` make no sense.
    #[error("layer {chain} is damaged")]
    DamagedLayer {
        /// The layer.
        chain: ChainId,
        /// What is wrong.
        source: BadEntry,
    },
    /// A layer rests, by way of others, on itself.
    #[error("layer {0} rests on itself")]
    Circle(ChainId),
    /// More than 125 layers in one image.
    // moby 20.10, layer/layer.go ErrMaxDepthExceeded
    #[error("max depth exceeded")]
    TooDeep,
    /// A container was asked for that has no layer.
    // moby 20.10, layer/layer.go ErrMountDoesNotExist
    #[error("mount does not exist")]
    NoMount(ContainerId),
    /// A container's files in `layerdb` make no sense.
    #[error("the layer of container {container} is damaged")]
    DamagedMount {
        /// The container.
        container: ContainerId,
        /// What is wrong.
        source: BadEntry,
    },
    /// A container that is to be made has a layer already.
    // moby 20.10, layer/layer.go ErrMountNameConflict
    #[error("mount already exists with name")]
    MountExists(ContainerId),
    /// Something is mounted where a container's root belongs: the container runs, or somebody
    /// else mounted it.
    #[error("something is mounted on {} already", .0.display())]
    Mounted(PathBuf),
    /// An init layer cannot be made because something in the image is in the way.
    #[error("{} in the image is in the way of a mount point", .0.display())]
    InTheWay(PathBuf),
    /// A layer cannot be shown in a way this program knows.
    #[error("the storage driver {0} shows layers in a way that cannot be mounted here")]
    NoWayToSee(&'static str),
    /// A mount's options are too long.
    #[error(transparent)]
    OptionsTooLong(#[from] graphdriver::OptionsTooLong),
    /// A layer's tar is none.
    // moby 20.10, pkg/chrootarchive: what the process that unpacks said before it failed
    #[error("Error processing tar file(exit status 1): {}", in_one_line(.0))]
    Tar(archive::ReadError),
    /// A layer's tar could not be read.
    #[error("the layer's tar could not be read")]
    ReadTar(#[source] std::io::Error),
    /// A layer's tar could not be unpacked.
    #[error("Error processing tar file(exit status 1): {}", .0.words())]
    Unpack(archive::UnpackError),
    /// A layer's tar cannot be kept.
    #[error("Error processing tar file({0}): ")]
    Refused(tarsplit::PackError),
    /// The description of a layer's tar could not be written.
    #[error(transparent)]
    Pack(tarsplit::PackError),
    /// A layer's tar could not be put together from its files.
    #[error(transparent)]
    Assemble(#[from] tarsplit::AssembleError<sys::Error>),
    /// A layer's tar could not be written where it should go.
    #[error("the layer's tar could not be written")]
    WriteTar(#[source] std::io::Error),
    /// A layer's tar, put together from its files, is not what it was.
    // moby 20.10, layer/ro_layer.go verifiedReadCloser
    #[error(
        "could not verify layer data for: {0}. This may be because internal files in the layer store were modified. \
         Re-pulling or rebuilding this image may resolve the issue"
    )]
    NotVerified(DiffId),
    /// The storage driver failed.
    #[error(transparent)]
    Driver(#[from] graphdriver::Error),
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}

impl From<archive::ReadError> for Error {
    fn from(error: archive::ReadError) -> Self {
        Self::Tar(error)
    }
}

impl From<archive::UnpackError> for Error {
    fn from(error: archive::UnpackError) -> Self {
        Self::Unpack(error)
    }
}

impl From<tarsplit::PackError> for Error {
    fn from(error: tarsplit::PackError) -> Self {
        match error {
            refused @ tarsplit::PackError::Duplicate => Self::Refused(refused),
            other => Self::Pack(other),
        }
    }
}

/// An error with its causes, as Go writes them.
fn in_one_line(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
