//! Who needs an image, in dockerd's words.

use base::{ContainerId, ImageId};

use crate::Error;

/// Why an image is not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The last name of an image that a container was made from.
    #[error(
        "conflict: unable to remove repository reference {name:?} (must force) - container {} is using its referenced \
         image {}", .container.short(), short(.image)
    )]
    LastName {
        /// The name as it was typed.
        name: String,
        /// Who uses the image.
        container: ContainerId,
        /// The image.
        image: ImageId,
    },
    /// Somebody needs the image.
    #[error(
        "conflict: unable to delete {} ({}) - {conflict}", short(.image),
        if .conflict.is_hard() { "cannot be forced" } else { "must be forced" }
    )]
    Conflict {
        /// The image.
        image: ImageId,
        /// Who.
        conflict: Conflict,
    },
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

fn short(image: &ImageId) -> String {
    image.hex()[..12].to_owned()
}

/// Who needs an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another image was made from it.
    #[error("image has dependent child images")]
    Children,
    /// A container of it runs.
    #[error("image is being used by running container {}", .0.short())]
    Running(ContainerId),
    /// It has names, in more than one repository or more than one tag.
    #[error("image is referenced in multiple repositories")]
    Names,
    /// A container of it is there.
    #[error("image is being used by stopped container {}", .0.short())]
    Stopped(ContainerId),
}

impl Conflict {
    pub(super) fn is_hard(&self) -> bool {
        matches!(self, Self::Children | Self::Running(_))
    }

    pub(super) fn is_use(&self) -> bool {
        matches!(self, Self::Running(_) | Self::Stopped(_))
    }
}
