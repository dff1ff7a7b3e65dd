//! What this kernel and this file system can do, asked as dockerd asks it: by trying.
//!
//! Each trial mounts in a thread with mounts of its own, so that nothing stays mounted whatever
//! happens. Opened for reading only, nothing is tried and the kernel's settings are believed.

use std::path::Path;

use sys::{Draft, Lock};

use crate::{Access, Error, Result, home::Home};

/// Whether overlay wants `userxattr` among its options: only in a user namespace.
// moby 20.10, overlayutils/userxattr.go: kernels from 5.11 on know the option.
pub(super) fn needs_userxattr() -> bool {
    sys::in_user_namespace() && sys::kernel_version() >= (5, 11)
}

/// Why changes cannot be taken from the upper directory as they are; `None` when they can.
// moby 20.10, overlay2/check.go doesSupportNativeDiff
pub(super) fn why_naive(home: &Home) -> Option<String> {
    if sys::in_user_namespace() {
        return Some("running in a user namespace".to_owned());
    }
    if home.access() == Access::ReadOnly {
        let set = sys::read_opt("/sys/module/overlay/parameters/redirect_dir").ok().flatten();
        return set.is_some_and(|text| text.starts_with(b"Y")).then(|| REDIRECTS.to_owned());
    }
    match try_changes(home.path(), "") {
        Ok(why) => why.map(str::to_owned),
        Err(error) => Some(error.to_string()),
    }
}

const REDIRECTS: &str = "kernel has CONFIG_OVERLAY_FS_REDIRECT_DIR enabled";
const COPIES_OPAQUE: &str = "opaque flag erroneously copied up, consider update to kernel 4.8 or later to fix";

/// Makes an opaque directory be copied up and renames another, and looks at what that leaves in
/// the upper directory.
fn try_changes(home: &Path, more_options: &str) -> Result<Option<&'static str>> {
    let trial = Trial::new(home, "opaque-bug-check", &["l1/d", "l1/d1", "l2/d", "l3", "work", "merged"])?;
    let at = |name: &str| trial.dir.path().join(name);
    sys::xattr::set(at("l2/d"), "trusted.overlay.opaque", b"y")?;
    let options = format!("{}{more_options}", trial.options("l2", "l1", "l3"));
    let renamed = sys::in_private_mounts(|| -> sys::Result<bool> {
        sys::mount_overlay_at(&at("merged"), &options, None)?;
        sys::write_new(at("merged/d/f"), b"", 0o644)?;
        match sys::rename(at("merged/d1"), at("merged/d2")) {
            Ok(()) => Ok(true),
            // EXDEV: this is what a kernel says that does not redirect.
            Err(error) if error.is_cross_device() => Ok(false),
            Err(error) => Err(error),
        }
    })??;
    if sys::xattr::get(at("l3/d"), "trusted.overlay.opaque")?.as_deref() == Some(b"y") {
        return Ok(Some(COPIES_OPAQUE));
    }
    let redirect = if renamed { sys::xattr::get(at("l3/d2"), "trusted.overlay.redirect")? } else { None };
    Ok((redirect.as_deref() == Some(b"d1")).then_some(REDIRECTS))
}

/// Whether an overlay of several layers can be mounted with its files below `data_root`.
// moby 20.10, overlayutils/overlayutils.go SupportsOverlay
pub(crate) fn usable(data_root: &Path) -> bool {
    try_mount(data_root).is_ok()
}

fn try_mount(data_root: &Path) -> Result<()> {
    let dirs = ["lower1", "lower2", "upper", "work", "merged"];
    let trial = Trial::new(data_root, "check-overlayfs-support", &dirs)?;
    let options = trial.options("lower2", "lower1", "upper");
    let merged = trial.dir.path().join("merged");
    Ok(sys::in_private_mounts(|| sys::mount_overlay_at(&merged, &options, None))??)
}

