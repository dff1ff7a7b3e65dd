//! What lies on the disk and in the kernel's lists: the demo's proofs, read without the library.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use runtime::Where;

use super::DemoError;

/// The layers' directories, those that rest on nothing first.
pub fn layer_dirs(overlay: &Path) -> Result<Vec<PathBuf>, DemoError> {
    let names = sys::list_dir(overlay)?;
    let mut dirs: Vec<_> = names.iter().filter(|name| *name != "l").map(|name| overlay.join(name)).collect();
    dirs.sort_by_key(|dir| text(&dir.join("lower")).map_or(0, |lower| lower.len()));
    Ok(dirs)
}

/// All files of the layers that are the image's alone, with their contents' digests.
pub fn layer_files(root: &Path) -> Result<BTreeMap<PathBuf, String>, DemoError> {
    let mut all = BTreeMap::new();
    for layer in layer_dirs(&root.join("overlay2"))? {
        for (path, says) in tree(&layer.join("diff"))? {
            all.insert(layer.join(path), says);
        }
    }
    Ok(all)
}

/// Every name in a tree with its kind, mode, owner and contents.
pub fn tree(top: &Path) -> Result<BTreeMap<PathBuf, String>, DemoError> {
    let mut found = BTreeMap::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        let path = top.join(&below);
        let Some(stat) = sys::stat_opt(&path)? else { continue };
        let contents = match stat.st_mode & 0o170_000 {
            0o100_000 => base::Digest::of(&sys::read_opt(&path)?.unwrap_or_default()).to_string(),
            0o120_000 => sys::read_link(&path)?.display().to_string(),
            _ => stat.st_rdev.to_string(),
        };
        if sys::is_dir(&stat) {
            left.extend(sys::list_dir(&path)?.iter().map(|name| below.join(name)));
        }
        found.insert(below, format!("{:o} {}:{} {contents}", stat.st_mode, stat.st_uid, stat.st_gid));
    }
    Ok(found)
}

/// The directory a path lies in.
pub fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

/// What a file says; `None` when it cannot be read.
pub fn text(path: &Path) -> Option<String> {
    let bytes = sys::read_opt(path).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether overlay takes this for "deleted".
pub fn is_whiteout(path: &Path) -> Result<bool, DemoError> {
    let stat = sys::stat_opt(path)?;
    Ok(stat.is_some_and(|stat| stat.st_mode & 0o170_000 == 0o020_000 && stat.st_rdev == 0))
}

/// The kernel's entry for a container's mount.
pub fn mount_of(container: &Where) -> Result<Option<sys::MountPoint>, DemoError> {
    Ok(sys::mount_points()?.into_iter().find(|mount| mount.at == container.merged))
}

/// The process that the container's own file names.
pub fn process_of(container: &Where) -> Option<i64> {
    let config: serde_json::Value = serde_json::from_str(&text(&container.config.join("config.v2.json"))?).ok()?;
    config.get("State")?.get("Pid")?.as_i64().filter(|number| *number > 0)
}
