//! Removing a layer: the link that leads to it first, then its directory.
//!
//! Unlike moby, which trusts the text of `link`: only a link that leads to this layer is
//! removed, and when the text does not name one, all of `l/` is searched.

use std::path::{Path, PathBuf};

use base::LayerId;

use super::Overlay2;
use crate::Result;

pub(super) fn remove(driver: &Overlay2, id: &LayerId) -> Result<()> {
    let dir = driver.dir(id);
    // A damaged `cache-id` can say anything; all layers need this directory.
    if id.as_str() == "l" || !sys::exists(&dir)? {
        return Ok(());
    }
    let unlinked = links(driver, id).and_then(|links| {
        let mut first = Ok(());
        for link in links {
            first = first.and(sys::remove_file(link));
        }
        Ok(first?)
    });
    let removed = sys::remove_tree(&dir);
    unlinked?;
    Ok(removed?)
}

/// The links in `l/` that lead to this layer.
fn links(driver: &Overlay2, id: &LayerId) -> Result<Vec<PathBuf>> {
    let target = Path::new("..").join(id).join("diff");
    let leads_here = |path: &PathBuf| sys::read_link(path).is_ok_and(|said| said == target);
    if let Ok(named) = driver.link(id) {
        let path = driver.home.path().join(named.path());
        if leads_here(&path) {
            return Ok(vec![path]);
        }
    }
    let all = driver.home.path().join("l");
    Ok(sys::list_dir(&all)?.into_iter().map(|name| all.join(name)).filter(leads_here).collect())
}
