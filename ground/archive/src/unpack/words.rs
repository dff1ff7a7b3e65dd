//! Failures in dockerd's words: what its unpacking process says before it ends.
//!
//! dockerd puts `Error processing tar file(exit status 1): ` before them on overlay2, and
//! `ApplyLayer exit status 1 stdout:  stderr: ` on drivers with naive trees.

use rustix::io::Errno;

use super::UnpackError;
use crate::header::{BLOCK, CHARACTER, DIRECTORY, FIFO, Header, LINK, SYMLINK};

impl UnpackError {
    /// What went wrong as Go says it: `open /a/b: not a directory`, paths as the layer has them.
    pub fn words(&self) -> String {
        match self {
            Self::Payload(_)
            | Self::Type(_)
            | Self::AufsLink
            | Self::Overwrite { .. }
            | Self::Outside { .. }
            | Self::LinkOutside { .. } => self.to_string(),
            Self::Whiteout { source, .. } | Self::Link { source, .. } => format!("{self}: {}", reason(source)),
            Self::Sys(error) => match error.call() {
                "mknod" | "lsetxattr" | "fsetxattr" => reason(error),
                call => format!("{} {}: {}", go_name(call), error.path().display(), reason(error)),
            },
        }
    }

    /// The parent of an entry could not be reached: Go says so of what it wanted to make there.
    pub(super) fn unreachable(header: &Header, path: &[u8], error: sys::Error) -> Self {
        let call = match header.typeflag {
            DIRECTORY => "mkdir",
            SYMLINK => "symlink",
            LINK => "link",
            CHARACTER | BLOCK | FIFO => "mknod",
            _ => "open",
        };
        match error.errno() {
            Some(errno @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) if error.call() == "open" => {
                let path = format!("/{}", String::from_utf8_lossy(path));
                Self::Sys(sys::Error::new(call, path, errno))
            }
            _ => Self::Sys(error),
        }
    }
}

fn go_name(call: &'static str) -> &'static str {
    match call {
        "fchown" => "lchown",
        "fchmod" => "chmod",
        "utimensat" | "futimens" => "chtimes",
        "unlink" | "rmdir" => "unlinkat",
        other => other,
    }
}

/// The system's words for an error number, as Go has them: in lower case.
fn reason(error: &sys::Error) -> String {
    let text = error.io().to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
