//! The init layer's content: mount points and empty files between image and container.
//!
//! moby 20.10, daemon/initlayer/setup_unix.go `Setup`. Every element of every path is unlinked
//! first, so a symlink or file of the image (`/dev`, `/etc/resolv.conf`) makes way, and no link of
//! a hostile image can lead out of the tree; directories survive, also one where a file should be.
//! Unlike moby, which takes the paths in random order, ours is fixed; and what is in the way and
//! cannot be unlinked is an error rather than followed.

use std::{io::ErrorKind, path::Path};

use base::LayerId;

use crate::{Error, LayerStore, Result};

enum Kind {
    Directory,
    EmptyFile,
    Symlink(&'static str),
}

/// What is made, parents included, in this order.
const CONTENT: [(&str, Kind); 10] = [
    ("dev/console", Kind::EmptyFile),
    ("dev/pts", Kind::Directory),
    ("dev/shm", Kind::Directory),
    ("proc", Kind::Directory),
    ("sys", Kind::Directory),
    (".dockerenv", Kind::EmptyFile),
    ("etc/hostname", Kind::EmptyFile),
    ("etc/hosts", Kind::EmptyFile),
    ("etc/mtab", Kind::Symlink("/proc/mounts")),
    ("etc/resolv.conf", Kind::EmptyFile),
];

/// Directories, and the empty files too, which nobody executes.
const MODE: u32 = 0o755;

impl LayerStore {
    /// Fills a new init layer, seen through a mount that stands nowhere: a crash leaves none.
    pub(crate) fn populate_init(&self, id: &LayerId) -> Result<()> {
        self.fill(&self.driver().rootfs(id)?, populate)
    }
}

/// Makes all content below `root`, which nobody else writes to meanwhile.
fn populate(root: &Path) -> Result<()> {
    CONTENT.iter().try_for_each(|(path, kind)| make(root, Path::new(path), kind))
}

fn make(root: &Path, path: &Path, kind: &Kind) -> Result<()> {
    let mut place = root.to_owned();
    let mut elements = path.iter().peekable();
    while let Some(element) = elements.next() {
        place.push(element);
        let there = clear(&place, path)?;
        if elements.peek().is_some() && !there {
            sys::create_dir(&place, MODE)?;
        } else if elements.peek().is_none() && !there {
            match kind {
                Kind::Directory => sys::create_dir(&place, MODE)?,
                Kind::EmptyFile => drop(sys::create_new(&place, MODE)?),
                Kind::Symlink(target) => sys::symlink(target, &place)?,
            }
        }
    }
    Ok(())
}

/// Removes what is at `place` unless it is a directory; whether one is there.
fn clear(place: &Path, path: &Path) -> Result<bool> {
    match sys::remove_file(place) {
        Ok(()) => Ok(false),
        Err(_) if place.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) => Ok(true),
        // A file that may not be removed. All else, such as a full disk, is not the image's fault.
        Err(error) if error.io().kind() == ErrorKind::PermissionDenied => {
            Err(Error::InTheWay(Path::new("/").join(path)))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn listing(root: &Path) -> Vec<(String, u32)> {
        let mut listed = Vec::new();
        let mut todo = vec![root.to_owned()];
        while let Some(dir) = todo.pop() {
            for name in sys::list_dir(&dir).expect("list") {
                let path = dir.join(name);
                let metadata = path.symlink_metadata().expect("stat");
                if metadata.is_dir() {
                    todo.push(path.clone());
                }
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                listed.push((name, metadata.mode()));
            }
        }
        listed.sort();
        listed
    }

    #[test]
    fn an_empty_image_gets_dockers_mount_points() {
        let root = tempfile::tempdir().expect("a temporary directory");
        populate(root.path()).expect("populate");
        let names = [
            (".dockerenv", 0o100_755),
            ("dev", 0o40_755),
            ("dev/console", 0o100_755),
            ("dev/pts", 0o40_755),
            ("dev/shm", 0o40_755),
            ("etc", 0o40_755),
            ("etc/hostname", 0o100_755),
            ("etc/hosts", 0o100_755),
            ("etc/mtab", 0o120_777),
            ("etc/resolv.conf", 0o100_755),
            ("proc", 0o40_755),
            ("sys", 0o40_755),
        ];
        assert_eq!(listing(root.path()), names.map(|(name, mode)| (name.to_owned(), mode)));
        assert_eq!(sys::read_link(root.path().join("etc/mtab")).expect("a link"), Path::new("/proc/mounts"));
    }

    #[test]
    fn a_hostile_image_makes_nothing_outside_its_tree() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (root, outside) = (home.path().join("root"), home.path().join("outside"));
        for dir in [&root, &outside] {
            sys::create_dir(dir, 0o755).expect("mkdir");
        }
        sys::write_new(outside.join("hosts"), b"kept", 0o644).expect("write");
        sys::symlink(&outside, root.join("etc")).expect("symlink");
        sys::symlink("../outside", root.join("proc")).expect("symlink");
        sys::write_new(root.join("dev"), b"a file", 0o644).expect("write");
        populate(&root).expect("populate");
        assert_eq!(listing(&outside), [("hosts".to_owned(), 0o100_644)]);
        assert_eq!(std::fs::read(outside.join("hosts")).expect("read"), b"kept");
        for made in ["etc", "dev", "proc"] {
            assert!(root.join(made).symlink_metadata().expect("stat").is_dir(), "{made}");
        }
    }

    #[test]
    fn files_of_the_image_make_way_and_directories_stay() {
        let root = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir_all(root.path().join("etc/hosts/kept"), 0o700).expect("mkdir");
        sys::write_new(root.path().join("etc/hostname"), b"image", 0o600).expect("write");
        sys::symlink("/run/systemd/resolv.conf", root.path().join("etc/resolv.conf")).expect("symlink");
        populate(root.path()).expect("populate");
        assert!(root.path().join("etc/hosts/kept").is_dir());
        let hostname = root.path().join("etc/hostname").metadata().expect("stat");
        assert_eq!((hostname.size(), hostname.permissions().mode() & 0o777), (0, 0o755));
        let resolv = root.path().join("etc/resolv.conf").symlink_metadata().expect("stat");
        assert!(resolv.is_file());
        let etc = root.path().join("etc").metadata().expect("stat");
        assert_eq!(etc.permissions().mode() & 0o777, 0o700, "a directory of the image keeps its mode");
    }
}
