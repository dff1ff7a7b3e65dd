//! vfs: each layer a whole tree of its own, copied from its parent's.
//!
//! moby 20.10, vfs/driver.go. No metadata at all: `vfs/dir/<id>` is the tree, and who rests on
//! whom is known to layerdb alone.

use std::path::{Path, PathBuf};

use archive::Whiteouts;
use base::LayerId;

use crate::{
    Access, Driver, Error, Result, RootFs,
    home::{self, Home, make_dir},
};

pub(crate) const NAME: &str = "vfs";

/// The driver, opened on a home.
#[derive(Debug)]
pub(crate) struct Vfs {
    home: Home,
}

impl Vfs {
    pub(crate) fn open(data_root: &Path, access: Access) -> Result<Self> {
        let home = Home::new(data_root.join(NAME), access);
        if access == Access::ReadWrite {
            home.make()?;
        }
        Ok(Self { home })
    }

    fn dirs(&self) -> PathBuf {
        self.home.path().join("dir")
    }

    fn dir(&self, id: &LayerId) -> PathBuf {
        self.dirs().join(id)
    }

    fn existing(&self, id: &LayerId) -> Result<PathBuf> {
        home::existing(self.dir(id))
    }
}

impl Driver for Vfs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn create(&self, id: &LayerId, parent: Option<&LayerId>) -> Result<()> {
        let parent = parent.map(|parent| self.existing(parent)).transpose()?;
        make_dir(&self.dirs(), 0o710)?;
        // Unlike moby, which leaves the half of a copy that failed.
        let tree = sys::Draft::new(self.dir(id), 0o755)?;
        sys::chown(tree.path(), 0, 0)?;
        if let Some(parent) = parent {
            sys::copy_tree(parent, tree.path())?;
        }
        tree.keep();
        Ok(())
    }

    fn create_read_write(&self, id: &LayerId, parent: Option<&LayerId>, limit: Option<u64>) -> Result<()> {
        if limit.is_some() {
            // moby 20.10, quota/errors.go
            return Err(Error::NoQuota("Filesystem does not support, or has not enabled quotas"));
        }
        self.create(id, parent)
    }

    fn remove(&self, id: &LayerId) -> Result<()> {
        Ok(sys::remove_tree(self.dir(id))?)
    }

    fn exists(&self, id: &LayerId) -> Result<bool> {
        Ok(sys::exists(self.dir(id))?)
    }

    fn list(&self) -> Result<Vec<LayerId>> {
        home::layers(&self.dirs(), |id| Ok(id.as_str() != "lost+found"))
    }

    fn rootfs(&self, id: &LayerId) -> Result<RootFs> {
        self.existing(id).map(RootFs::Directory)
    }

    fn unpack_target(&self, id: &LayerId) -> Result<(RootFs, Whiteouts)> {
        Ok((self.rootfs(id)?, Whiteouts::Applied))
    }

    fn data(&self, _: &LayerId) -> Result<Vec<(&'static str, String)>> {
        Ok(Vec::new())
    }

    fn status(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
