//! overlay2: each layer's own changes in a directory, all shown together by one overlay mount.
//!
//! moby 20.10, overlay2/overlay.go. In the home stand `l/`, with a short link to each layer, and
//! per layer
//!
//! ```text
//! <id>/            0710
//!   diff/          0755  the layer's own changes
//!   link           0644  its short name in l/
//!   lower          0644  the layers below, nearest first; absent in a base layer
//!   committed      0600  empty; there once a layer rests on this one, which is then read-only
//!   work/          0700  the kernel's; absent in a base layer
//!   merged/        0700  only while mounted
//! ```

mod create;
mod link;
mod lower;
mod probe;
mod remove;

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use archive::Whiteouts;
use base::LayerId;

use crate::{
    Access, Driver, Error, NativeDiff, OverlayMount, Result, RootFs,
    home::{self, Home},
    rootfs::Writable,
};
pub use link::{BadLinkId, LinkId};
pub use lower::{BadLower, Lower};
pub(crate) use probe::usable;

pub(crate) const NAME: &str = "overlay2";

/// The driver, opened on a home.
#[derive(Debug)]
pub(crate) struct Overlay2 {
    home: Home,
    features: Features,
    /// Why changes must be found by comparing trees, if they must; asked for once.
    naive: OnceLock<Option<String>>,
}

/// What goes into every mount's options.
#[derive(Debug, Clone, Copy)]
struct Features {
    index_off: bool,
    userxattr: bool,
}

impl Overlay2 {
    pub(crate) fn open(data_root: &Path, access: Access) -> Result<Self> {
        let home = Home::new(data_root.join(NAME), access);
        home.must_fit_into_options()?;
        if access == Access::ReadWrite && !home.is_there()? {
            probe::must_have_d_type(data_root)?;
            home.make()?;
        }
        if access == Access::ReadWrite {
            home::make_dir(&home.path().join("l"), 0o700)?;
        }
        let features = Features { index_off: sys::overlay_features().index, userxattr: probe::needs_userxattr() };
        Ok(Self { home, features, naive: OnceLock::new() })
    }

    fn dir(&self, id: &LayerId) -> PathBuf {
        self.home.path().join(id)
    }

    /// The layer's directory; an error when there is none.
    fn existing(&self, id: &LayerId) -> Result<PathBuf> {
        home::existing(self.dir(id))
    }

    /// What the layer rests on; `None` for a base layer.
    fn lower(&self, id: &LayerId) -> Result<Option<Lower>> {
        let path = self.dir(id).join("lower");
        let Some(bytes) = sys::read_opt(&path)? else { return Ok(None) };
        Lower::parse(&bytes).map(Some).map_err(|bad| Error::Damaged { path, source: bad.into() })
    }

    /// The layer's short name.
    fn link(&self, id: &LayerId) -> Result<LinkId> {
        let path = self.dir(id).join("link");
        let damaged = |source: crate::BoxedCause| Error::Damaged { path: path.clone(), source };
        let bytes = sys::read_opt(&path)?.ok_or_else(|| damaged("it is not there".into()))?;
        let text = String::from_utf8_lossy(&bytes);
        text.parse().map_err(|bad: BadLinkId| damaged(bad.into()))
    }

    fn mount(&self, id: &LayerId, lower: &Lower, committed: bool) -> OverlayMount {
        let own = Path::new(id.as_str());
        let diff = own.join("diff");
        let writable = (!committed).then(|| Writable { upper: diff.clone(), work: own.join("work") });
        let lower = committed.then_some(diff).into_iter().chain(lower.paths()).collect();
        OverlayMount {
            home: self.home.path().to_owned(),
            target: own.join("merged"),
            lower,
            writable,
            index_off: self.features.index_off,
            userxattr: self.features.userxattr,
        }
    }

    fn is_native(&self) -> bool {
        self.naive.get_or_init(|| probe::why_naive(&self.home)).is_none()
    }

