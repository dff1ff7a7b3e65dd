//! Which driver a data root is for, and opening it.

use std::path::Path;

use crate::{
    Access, Driver, Error, Result, home,
    overlay2::{self, Overlay2},
    vfs::{self, Vfs},
};

/// The drivers of dockerd 20.10 in the order it tries them.
// moby 20.10, graphdriver/driver_linux.go
const PRIORITY: [&str; 8] =
    ["btrfs", "zfs", overlay2::NAME, "fuse-overlayfs", "aufs", "overlay", "devicemapper", vfs::NAME];

/// Opens the driver of this name on a data root, which must be there and be given in full.
///
/// # Errors
/// When the name is none we know, or the home cannot be made.
pub fn open(name: &str, data_root: &Path, access: Access) -> Result<Box<dyn Driver>> {
    match name {
        overlay2::NAME => Ok(Box::new(Overlay2::open(data_root, access)?)),
        vfs::NAME => Ok(Box::new(Vfs::open(data_root, access)?)),
        other => Err(refused(other)),
    }
}

fn refused(name: &str) -> Error {
    if PRIORITY.contains(&name) { Error::NotBuilt(name.to_owned()) } else { Error::NotSupported }
}

/// The driver for a data root: the one asked for, else the one used there before, else the best
/// that this system can run.
///
/// Only for [`Access::ReadWrite`] and only in a root without layers is anything tried there; a
/// reader of such a root is told `overlay2`, where it will find nothing.
///
/// Unlike moby: in a root without layers on btrfs or zfs, those drivers of dockerd's are passed
/// over, since we do not have them; dockerd then goes on with the one we took.
///
/// # Errors
/// As dockerd refuses to start: when the driver used before does not work (or is not built in),
/// or when several were used.
pub fn choose(data_root: &Path, wanted: Option<&str>, access: Access) -> Result<&'static str> {
    if let Some(wanted) = wanted {
        return ours(wanted).ok_or_else(|| refused(wanted));
    }
    let prior: Vec<_> = PRIORITY.into_iter().filter(|name| *name != vfs::NAME && was_used(data_root, name)).collect();
    let Some(first) = prior.first() else { return Ok(fresh(data_root, access)) };
    let failed = |source| Error::Prior { name: first, source: Box::new(source) };
    let name = ours(first).ok_or_else(|| failed(why_not(first, data_root)))?;
    if prior.len() > 1 {
        return Err(Error::Several { root: data_root.to_owned(), names: prior });
    }
    Ok(name)
}

fn ours(name: &str) -> Option<&'static str> {
    [overlay2::NAME, vfs::NAME].into_iter().find(|ours| *ours == name)
}

/// Whether a driver has left something here. What cannot be read counts as something.
// moby 20.10, graphdriver/driver.go scanPriorDrivers, isEmptyDir
fn was_used(data_root: &Path, name: &str) -> bool {
    let home = data_root.join(name);
    home.exists() && sys::list_dir(&home).map_or(true, |names| !names.is_empty())
}

/// What dockerd would say of a driver of its own that cannot work here.
fn why_not(name: &'static str, data_root: &Path) -> Error {
    let lies_on = home::Home::new(data_root.join(name), Access::ReadOnly).file_system();
    match name {
        "btrfs" if lies_on != "btrfs" => Error::WrongFileSystem,
        "aufs" if !sys::knows_file_system("aufs") => Error::NotSupported,
        _ => Error::NotBuilt(name.to_owned()),
    }
}

fn fresh(data_root: &Path, access: Access) -> &'static str {
    let works = || overlay2::usable(data_root);
    if access == Access::ReadOnly || works() { overlay2::NAME } else { vfs::NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a root with these directories is for.
    fn chosen(dirs: &[&str], wanted: Option<&str>) -> Result<&'static str, String> {
        let root = tempfile::tempdir().expect("a temporary directory");
        for dir in dirs {
            sys::create_dir_all(root.path().join(dir), 0o710).expect("mkdir");
        }
        let before = sys::list_dir(root.path()).expect("readdir");
        let said = choose(root.path(), wanted, Access::ReadWrite);
        assert_eq!(sys::list_dir(root.path()).expect("readdir"), before, "choosing leaves nothing");
        said.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default()).replace(&root.path().display().to_string(), "$R")
        })
    }

    // disk-format of dockerd 20.10.24 as observed on ext4, one root after the other.
    #[test]
    fn a_root_is_for_the_driver_that_dockerd_takes() {
        assert_eq!(chosen(&[], None), Ok("overlay2"));
        assert_eq!(chosen(&["overlay2/l"], None), Ok("overlay2"));
        assert_eq!(chosen(&["vfs/dir/x"], None), Ok("overlay2"));
        assert_eq!(chosen(&["vfs/dir/x", "overlay2/l"], None), Ok("overlay2"));
        assert_eq!(chosen(&["overlay"], None), Ok("overlay2"));
        assert_eq!(chosen(&["vfs/dir/x", "overlay2/l"], Some("vfs")), Ok("vfs"));
        assert_eq!(chosen(&["containerd/daemon"], None), Ok("overlay2"));
    }

    #[test]
    fn a_root_that_dockerd_refuses_is_refused_in_its_words() {
        let several = "$R contains several valid graphdrivers: overlay2, overlay; Please cleanup or explicitly choose \
                       storage driver (-s <DRIVER>)";
        assert_eq!(chosen(&["overlay/x", "overlay2/l"], None), Err(several.into()));
        let btrfs = "prior storage driver btrfs failed: prerequisites for driver not satisfied (wrong filesystem?)";
        assert_eq!(chosen(&["btrfs/subvolumes", "overlay2/l"], None), Err(btrfs.into()));
        let aufs = "prior storage driver aufs failed: driver not supported";
        assert_eq!(chosen(&["aufs/diff/x"], None), Err(aufs.into()));
        assert_eq!(chosen(&[], Some("bogus")), Err("driver not supported".into()));
    }

    #[test]
    fn a_driver_that_only_dockerd_has_is_named() {
        let not_built = "storage driver overlay is not built into minidock (overlay2 and vfs are)";
        assert_eq!(chosen(&[], Some("overlay")), Err(not_built.into()));
        let prior = format!("prior storage driver overlay failed: {not_built}");
        assert_eq!(chosen(&["overlay/x"], None), Err(prior));
    }

    #[test]
    fn a_reader_changes_nothing_not_even_in_a_new_root() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let name = choose(root.path(), None, Access::ReadOnly).expect("a choice");
        for name in [name, vfs::NAME] {
            let driver = open(name, root.path(), Access::ReadOnly).expect("opened");
            assert_eq!(driver.list().expect("no layers"), []);
            driver.status();
        }
        assert!(sys::list_dir(root.path()).expect("readdir").is_empty());
    }
}
