//! A data root to test in, and hands to make layers and look into them.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
};

use base::LayerId;

use super::Open;
use crate::{Driver, RootFs};

/// A driver on a data root that goes when this is dropped.
pub(super) struct House<'a> {
    pub(super) root: sys::Draft,
    pub(super) driver: Box<dyn Driver>,
    pub(super) open: Open<'a>,
}

/// A number as a layer's name, of the length that Docker gives.
pub(super) fn id(number: u64) -> LayerId {
    format!("{number:064x}").parse().expect("hex digits are an id")
}

impl<'a> House<'a> {
    pub(super) fn new(open: Open<'a>) -> Self {
        let number = u64::from_le_bytes(sys::random());
        let path = std::env::temp_dir().join(format!("graphtest-{number:016x}"));
        let root = sys::Draft::new(path, 0o710).expect("a directory for the test");
        let driver = open(root.path());
        Self { root, driver, open }
    }

    /// Makes an image layer with these files.
    pub(super) fn layer(&self, number: u64, parent: Option<u64>, files: &[(&str, &str)]) -> LayerId {
        let layer = id(number);
        self.driver.create(&layer, parent.map(id).as_ref()).expect("a layer is made");
        let (target, _) = self.driver.unpack_target(&layer).expect("a layer is unpacked somewhere");
        let seen = Seen::new(target);
        for (name, text) in files {
            write(&seen, name, text);
        }
        layer
    }

    /// Makes a container's layer.
    pub(super) fn writable(&self, number: u64, parent: u64) -> LayerId {
        let layer = id(number);
        self.driver.create_read_write(&layer, Some(&id(parent)), None).expect("a layer is made");
        layer
    }

    /// The layer's files, mounted while the answer lives.
    pub(super) fn see(&self, layer: &LayerId) -> Seen {
        Seen::new(self.driver.rootfs(layer).expect("a layer can be seen"))
    }

    /// All names in the data root with their types and modes.
    pub(super) fn listing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        list(self.root.path(), Path::new(""), &mut lines);
        lines
    }
}

fn list(top: &Path, below: &Path, lines: &mut Vec<String>) {
    for name in sys::list_dir(top.join(below)).expect("readdir") {
        let below = below.join(name);
        let stat = sys::stat_opt(top.join(&below)).expect("lstat").expect("it was just listed");
        lines.push(format!("{} {:o}", below.display(), stat.st_mode));
        if sys::is_dir(&stat) {
            list(top, &below, lines);
        }
    }
}

/// Writes a file below a directory, and the directories to it.
pub(super) fn write(top: &Path, name: &str, text: &str) {
    let path = top.join(name);
    sys::create_dir_all(path.parent().expect("it lies in a directory"), 0o755).expect("mkdir");
    sys::truncate_write(path, text.as_bytes(), 0o644).expect("write");
}

/// What a file says; `None` when there is none.
pub(super) fn read(top: &Path, name: &str) -> Option<String> {
    let bytes = sys::read_opt(top.join(name)).expect("read")?;
    Some(String::from_utf8(bytes).expect("the tests write text"))
}

/// A layer's root directory; unmounted when dropped, if it was mounted.
pub(super) struct Seen {
    path: PathBuf,
    mounted: bool,
}

impl Seen {
    pub(super) fn new(rootfs: RootFs) -> Self {
        let mount = match rootfs {
            RootFs::Directory(path) => return Self { path, mounted: false },
            RootFs::Overlay(mount) => mount,
        };
        let options = mount.options(None).expect("the options fit into a page");
        sys::create_dir(mount.target(), 0o700).expect("a layer that is not mounted has no merged");
        sys::mount_overlay_at(&options.target, &options.text, options.relative_to.as_deref()).expect("it mounts");
        Self { path: mount.target(), mounted: true }
    }

    /// Leaves it as it is, as a process that is killed does.
    pub(super) fn abandon(mut self) {
        self.mounted = false;
    }
}

impl Deref for Seen {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        if self.mounted {
            drop(sys::unmount_detach(&self.path));
            drop(sys::remove_dir(&self.path));
        }
    }
}
