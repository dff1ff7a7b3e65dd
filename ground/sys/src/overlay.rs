//! Overlay mounts, in both interfaces of the kernel.
//!
//! mount(2) takes one option string of less than a page and says only EINVAL; fsopen(2) takes
//! layers one by one and says in words what was wrong. Containers are mounted with the first, as
//! dockerd does; looking into a layer uses the second, without a place in the file tree.

use std::{io, os::fd::OwnedFd, path::Path};

use rustix::{
    io::Errno,
    mount::{FsOpenFlags, MountFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsopen},
};

use crate::{
    error::{Result, at},
    mount::mount_string,
    steps::step,
};

/// What this kernel's overlay knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayFeatures {
    /// `index=off` is understood (`/sys/module/overlay/parameters/index` is there).
    pub index: bool,
}

/// Asks the kernel.
pub fn overlay_features() -> OverlayFeatures {
    OverlayFeatures { index: Path::new("/sys/module/overlay/parameters/index").exists() }
}

/// Mounts an overlay on `target` with mount(2). `from` is the directory that relative paths in
/// `options` and a relative `target` start from; only the calling thread goes there.
///
/// # Errors
/// As mount(2), with the kernel's own words where the same options tried through fsopen(2) give
/// some.
pub fn mount_overlay_at(target: &Path, options: &str, from: Option<&Path>) -> Result<()> {
    let mounted = match from {
        None => mount_string("overlay", target, "overlay", MountFlags::empty(), options),
        Some(from) => std::thread::scope(|scope| {
            step("mount", target)?;
            let there = || {
                // A thread that shares its working directory with nobody may change it.
                crate::thread::unshare_working_directory()?;
                rustix::process::chdir(from).map_err(at("chdir", from))?;
                mount_string("overlay", target, "overlay", MountFlags::empty(), options)
            };
            scope.spawn(there).join().expect("mounting does not panic")
        }),
    };
    mounted.map_err(|error| error.with_detail(reason(options, from.unwrap_or(Path::new("")))))
}

/// Tries the options again in the interface that takes them one by one and answers in words. It
/// takes no value longer than 255 bytes, so each layer is named by itself.
fn reason(options: &str, from: &Path) -> Option<String> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).ok()?;
    // Of a path that is not there the kernel says nothing but the number, so we name it.
    let place = |key: &str, dir: &str| {
        let path = from.join(dir);
        let named =
            |errno: Errno| format!("{} {}: {}", key.trim_end_matches('+'), path.display(), io::Error::from(errno));
        fsconfig_set_string(&fs, key, &path).map_err(named)
    };
    let unnamed = |_| String::new();
    let set = |option: &str| match option.split_once('=') {
        Some(("lowerdir", layers)) => layers.split(':').try_for_each(|layer| place("lowerdir+", layer)),
        Some((key @ ("upperdir" | "workdir"), dir)) => place(key, dir),
        Some((key, value)) => fsconfig_set_string(&fs, key, value).map_err(unnamed),
        None => fsconfig_set_flag(&fs, option).map_err(unnamed),
    };
    let refused = options.split(',').try_for_each(set).and_then(|()| fsconfig_create(&fs).map_err(unnamed)).err()?;
    kernel_words(&fs).or(Some(refused)).filter(|words| !words.is_empty())
}

/// What the kernel noted on a file system context: lines such as `e overlay: No such file`.
pub(crate) fn kernel_words(fs: &OwnedFd) -> Option<String> {
    let mut words = Vec::new();
    let mut line = [0; 512];
    while let Ok(length) = rustix::io::read(fs, &mut line) {
        if length == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line[..length]);
        let text = text.trim_end().trim_start_matches(['e', 'w', 'i']).trim_start();
        words.push(text.to_owned());
    }
    (!words.is_empty()).then(|| words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(home: &Path, names: &[&str]) {
        for name in names {
            crate::create_dir(home.join(name), 0o755).expect("mkdir");
        }
    }

    #[test]
    fn a_refused_mount_says_why() {
        let home = tempfile::tempdir().expect("a temporary directory");
        dirs(home.path(), &["low", "merged"]);
        let options = format!("lowerdir={0}/low,upperdir={0}/none,workdir={0}/none", home.path().display());
        let refused = mount_overlay_at(&home.path().join("merged"), &options, None).expect_err("no upper directory");
        assert!(refused.to_string().contains("merged: No such file or directory"), "{refused}");
    }

    #[test]
    fn a_mount_of_many_layers_that_is_refused_says_why_too() {
        let home = tempfile::tempdir().expect("a temporary directory");
        dirs(home.path(), &["low", "up", "work", "merged"]);
        let layers = ["low"; 20].join(":") + ":gone";
        let options = format!("lowerdir={layers},upperdir=up,workdir=work");
        let refused = mount_overlay_at(Path::new("merged"), &options, Some(home.path())).expect_err("a layer is gone");
        assert!(
            refused.to_string().ends_with(&format!(
                "(lowerdir {}/gone: No such file or directory (os error 2))",
                home.path().display()
            )),
            "{refused}"
        );
    }

    #[test]
    fn relative_options_start_where_they_are_told_to() {
        let home = tempfile::tempdir().expect("a temporary directory");
        dirs(home.path(), &["low", "up", "work", "merged"]);
        crate::write_new(home.path().join("low/file"), b"x", 0o644).expect("write");
        let here = std::env::current_dir().expect("a working directory");
        mount_overlay_at(Path::new("merged"), "lowerdir=low,upperdir=up,workdir=work", Some(home.path()))
            .expect("mount");
        let seen = home.path().join("merged/file").exists();
        crate::unmount_detach(home.path().join("merged")).expect("unmount");
        assert!(seen);
        assert_eq!(std::env::current_dir().expect("a working directory"), here);
    }
}
