//! A driver's home: made as dockerd makes it, listed, and asked what it lies on.

use std::path::{Component, Path, PathBuf};

use base::LayerId;

use crate::{Access, Error, Result};

/// `<data root>/<driver>`.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    access: Access,
}

impl Home {
    pub(crate) fn new(path: PathBuf, access: Access) -> Self {
        Self { path, access }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    pub(crate) fn is_there(&self) -> Result<bool> {
        Ok(sys::exists(&self.path)?)
    }

    /// Makes the home. One that is there keeps its mode: dockerd gives it the mode of its own
    /// version at each start.
    pub(crate) fn make(&self) -> Result<()> {
        make_dir(&self.path, 0o710)
    }

    /// dockerd writes paths into mount options and JSON without any escape.
    pub(crate) fn must_fit_into_options(&self) -> Result<()> {
        let bad = |what| Err(Error::BadHome { path: self.path.clone(), what });
        match self.path.to_str() {
            None => bad("bytes that are not UTF-8"),
            Some(path) if path.contains(':') => bad("a colon"),
            Some(path) if path.contains(',') => bad("a comma"),
            Some(path) if path.contains('\\') => bad("a backslash"),
            Some(_) => Ok(()),
        }
    }

    /// What dockerd calls the file system below.
    pub(crate) fn file_system(&self) -> &'static str {
        existing_ancestor(&self.path).and_then(|path| sys::file_system(path).ok()).map_or("<unknown>", name_of)
    }

    /// Why no size can be kept here.
    pub(crate) fn why_no_quota(&self) -> &'static str {
        // moby 20.10, overlay2/overlay.go CreateReadWrite
        "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
    }
}

/// A layer's directory, which must be there.
pub(crate) fn existing(dir: PathBuf) -> Result<PathBuf> {
    if sys::exists(&dir)? { Ok(dir) } else { Err(Error::NoLayer { dir }) }
}

/// Makes a directory of root's with this mode, unless it is there.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<()> {
    match sys::create_dir(path, mode) {
        Ok(()) => Ok(sys::chown(path, 0, 0)?),
        Err(error) if error.is_exists() && path.is_dir() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The layers in a directory, sorted: the directories that are one.
pub(crate) fn layers(dir: &Path, is_layer: impl Fn(&LayerId) -> Result<bool>) -> Result<Vec<LayerId>> {
    let mut found = Vec::new();
    for name in sys::list_dir(dir)? {
        let Some(id) = name.to_str().and_then(|name| name.parse::<LayerId>().ok()) else { continue };
        let is_dir = sys::stat_opt(dir.join(&id))?.is_some_and(|stat| sys::is_dir(&stat));
        if is_dir && is_layer(&id)? {
            found.push(id);
        }
    }
    Ok(found)
}

/// Whether a name looks like one that Docker gives: 64 hex digits or BuildKit's 25 base-36
/// digits, either with `-init`.
pub(crate) fn is_dockers_id(id: &LayerId) -> bool {
    let text = id.as_str().strip_suffix("-init").unwrap_or(id.as_str());
    match text.len() {
        64 => text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        25 => text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z')),
        _ => false,
    }
}

/// A path without `.` and `..`, by its words alone, as Go's `path.Clean` does it.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}

/// The path itself or the nearest directory above it that is there.
pub(crate) fn existing_ancestor(path: &Path) -> Option<&Path> {
    path.ancestors().find(|path| path.exists())
}

/// moby 20.10, graphdriver/driver_linux.go `FsNames`.
fn name_of(magic: u64) -> &'static str {
    match magic {
        0x6175_6673 => "aufs",
        0x9123_683e => "btrfs",
        0x28cd_3d45 => "cramfs",
        0xf15f => "ecryptfs",
        0xef53 => "extfs",
        0xf2f5_2010 => "f2fs",
        0x6573_5546 => "fuse",
        0x4750_4653 => "gpfs",
        0x72b6 => "jffs2",
        0x3153_464a => "jfs",
        0x6969 => "nfs",
        0x794c_7630 => "overlayfs",
        0x8584_58f6 => "ramfs",
        0x5265_4973 => "reiserfs",
        0x517b => "smb",
        0x7371_7368 => "squashfs",
        0x0102_1994 => "tmpfs",
        0 => "unsupported",
        0xa501_fcf5 => "vxfs",
        0x5846_5342 => "xfs",
        0x2fc1_2fc1 => "zfs",
        _ => "<unknown>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_docker_gives_are_dockers() {
        let hex = "0123456789abcdef".repeat(4);
        let said = |text: &str| is_dockers_id(&text.parse().expect("an id"));
        assert!(said(&hex) && said(&format!("{hex}-init")) && said("o2g5pzkk0lkkpzh0dbn6q1wcy"));
        for junk in ["l", "lost+found", "opaque-bug-check123456789", &hex[1..], &hex.to_uppercase()] {
            assert!(!said(junk), "{junk}");
        }
    }

    #[test]
    fn dots_go_by_words_alone() {
        assert_eq!(clean(Path::new("/r/overlay2/l/../abc/diff")), Path::new("/r/overlay2/abc/diff"));
        assert_eq!(clean(Path::new("/../../a/./b")), Path::new("/a/b"));
    }

    #[test]
    fn a_home_that_options_cannot_say_is_refused() {
        let told = |path: &str| Home::new(path.into(), Access::ReadOnly).must_fit_into_options();
        assert!(told("/var/lib/docker/overlay2").is_ok());
        let refused = told("/srv/a:b/overlay2").expect_err("a colon separates layers");
        assert_eq!(refused.to_string(), "/srv/a:b/overlay2 cannot hold overlay layers: its name has a colon");
        assert!(told("/srv/a,b").is_err() && told("/srv/a\\b").is_err());
    }
}
