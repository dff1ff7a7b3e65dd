//! The same files as dockerd 20.10.24 for an image of two layers and a container on it.
//!
//! `golden/make.sh` wrote the listings from a real one. Here layers are called what they are, so
//! only the random links need a name.

use std::{fmt::Write as _, path::Path};

use base::LayerId;
use graphdriver::{Access, Driver, RootFs, open};

fn id(name: &str) -> LayerId {
    name.parse().expect("a plain name is an id")
}

/// What dockerd does for two image layers and a container: the container's two layers are
/// mounted once while it is made.
fn story(driver: &dyn Driver) {
    driver.create(&id("base"), None).expect("made");
    driver.create(&id("second"), Some(&id("base"))).expect("made");
    driver.create_read_write(&id("container-init"), Some(&id("second")), None).expect("made");
    mount_once(driver, "container-init");
    driver.create_read_write(&id("container"), Some(&id("container-init")), None).expect("made");
    mount_once(driver, "container");
}

fn mount_once(driver: &dyn Driver, layer: &str) {
    let RootFs::Overlay(mount) = driver.rootfs(&id(layer)).expect("seen") else { return };
    let options = mount.options(None).expect("it fits");
    sys::create_dir(mount.target(), 0o700).expect("mkdir");
    sys::mount_overlay_at(&mount.target(), &options.text, None).expect("it mounts");
    sys::unmount_detach(mount.target()).expect("unmount");
    sys::remove_dir(mount.target()).expect("rmdir");
}

fn listing(root: &Path, below: &Path, text: &mut String) {
    for name in sys::list_dir(root.join(below)).expect("readdir") {
        let (below, path) = (below.join(&name), root.join(below).join(&name));
        let shown = below.display();
        let stat = sys::stat_opt(&path).expect("lstat").expect("just listed");
        let (kind, target) = match stat.st_mode & 0o170_000 {
            0o040_000 => ('d', String::new()),
            0o120_000 => ('l', format!(" {}", sys::read_link(&path).expect("readlink").display())),
            _ => ('f', String::new()),
        };
        writeln!(text, "{shown} {kind} {:o} {}:{}{target}", stat.st_mode & 0o7777, stat.st_uid, stat.st_gid)
            .expect("text grows");
        if kind == 'f' {
            let said = String::from_utf8(sys::read_opt(&path).expect("read").expect("just listed")).expect("text");
            writeln!(text, "{}", format!("{shown} says {said}").trim_end()).expect("text grows");
        }
        let into_layers = below.starts_with("vfs") && below.components().count() > 2;
        if kind == 'd' && !into_layers && name != "diff" {
            listing(root, &below, text);
        }
    }
}

fn compare(name: &str, golden: &str) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let driver = open(name, root.path(), Access::ReadWrite).expect("the driver opens");
    story(&*driver);
    let mut text = String::new();
    listing(root.path(), Path::new(""), &mut text);
    for layer in ["base", "second", "container", "container-init"] {
        if let Some(link) = sys::read_opt(driver.home().join(layer).join("link")).expect("read") {
            text = text.replace(&*String::from_utf8_lossy(&link), &format!("LINK-OF-{layer}"));
        }
    }
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    let mut golden: Vec<_> = golden.lines().collect();
    golden.sort_unstable();
    assert_eq!(lines, golden);
}

#[test]
fn overlay2_writes_what_dockerd_writes() {
    compare("overlay2", include_str!("golden/overlay2.txt"));
}

#[test]
fn vfs_writes_what_dockerd_writes() {
    compare("vfs", include_str!("golden/vfs.txt"));
}
