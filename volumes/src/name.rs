//! What a new volume may be called.

use crate::error::VolumeError;

/// `^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`, for new ones only: a directory of any name is a volume.
///
/// # Errors
/// In dockerd's words.
pub fn check_new(name: &str) -> Result<(), VolumeError> {
    if name.len() == 1 {
        return Err(VolumeError::Short(name.to_owned()));
    }
    let mut bytes = name.bytes();
    let good = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if good { Ok(()) } else { Err(VolumeError::Name(name.to_owned())) }
}

/// Whether this can be a directory in `volumes/`: any single name, but no path.
pub fn is_inside(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains('/')
}
