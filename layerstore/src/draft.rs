//! Directories in the making, in `layerdb/tmp`.
//!
//! A draft says from its first moment which driver layers belong to it (`cache-id`, or `mount-id`
//! and `init-id`, the very files it will be published with), and it is locked while its process
//! lives. So whoever finds one that is not locked can remove it with all that belongs to it.
//! dockerd's own left-over `write-set-*` are not locked either, and it never cleans them.

use std::{io::ErrorKind, path::Path};

use crate::{LayerStore, Result, store::still_there};

/// What a directory in `tmp` is, by the beginning of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read-only layer in the making; dockerd's name for it.
    Layer,
    /// A container's layer in the making.
    Mount,
    /// A container's layer being removed.
    Removing,
    /// A list of layers that nobody may need if their process died.
    Journal,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Layer, Self::Mount, Self::Removing, Self::Journal];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Layer => "write-set-",
            Self::Mount => "mount-set-",
            Self::Removing => "mount-removing-",
            Self::Journal => "journal-",
        }
    }

    /// The mode of a directory of this kind; that of layers and mounts is dockerd's once they are
    /// published.
    const fn mode(self) -> u32 {
        match self {
            Self::Mount => 0o755,
            Self::Layer | Self::Removing | Self::Journal => 0o700,
        }
    }

    /// What a name in `tmp` stands for; others than ours and dockerd's are left alone.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        Self::ALL.into_iter().find(|kind| name.strip_prefix(kind.prefix()).is_some_and(digits))
    }
}

/// A directory in `tmp` that is ours: removed on drop, unless published.
#[derive(Debug)]
pub(crate) struct Draft {
    dir: sys::Draft,
    lock: sys::Lock,
}

impl Draft {
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file of the draft, unflushed. Mode 0644, as dockerd's.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(sys::write_new(self.path().join(name), bytes, 0o644)?)
    }

    /// Moves it to its place. The lock that comes back holds the place from the first moment.
    /// When something else is there, or the rename fails, the draft comes back.
    pub(crate) fn publish(self, to: &Path) -> Result<sys::Lock, (Self, sys::Error)> {
        match sys::rename(self.path(), to) {
            Ok(()) => {
                self.dir.keep();
                Ok(self.lock)
            }
            Err(error) => Err((self, error)),
        }
    }

    /// Leaves the directory where it is, unlocked, for recovery to find.
    pub(crate) fn leave(self) {
        self.dir.keep();
    }
}

impl LayerStore {
    /// A new draft, empty and locked.
    pub(crate) fn draft(&self, kind: Kind) -> Result<Draft> {
        loop {
            // Until it is locked, recovery in another process takes the directory for a leftover.
            let path = self.fresh_path(kind)?;
            let dir = match sys::Draft::new(&path, kind.mode()) {
                Err(error) if error.is_exists() || error.is_not_found() => continue,
                other => other?,
            };
            let lock = match sys::open_dir(&path) {
                Err(error) if error.is_not_found() => continue,
                other => sys::try_shared(other?, &path)?,
            };
            if let Some(lock) = lock
                && still_there(&path, lock.file())?
            {
                return Ok(Draft { dir, lock });
            }
        }
    }

    /// A name in `tmp` for something that is to be moved there.
    pub(crate) fn fresh_path(&self, kind: Kind) -> Result<std::path::PathBuf> {
        let tmp = self.tmp_dir();
        sys::create_dir_all(&tmp, 0o755)?;
        Ok(tmp.join(fresh_name(kind)))
    }
}

/// Whether a rename failed because something is where it should go.
pub(crate) fn in_the_way(error: &sys::Error) -> bool {
    matches!(error.io().kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory)
}

/// As Go's `ioutil.TempDir` ends names: up to ten digits.
fn fresh_name(kind: Kind) -> String {
    format!("{}{}", kind.prefix(), u32::from_le_bytes(sys::random()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_and_dockerds_are_taken_for_leftovers() {
        assert_eq!(Kind::of("write-set-12345"), Some(Kind::Layer));
        assert_eq!(Kind::of(&fresh_name(Kind::Removing)), Some(Kind::Removing));
        for foreign in ["write-set-", "write-set-12x", "mount-set", "junk", ""] {
            assert_eq!(Kind::of(foreign), None, "{foreign}");
        }
    }
}
