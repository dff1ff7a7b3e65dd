//! Making a layer: its directory, its link, and what it rests on.
//!
//! moby 20.10, overlay2/overlay.go `create`. Unlike moby: the parent is read before anything is
//! written and marked after everything is, so that an error leaves no trace, the link in `l/`
//! included.

use std::path::{Path, PathBuf};

use base::LayerId;

use super::{LinkId, Lower, Overlay2};
use crate::{Error, Result, home::make_dir};

pub(super) fn create(driver: &Overlay2, id: &LayerId, parent: Option<&LayerId>) -> Result<()> {
    let lower = parent.map(|parent| chain_on(driver, parent)).transpose()?;
    let layer = sys::Draft::new(driver.dir(id), 0o710)?;
    sys::chown(layer.path(), 0, 0)?;
    make_dir(&layer.path().join("diff"), 0o755)?;
    let link = Link::new(driver, id)?;
    sys::write_new(layer.path().join("link"), link.name.to_string().as_bytes(), 0o644)?;
    if let Some((parent, lower)) = parent.zip(lower) {
        make_dir(&layer.path().join("work"), 0o700)?;
        sys::write_new(layer.path().join("lower"), lower.to_string().as_bytes(), 0o644)?;
        mark_committed(&driver.dir(parent))?;
    }
    link.keep();
    layer.keep();
    Ok(())
}

fn chain_on(driver: &Overlay2, parent: &LayerId) -> Result<Lower> {
    driver.existing(parent)?;
    Lower::on(driver.link(parent)?, driver.lower(parent)?).ok_or(Error::TooDeep)
}

/// From now on the parent is shown read-only.
fn mark_committed(parent: &Path) -> Result<()> {
    let mark = parent.join("committed");
    if sys::exists(&mark)? {
        return Ok(());
    }
    Ok(sys::truncate_write(mark, b"", 0o600)?)
}

/// The link in `l/`, removed when dropped, unless kept.
struct Link {
    name: LinkId,
    path: PathBuf,
    kept: bool,
}

impl Link {
    fn new(driver: &Overlay2, id: &LayerId) -> Result<Self> {
        let target = Path::new("..").join(id).join("diff");
        loop {
            let name = LinkId::from_random(sys::random());
            let path = driver.home.path().join(name.path());
            match sys::symlink(&target, &path) {
                Ok(()) => return Ok(Self { name, path, kept: false }),
                Err(error) if error.is_exists() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.kept {
            // The error that brought us here is the one to tell.
            drop(sys::remove_file(&self.path));
        }
    }
}
