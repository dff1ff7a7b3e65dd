//! Volumes of the local driver: `volumes/<name>/_data`.
//!
//! moby 20.10, volume/local/local.go. Every directory is a volume; a row in `metadata.db` only
//! adds labels and options, so none is written for a volume that has neither.

use std::path::{Path, PathBuf};

/// Why a volume cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// Only letters, digits, `_`, `.` and `-`. The words are dockerd's.
    #[error(
        "create {0}: \"{0}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" \
         are allowed. If you intended to pass a host directory, use absolute path"
    )]
    Name(String),
    /// One letter is a typing error. The words are dockerd's.
    #[error("create {0}: volume name is too short, names should be at least two alphanumeric characters")]
    Short(String),
    /// Nothing of this name. The words are dockerd's.
    #[error("get {0}: no such volume")]
    NotThere(String),
    /// Made by a driver that is no part of dockerd.
    #[error("volume {name} belongs to the volume driver {driver}, which cannot be used here")]
    Driver {
        /// The volume.
        name: String,
        /// Its driver.
        driver: String,
    },
    /// Options of the local driver mean a mount.
    #[error("volume {0} has driver options, which cannot be used yet")]
    Options(String),
    /// It could not be made or removed.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// The volumes of a data root.
#[derive(Debug, Clone)]
pub struct Volumes {
    dir: PathBuf,
}

impl Volumes {
    /// Those under `data_root`. Touches nothing.
    pub fn open(data_root: &Path) -> Self {
        Self { dir: data_root.join("volumes") }
    }

    /// Where a volume's files are.
    pub fn data(&self, name: &str) -> PathBuf {
        self.dir.join(name).join("_data")
    }

    /// Makes a volume unless it is there; says whether it made it.
    ///
    /// # Errors
    /// For a bad name, or when a directory cannot be made.
    pub fn create(&self, name: &str) -> Result<bool, VolumeError> {
        check_name(name)?;
        let dir = self.dir.join(name);
        let draft = match sys::Draft::new(&dir, 0o701) {
            Ok(draft) => Some(draft),
            Err(error) if error.is_exists() => None,
            Err(error) => return Err(error.into()),
        };
        match sys::create_dir(dir.join("_data"), 0o755) {
            Err(error) if !error.is_exists() => return Err(error.into()),
            _ => {}
        }
        Ok(draft.map(sys::Draft::keep).is_some())
    }

    /// Where a volume's files are, if it can be mounted.
    ///
    /// # Errors
    /// When it is not there, or needs more than a directory.
    pub fn mountable(&self, name: &str, driver: &str) -> Result<PathBuf, VolumeError> {
        if !["", "local"].contains(&driver) {
            return Err(VolumeError::Driver { name: name.to_owned(), driver: driver.to_owned() });
        }
        // A name on disk may be any single directory's, but no path.
        let inside = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
        if !inside || !sys::exists(self.dir.join(name))? {
            return Err(VolumeError::NotThere(name.to_owned()));
        }
        if sys::exists(self.dir.join(name).join("opts.json"))? {
            return Err(VolumeError::Options(name.to_owned()));
        }
        Ok(self.data(name))
    }

    /// Removes a volume; one that is gone is fine.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn remove(&self, name: &str) -> Result<(), VolumeError> {
        if self.mountable(name, "local").is_err() {
            return Ok(());
        }
        sys::remove_tree(self.data(name))?;
        Ok(sys::remove_tree(self.dir.join(name))?)
    }
}

/// `^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`
fn check_name(name: &str) -> Result<(), VolumeError> {
    if name.len() == 1 {
        return Err(VolumeError::Short(name.to_owned()));
    }
    let mut bytes = name.bytes();
    let good = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if good { Ok(()) } else { Err(VolumeError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_made_once_and_found_again() {
        let root = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir(root.path().join("volumes"), 0o701).expect("mkdir");
        let volumes = Volumes::open(root.path());
        assert!(matches!(volumes.mountable("vol1", "local"), Err(VolumeError::NotThere(_))));
        assert!(volumes.create("vol1").expect("made"));
        assert!(!volumes.create("vol1").expect("found"));
        assert_eq!(volumes.mountable("vol1", "local").expect("there"), root.path().join("volumes/vol1/_data"));
        volumes.remove("vol1").expect("removed");
        assert!(matches!(volumes.mountable("vol1", "local"), Err(VolumeError::NotThere(_))));
    }

    #[test]
    fn a_name_that_is_a_path_is_no_volume() {
        let volumes = Volumes::open(Path::new("/nowhere"));
        for name in ["", ".", "..", "a/b", "../../etc"] {
            assert!(matches!(volumes.mountable(name, "local"), Err(VolumeError::NotThere(_))), "{name:?}");
            assert!(volumes.remove(name).is_ok(), "and never removed: {name:?}");
        }
        assert!(matches!(volumes.create(".."), Err(VolumeError::Name(_))));
        assert!(matches!(volumes.create("a"), Err(VolumeError::Short(_))));
    }
}
