//! One file or directory of a tree that others may change meanwhile, for `docker cp`.

use std::io::Write;

use rustix::{fs::FileType, io::Errno};
use sys::Dir;

use super::{Owners, PackError, Packing};
use crate::Whiteouts;

/// What of a directory [`pack_resource`] packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked<'a> {
    /// The directory itself with all that is in it.
    Itself,
    /// What has this name in it, a directory with all that is in that.
    Named(&'a [u8]),
}

/// Writes one file or directory under a name of choice, which may be `.`, or nothing for what is
/// to lie in the root (moby 20.10, pkg/archive `TarResourceRebaseOpts` and its walk).
///
/// What is something else by the time it is opened is left out, as dockerd leaves it out: the
/// tree may be a running container's.
///
/// # Errors
/// As [`PackError`].
pub fn pack_resource(
    dir: &Dir,
    picked: Picked<'_>,
    name: &[u8],
    owners: &Owners,
    out: impl Write,
) -> Result<(), PackError> {
    let mut packing = Packing { moving: true, ..Packing::new(owners, out) };
    let (sub, within) = match picked {
        Picked::Itself => (b".".as_slice(), Some(dir.below(b"")?)),
        Picked::Named(base) => (base, None),
    };
    if packing.file(dir, sub, name.to_vec(), Whiteouts::Applied)? == Some(FileType::Directory) {
        match within.map_or_else(|| dir.sub(sub), Ok) {
            Ok(within) => packing.tree(&within, name, Whiteouts::Applied)?,
            Err(error) if is_elsewhere(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    packing.writer.finish()?;
    Ok(())
}

/// Whether a name is gone, or something else by now.
pub(super) fn is_elsewhere(error: &sys::Error) -> bool {
    matches!(error.errno(), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL))
}
