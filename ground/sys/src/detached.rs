//! Overlay mounts that stand nowhere in the file tree: to look into layers, and to fill new ones.
//!
//! Kernels since 6.5 take the layers one by one, each a path of at most 255 bytes. For older ones,
//! and longer paths, the mount is made with mount(2) among mounts of a thread's own and its copy
//! taken out of there: then all options together must fit into a page.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
        fsmount, fsopen,
    },
};

use crate::{
    error::{Error, Result, at},
    mount::{Detached, bind_detached, mount_string},
    overlay::kernel_words,
    steps::step,
    thread::in_private_mounts,
};

/// An overlay mount to be made. Layers are directories.
#[derive(Debug, Clone, Copy)]
pub struct DetachedOverlay<'a> {
    /// What lies below, nearest first.
    pub lower: &'a [PathBuf],
    /// Where changes go, and the kernel's own directory beside it. Without, the mount is
    /// read-only and needs two layers or more.
    pub upper_and_work: Option<(&'a Path, &'a Path)>,
    /// Whether `index=off` is said.
    pub index_off: bool,
    /// Whether the kernel may leave it to others to make changes durable; else the mount's end
    /// flushes the file system. Such a mount leaves `work/incompat` in the work directory, which
    /// must be removed before it serves another mount.
    pub unsynced: bool,
}

/// [`DetachedOverlay::mount`] of a mount that flushes when it ends.
///
/// # Errors
/// As there.
pub fn mount_overlay_detached(
    lower: &[PathBuf],
    upper_and_work: Option<(&Path, &Path)>,
    index_off: bool,
) -> Result<Detached> {
    DetachedOverlay { lower, upper_and_work, index_off, unsynced: false }.mount()
}

impl DetachedOverlay<'_> {
    /// Makes the mount. It is gone when the value is dropped, also when the process dies.
    ///
    /// # Errors
    /// What the kernel refused, with its own words.
    pub fn mount(self) -> Result<Detached> {
        match self.one_by_one() {
            Err(error) if error.errno() == Some(Errno::INVAL) => {
                // Either the kernel is old or a path long, or it really will not do.
                self.all_at_once().or(Err(error))
            }
            other => other,
        }
    }

    /// The path that a failure of the whole is about.
    fn named(&self) -> &Path {
        let upper = self.upper_and_work.map(|(upper, _)| upper);
        upper.or_else(|| self.lower.first().map(PathBuf::as_path)).unwrap_or(Path::new(""))
    }

    fn volatile(&self) -> bool {
        // Known since Linux 5.10.
        self.unsynced && self.upper_and_work.is_some() && crate::kernel_version() >= (5, 10)
    }

    fn one_by_one(self) -> Result<Detached> {
        let call = |what: &Path| {
            let what = what.to_owned();
            move |errno: Errno| Error::new("mount overlay with", what, errno)
        };
        let named = self.named();
        let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(call(named))?;
        let told = |error: Error| error.with_detail(kernel_words(&fs));
        let set = |key: &str, path: &Path| fsconfig_set_string(&fs, key, path).map_err(call(path)).map_err(told);
        fsconfig_set_string(&fs, "source", "overlay").map_err(call(named))?;
        if self.index_off {
            fsconfig_set_string(&fs, "index", "off").map_err(call(named)).map_err(told)?;
        }
        if self.volatile() {
            fsconfig_set_flag(&fs, "volatile").map_err(call(named)).map_err(told)?;
        }
        for layer in self.lower {
            set("lowerdir+", layer)?;
        }
        if let Some((upper, work)) = self.upper_and_work {
            set("upperdir", upper)?;
            set("workdir", work)?;
        }
        step("mount", named)?;
        fsconfig_create(&fs).map_err(call(named)).map_err(told)?;
        let mount = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(call(named))?;
        Ok(Detached::new(mount))
    }

    fn all_at_once(self) -> Result<Detached> {
        let from = self.common_ancestor();
        let refused = |_| Error::new("mount overlay with", self.named(), Errno::INVAL);
        let options = self.options(&from).into_string().map_err(refused)?;
        step("mount", self.named())?;
        in_private_mounts(|| {
            rustix::process::chdir(&from).map_err(at("chdir", &from))?;
            // Whatever it covers, nobody else sees it covered.
            let target = self.named();
            mount_string("overlay", target, "overlay", MountFlags::empty(), &options)?;
            bind_detached(target)
        })?
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let writable = self.upper_and_work.map(|(upper, work)| [upper, work]);
        self.lower.iter().map(PathBuf::as_path).chain(writable.into_iter().flatten())
    }

    fn common_ancestor(&self) -> PathBuf {
        let mut ancestor = self.named().to_owned();
        for path in self.paths() {
            while !path.starts_with(&ancestor) && ancestor.pop() {}
        }
        ancestor
    }

    fn options(&self, from: &Path) -> OsString {
        let relative = |path: &Path| {
            let rest = path.strip_prefix(from).unwrap_or(path).as_os_str();
            if rest.is_empty() { OsString::from(".") } else { escaped(rest.as_bytes()) }
        };
        let mut options = OsString::new();
        if self.index_off {
            options.push("index=off,");
        }
        if self.volatile() {
            options.push("volatile,");
        }
        options.push("lowerdir=");
        let lower: Vec<_> = self.lower.iter().map(|path| relative(path)).collect();
        options.push(lower.join(std::ffi::OsStr::new(":")));
        for (key, path) in self.upper_and_work.into_iter().flat_map(|(upper, work)| [("upper", upper), ("work", work)])
        {
            options.push(format!(",{key}dir="));
            options.push(relative(path));
        }
        options
    }
}