    /// Where the layer's lower links lead, nearest first, as dockerd shows them. It follows what
    /// the file says entry by entry and fails at the first that leads nowhere, so no other check
    /// comes first.
    fn lower_dirs(&self, id: &LayerId) -> Result<Vec<PathBuf>> {
        let Some(text) = sys::read_opt(self.dir(id).join("lower"))? else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&text);
        let lead = |entry: &str| {
            let link = home::clean(&self.home.path().join(entry.trim_start_matches('/')));
            let target = sys::read_link(link).map_err(Error::Data)?;
            Ok(home::clean(&self.home.path().join("l").join(target)))
        };
        text.split(':').map(lead).collect()
    }
}

impl Driver for Overlay2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn create(&self, id: &LayerId, parent: Option<&LayerId>) -> Result<()> {
        create::create(self, id, parent)
    }

    fn create_read_write(&self, id: &LayerId, parent: Option<&LayerId>, limit: Option<u64>) -> Result<()> {
        if limit.is_some() {
            return Err(Error::NoQuota(self.home.why_no_quota()));
        }
        create::create(self, id, parent)
    }

    fn remove(&self, id: &LayerId) -> Result<()> {
        remove::remove(self, id)
    }

    fn exists(&self, id: &LayerId) -> Result<bool> {
        Ok(sys::exists(self.dir(id))?)
    }

    fn list(&self) -> Result<Vec<LayerId>> {
        let is_layer =
            |id: &LayerId| -> Result<bool> { Ok(home::is_dockers_id(id) || sys::exists(self.dir(id).join("link"))?) };
        home::layers(self.home.path(), is_layer)
    }

    fn rootfs(&self, id: &LayerId) -> Result<RootFs> {
        let dir = self.existing(id)?;
        let Some(lower) = self.lower(id)? else { return Ok(RootFs::Directory(dir.join("diff"))) };
        let committed = sys::exists(dir.join("committed"))?;
        Ok(RootFs::Overlay(self.mount(id, &lower, committed)))
    }

    fn unpack_target(&self, id: &LayerId) -> Result<(RootFs, Whiteouts)> {
        let dir = self.existing(id)?;
        if self.is_native() {
            return Ok((RootFs::Directory(dir.join("diff")), Whiteouts::Overlay));
        }
        Ok((self.rootfs(id)?, Whiteouts::Applied))
    }

    fn native_diff(&self) -> Option<&dyn NativeDiff> {
        Some(self)
    }

    // moby 20.10, overlay2/overlay.go GetMetadata; a Go map is shown sorted.
    fn data(&self, id: &LayerId) -> Result<Vec<(&'static str, String)>> {
        let dir = self.dir(id);
        sys::stat(&dir).map_err(Error::Data)?;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let lower: Vec<_> = self.lower_dirs(id)?.into_iter().map(text).collect();
        let mut data = Vec::with_capacity(4);
        data.extend((!lower.is_empty()).then(|| ("LowerDir", lower.join(":"))));
        data.push(("MergedDir", text(dir.join("merged"))));
        data.push(("UpperDir", text(dir.join("diff"))));
        data.push(("WorkDir", text(dir.join("work"))));
        Ok(data)
    }

    fn status(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Backing Filesystem", self.home.file_system().to_owned()),
            ("Supports d_type", probe::has_d_type(self.home.path()).unwrap_or(true).to_string()),
            ("Native Overlay Diff", self.is_native().to_string()),
            ("userxattr", self.features.userxattr.to_string()),
        ]
    }
}

impl NativeDiff for Overlay2 {
    // moby 20.10, overlay2/overlay.go isParent: a chain that cannot be followed is no parent.
    fn upper(&self, id: &LayerId, parent: Option<&LayerId>) -> Result<Option<PathBuf>> {
        let dir = self.existing(id)?;
        let nearest = match self.lower_dirs(id) {
            Ok(dirs) => dirs.into_iter().next(),
            Err(Error::Data(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let direct = nearest.as_deref().and_then(Path::parent) == parent.map(|parent| self.dir(parent)).as_deref();
        Ok((direct && self.is_native()).then(|| dir.join("diff")))
    }
}
