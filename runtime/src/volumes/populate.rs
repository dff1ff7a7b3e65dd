//! A new volume gets what the image has in its place, with owner and mode of the place itself.
//!
//! moby 20.10, container/container_unix.go `copyExistingContents`: at create only, and only into
//! an empty volume.

use std::{
    os::fd::{AsFd, AsRawFd},
    path::{Path, PathBuf},
};

use containers::MountPoint;

/// Why a volume could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum PopulateError {
    /// The image has a file there. The words are dockerd's, for an anonymous volume.
    #[error("cannot mount volume over existing file, file exists {}", .0.display())]
    OverFile(PathBuf),
    /// The image has a file there. The words are dockerd's, for a named volume.
    #[error("source {} is not directory", .0.display())]
    NotDirectory(PathBuf),
    /// It could not be copied.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Fills one volume from a container's root. `shown` is where dockerd would have that mounted,
/// for its sentences.
///
/// # Errors
/// [`PopulateError`].
pub fn populate(root: &sys::Dir, shown: &Path, point: &MountPoint, data: &Path) -> Result<(), PopulateError> {
    let wanted = point.spec.volume_options.as_ref().is_none_or(|options| !options.no_copy);
    let path = point.destination.trim_start_matches('/');
    let place = match root.below(path.as_bytes()) {
        Ok(place) => place,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) if error.io().kind() == std::io::ErrorKind::NotADirectory => {
            let place = shown.join(path);
            return Err(match point.is_anonymous_volume() {
                true => PopulateError::OverFile(place),
                false if wanted => PopulateError::NotDirectory(place),
                false => return Ok(()),
            });
        }
        Err(error) => return Err(error.into()),
    };
    if !wanted || !sys::list_dir(data)?.is_empty() {
        return Ok(());
    }
    // The dot makes a directory of the link in /proc.
    let from = format!("/proc/self/fd/{}/.", place.as_fd().as_raw_fd());
    Ok(sys::copy_tree_whole(from, data)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    struct Case {
        dir: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary directory");
            for name in ["root", "root/etc", "root/data", "volume"] {
                sys::create_dir(dir.path().join(name), 0o755).expect("mkdir");
            }
            sys::write_new(dir.path().join("root/etc/passwd"), b"", 0o644).expect("write");
            sys::write_new(dir.path().join("root/data/f"), b"hello", 0o640).expect("write");
            Self { dir }
        }

        fn fill(&self, spec: &str) -> Result<(), PopulateError> {
            let mut point = super::super::parse(spec).expect("a volume");
            "local".clone_into(&mut point.driver);
            let root = sys::Dir::open(self.dir.path().join("root")).expect("open");
            populate(&root, Path::new("/merged"), &point, &self.dir.path().join("volume"))
        }

        fn volume(&self) -> PathBuf {
            self.dir.path().join("volume")
        }
    }

    #[test]
    fn an_empty_volume_gets_the_images_files_and_the_places_owner_and_mode() {
        let case = Case::new();
        sys::chmod(case.dir.path().join("root/data"), 0o700).expect("chmod");
        sys::chown(case.dir.path().join("root/data"), 7, 8).expect("chown");
        case.fill("vol:/data").expect("filled");
        let seen = case.volume().metadata().expect("stat");
        assert_eq!((seen.permissions().mode() & 0o7777, seen.uid(), seen.gid()), (0o700, 7, 8));
        assert_eq!(std::fs::read(case.volume().join("f")).expect("read"), b"hello");
    }

    #[test]
    fn a_volume_with_anything_in_it_stays_as_it_is() {
        let case = Case::new();
        sys::write_new(case.volume().join("mine"), b"", 0o644).expect("write");
        case.fill("vol:/data").expect("left alone");
        assert!(!case.volume().join("f").exists());
    }

    #[test]
    fn nocopy_and_a_place_that_is_not_there_leave_it_empty() {
        let case = Case::new();
        case.fill("vol:/data:nocopy").expect("left alone");
        case.fill("vol:/nowhere").expect("left alone");
        assert!(sys::list_dir(case.volume()).expect("list").is_empty());
    }

    #[test]
    fn a_link_in_the_image_leads_nowhere_but_into_the_image() {
        let case = Case::new();
        sys::symlink("/data", case.dir.path().join("root/link")).expect("symlink");
        case.fill("vol:/link").expect("filled");
        assert!(case.volume().join("f").exists());
    }

    #[test]
    fn a_file_in_the_place_is_an_error_in_dockerds_words() {
        let error = Case::new().fill("vol:/etc/passwd").expect_err("a file");
        assert_eq!(error.to_string(), "source /merged/etc/passwd is not directory");
    }
}
