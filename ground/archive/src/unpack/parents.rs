//! The directories entries go into, held open while entries stay near.

use std::sync::Arc;

use base::gopath;
use sys::Dir;

use crate::Whiteouts;

/// Directories held open at once; archives list a tree depth first.
const MOST: usize = 16;

/// A path to the directory last used, each element's path beginning with the one before it.
#[derive(Debug, Default)]
pub(super) struct Parents {
    open: Vec<(Vec<u8>, Arc<Dir>)>,
}

impl Parents {
    /// Something was removed: any path may lead elsewhere now.
    pub(super) fn forget(&mut self) {
        self.open.clear();
    }

    /// The directory at a path in the root; missing ones are made on the way, unless the path's
    /// last element is there and leads nowhere (a dangling symlink).
    pub(super) fn open(&mut self, root: &Arc<Dir>, path: &[u8], style: Whiteouts) -> sys::Result<Arc<Dir>> {
        match self.open_existing(root, path) {
            Err(error) if error.is_not_found() && root.stat_below(path)?.is_none() => {
                make_all(root, path, style)?;
                self.open_existing(root, path)
            }
            other => other,
        }
    }

    /// The directory at a path in the root.
    pub(super) fn open_existing(&mut self, root: &Arc<Dir>, path: &[u8]) -> sys::Result<Arc<Dir>> {
        if path.is_empty() {
            return Ok(Arc::clone(root));
        }
        while let Some((last, dir)) = self.open.last() {
            if last == path {
                return Ok(Arc::clone(dir));
            }
            if path.strip_prefix(last.as_slice()).is_some_and(|rest| rest.starts_with(b"/")) {
                break;
            }
            self.open.pop();
        }
        let dir = Arc::new(root.below(path)?);
        if self.open.len() == MOST {
            self.open.remove(0);
        }
        self.open.push((path.to_vec(), Arc::clone(&dir)));
        Ok(dir)
    }
}

fn make_all(root: &Dir, path: &[u8], style: Whiteouts) -> sys::Result<()> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    for end in ends.chain([path.len()]) {
        match root.below(&path[..end]) {
            Err(error) if error.is_not_found() => make_one(root, &path[..end], style)?,
            other => drop(other?),
        }
    }
    Ok(())
}

/// Makes one directory. moby 20.10: 0755 and root's on overlay (`MkdirAllAndChownNew`), 0600
/// and otherwise as the kernel makes it on naive trees (`UnpackLayer`).
fn make_one(root: &Dir, path: &[u8], style: Whiteouts) -> sys::Result<()> {
    let (above, name) = gopath::split(path);
    let parent = root.below(above)?;
    if style == Whiteouts::Applied {
        return parent.make_dir(name, 0o600);
    }
    parent.make_dir(name, 0o755)?;
    let made = parent.sub(name)?;
    let stat = made.stat_self()?;
    if stat.st_mode & 0o777 != 0o755 {
        made.chmod_self(0o755)?;
    }
    if (stat.st_uid, stat.st_gid) != (0, 0) {
        made.chown_self(0, 0)?;
    }
    Ok(())
}