/// A path as it stands in overlay's options.
fn escaped(path: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt as _;
    let special = |byte: &u8| matches!(byte, b',' | b':' | b'\\');
    let escape = |byte: u8| special(&byte).then_some(b'\\').into_iter().chain([byte]);
    OsString::from_vec(path.iter().copied().flat_map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount_points;

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a temporary directory");
        for name in ["a", "b:,c", "up", "work"] {
            crate::create_dir(home.path().join(name), 0o755).expect("mkdir");
        }
        crate::write_new(home.path().join("b:,c/file"), b"lower", 0o644).expect("write");
        home
    }

    type Way = for<'a> fn(DetachedOverlay<'a>) -> Result<Detached>;
    const WAYS: [Way; 2] = [|overlay| overlay.one_by_one(), |overlay| overlay.all_at_once()];

    #[test]
    fn a_detached_overlay_shows_its_layers_and_leaves_no_mount() {
        for way in WAYS {
            let home = home();
            let (up, work) = (home.path().join("up"), home.path().join("work"));
            let lower = [home.path().join("a"), home.path().join("b:,c")];
            let overlay =
                DetachedOverlay { lower: &lower, upper_and_work: Some((&up, &work)), index_off: true, unsynced: false };
            let mount = way(overlay).expect("mount");
            crate::truncate_write(mount.path().join("file"), b"upper", 0o644).expect("copy up");
            assert_eq!(std::fs::read(up.join("file")).expect("read"), b"upper");
            let listed = mount_points().expect("mountinfo");
            assert!(listed.iter().all(|point| !point.options.contains(&*home.path().to_string_lossy())));
            drop(mount);
            let read_only = way(DetachedOverlay { upper_and_work: None, ..overlay }).expect("mount");
            assert_eq!(std::fs::read(read_only.path().join("file")).expect("read"), b"lower");
            assert!(!work.join("work/incompat").exists());
        }
    }

    #[test]
    fn an_unsynced_mount_leaves_its_mark() {
        for way in WAYS {
            let home = home();
            let (up, work) = (home.path().join("up"), home.path().join("work"));
            let lower = [home.path().join("a")];
            let upper_and_work = Some((&*up, &*work));
            drop(
                way(DetachedOverlay { lower: &lower, upper_and_work, index_off: true, unsynced: true }).expect("mount"),
            );
            assert!(work.join("work/incompat/volatile").exists());
        }
    }

    #[test]
    fn a_path_too_long_for_the_new_interface_is_mounted_with_the_old() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let deep = home.path().join(vec!["x".repeat(100); 3].join("/"));
        let lower = ["a", "b"].map(|name| deep.join(name));
        for layer in &lower {
            crate::create_dir_all(layer, 0o755).expect("mkdir");
        }
        crate::write_new(lower[1].join("file"), b"deep", 0o644).expect("write");
        let mount = mount_overlay_detached(&lower, None, true).expect("mount");
        assert_eq!(std::fs::read(mount.path().join("file")).expect("read"), b"deep");
    }
}