/// A directory to try things in, gone when dropped. It is locked as long as its process lives: an
/// unlocked one was left by a process that died.
struct Trial {
    dir: Draft,
    _lock: Option<Lock>,
}

impl Trial {
    fn new(below: &Path, name: &str, dirs: &[&str]) -> Result<Self> {
        sweep(below, name);
        // Between its making and its locking another process may take it for a dead one's.
        Self::once(below, name, dirs).or_else(|_| Self::once(below, name, dirs))
    }

    fn once(below: &Path, name: &str, dirs: &[&str]) -> Result<Self> {
        let number = u32::from_le_bytes(sys::random());
        let dir = Draft::new(below.join(format!("{name}{number}")), 0o700)?;
        let lock = sys::try_exclusive(sys::open_dir(dir.path())?, dir.path())?;
        for inner in dirs {
            sys::create_dir_all(dir.path().join(inner), 0o755)?;
        }
        Ok(Self { dir, _lock: lock })
    }

    fn options(&self, nearest: &str, next: &str, upper: &str) -> String {
        let dir = self.dir.path().display();
        format!("lowerdir={dir}/{nearest}:{dir}/{next},upperdir={dir}/{upper},workdir={dir}/work")
    }
}

/// Removes what trials of dead processes left. It is in nobody's way: a failure waits for the next.
fn sweep(below: &Path, name: &str) {
    let is_trial = |found: &std::ffi::OsString| {
        let number = found.to_str().and_then(|found| found.strip_prefix(name));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    };
    for trial in sys::list_dir(below).unwrap_or_default().iter().filter(|found| is_trial(found)) {
        let path = below.join(trial);
        if let Ok(Some(_lock)) = sys::open_dir(&path).and_then(|dir| sys::try_exclusive(dir, &path)) {
            drop(sys::remove_tree(&path));
        }
    }
}

/// A new home needs a file system that tells the type of directory entries.
pub(super) fn must_have_d_type(data_root: &Path) -> Result<()> {
    if has_d_type(data_root)? {
        return Ok(());
    }
    // moby 20.10, overlayutils/overlayutils.go ErrDTypeNotSupported
    let backing = Home::new(data_root.to_owned(), Access::ReadOnly).file_system();
    let cure = match backing {
        "xfs" => " Reformat the filesystem with ftype=1 to enable d_type support.",
        "extfs" => " Reformat the filesystem (or use tune2fs) with -O filetype flag to enable d_type support.",
        _ => "",
    };
    Err(Error::NoDType(format!(
        "overlay2: the backing {backing} filesystem is formatted without d_type support, which leads to incorrect \
         behavior.{cure} Backing filesystems without d_type support are not supported."
    )))
}

/// Whether the entries of a directory tell their type. The entry `.` is enough to know.
pub(super) fn has_d_type(dir: &Path) -> Result<bool> {
    Ok(sys::tells_entry_types(dir)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(dir: &Path) -> bool {
        sys::list_dir(dir).expect("a directory").is_empty()
    }

    #[test]
    fn the_trials_leave_nothing() {
        let home = tempfile::tempdir().expect("a temporary directory");
        assert!(usable(home.path()));
        try_changes(home.path(), "").expect("overlay works here");
        assert!(empty(home.path()));
        let mounts = sys::mount_points().expect("mountinfo");
        assert!(mounts.iter().all(|point| !point.at.starts_with(home.path())));
    }

    #[test]
    fn renames_kept_as_redirects_are_seen() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let why = |options| try_changes(home.path(), options).expect("overlay works here");
        assert_eq!(why(",redirect_dir=on"), Some(REDIRECTS));
        assert_eq!(why(",redirect_dir=off"), None);
    }

    #[test]
    fn a_file_system_that_cannot_hold_an_upper_layer_is_not_usable() {
        let home = tempfile::tempdir().expect("a temporary directory");
        assert!(!usable(Path::new("/proc")));
        assert!(!usable(&home.path().join("absent")));
    }
}
