//! Entries as overlay keeps them: moby 20.10, pkg/archive `Unpack` with `OverlayWhiteoutFormat`.

use std::io::BufRead;

use base::gopath;
use rustix::{fs::FileType, io::Errno};
use sys::Dir;

use super::{UnpackError, Unpacker, id, is_whiteout};
use crate::header::{GLOBAL, Header, WHITEOUT, WHITEOUT_OPAQUE};

impl Unpacker {
    pub(super) fn overlay_entry(&mut self, header: &Header, payload: &mut dyn BufRead) -> Result<(), UnpackError> {
        // Only `.` is skipped: dockerd compares the cleaned name, and `/` and `..` stay as they are.
        if header.typeflag == GLOBAL || header.clean_name() == b"." {
            return Ok(());
        }
        let path = gopath::in_root(&header.name);
        let (above, name) = gopath::split(&path);
        if !is_whiteout(name) {
            return self.place(&path, header, payload);
        }
        let parent = self.parent(above)?;
        self.clear(&parent, name, header)?;
        if name == WHITEOUT_OPAQUE {
            return Ok(parent.set_xattr_self("trusted.overlay.opaque", b"y")?);
        }
        whiteout(&parent, &name[WHITEOUT.len()..], header)
    }
}

/// Makes the device that stands for a deleted name. It gets no times, and its mode is 0.
fn whiteout(parent: &Dir, name: &[u8], header: &Header) -> Result<(), UnpackError> {
    let made = match name {
        // These are the directory itself and its parent, which are there.
        b"" | b"." | b".." => Err(sys::Error::new("mknod", parent.path(), Errno::EXIST)),
        _ => parent.make_node(name, FileType::CharacterDevice, 0, 0),
    };
    made.map_err(|source| {
        let shown = [parent.path().as_os_str().as_encoded_bytes(), b"/", name].concat();
        UnpackError::Whiteout { path: gopath::clean(&shown), source }
    })?;
    Ok(parent.chown(name, id(header.uid), id(header.gid))?)
}
