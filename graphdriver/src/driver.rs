//! What every driver does, and what some do faster.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use archive::Whiteouts;
use base::LayerId;

use crate::{Result, RootFs};

/// What a driver is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Layers are made and removed. The home is made if it is not there.
    ReadWrite,
    /// Nothing at all is written, so dead, foreign and read-only trees can be looked at. The
    /// calls that would write fail as the system lets them.
    ReadOnly,
}

/// A way to keep layers on disk.
pub trait Driver: fmt::Debug + Send + Sync {
    /// The driver's name in `image/<name>`, in `config.v2.json` and in `docker info`.
    fn name(&self) -> &'static str;

    /// The directory all its layers lie in: `<data root>/<name>`.
    fn home(&self) -> &Path;

    /// Makes a read-only layer on `parent`.
    ///
    /// # Errors
    /// When the layer is there already, the parent is not, or a step fails; what was made is
    /// then removed again.
    fn create(&self, id: &LayerId, parent: Option<&LayerId>) -> Result<()>;

    /// Makes a layer for a container, of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Driver::create`]; and when a limit is asked for that cannot be kept.
    fn create_read_write(&self, id: &LayerId, parent: Option<&LayerId>, limit: Option<u64>) -> Result<()>;

    /// Removes a layer, also one that is half made. One that is already gone is fine: recovery
    /// repeats itself.
    ///
    /// # Errors
    /// The first thing that could not be removed; the rest is removed all the same.
    fn remove(&self, id: &LayerId) -> Result<()>;

    /// Whether something of this layer is there, be it half made.
    ///
    /// # Errors
    /// Any failure to look but "not there".
    fn exists(&self, id: &LayerId) -> Result<bool>;

    /// All layers in the home, half made ones too, sorted. Other things that lie there are left
    /// out.
    ///
    /// # Errors
    /// When the home cannot be read. An absent home has no layers.
    fn list(&self) -> Result<Vec<LayerId>>;

    /// How to see the layer with all it rests on.
    ///
    /// # Errors
    /// When there is no such layer or what is written of it cannot be understood.
    fn rootfs(&self, id: &LayerId) -> Result<RootFs>;

    /// Where a new layer's tar is unpacked to, and what becomes of its deletions there.
    ///
    /// # Errors
    /// As [`Driver::rootfs`].
    fn unpack_target(&self, id: &LayerId) -> Result<(RootFs, Whiteouts)>;

    /// A faster way than comparing two trees, if the driver has one.
    fn native_diff(&self) -> Option<&dyn NativeDiff> {
        None
    }

    /// `GraphDriver.Data` of `inspect`, sorted by key; empty stands for `null`.
    ///
    /// # Errors
    /// As dockerd's `inspect` fails, in its words.
    fn data(&self, id: &LayerId) -> Result<Vec<(&'static str, String)>>;

    /// The lines that `info` shows below `Storage Driver`.
    fn status(&self) -> Vec<(&'static str, String)>;
}

/// A layer's own changes, without comparing trees.
pub trait NativeDiff {
    /// The directory that holds only this layer's own changes in overlay's form. `None` when
    /// the trees must be compared after all: `parent` is not what the layer directly rests on,
    /// or this kernel keeps changes in a form that a tar cannot say.
    ///
    /// # Errors
    /// When the layer's files cannot be read.
    fn upper(&self, id: &LayerId, parent: Option<&LayerId>) -> Result<Option<PathBuf>>;
}
