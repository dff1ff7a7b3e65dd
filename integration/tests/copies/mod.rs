//! What the stories of `cp` have in common.

#![allow(dead_code)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Stdio,
};

use integration::{House, Said};
use sha2::{Digest as _, Sha256};

pub const IMAGE: &str = "busybox:golden";

pub fn made(house: &House, name: &str, more: &[&str]) {
    house.ok(&[&["create", "--network", "none", "--name", name], more, &[IMAGE, "sleep", "1000"]].concat());
}

pub fn running(house: &House, name: &str, more: &[&str]) {
    made(house, name, more);
    house.ok(&["start", name]);
}

/// A directory of the host's with something of everything.
pub fn host_files(house: &House, name: &str) -> PathBuf {
    let dir = house.room().join(name);
    fs::create_dir_all(dir.join("dir/sub")).expect("mkdir");
    for (path, text) in [("file", "a file\n"), ("dir/one", "1\n"), ("dir/sub/two", "2\n")] {
        house.write(&format!("{name}/{path}"), text.as_bytes());
    }
    std::os::unix::fs::chown(dir.join("dir/sub/two"), Some(7), Some(8)).expect("chown");
    fs::set_permissions(dir.join("dir/sub/two"), fs::Permissions::from_mode(0o4751)).expect("chmod");
    fs::set_permissions(dir.join("dir/sub"), fs::Permissions::from_mode(0o700)).expect("chmod");
    fs::hard_link(dir.join("dir/one"), dir.join("dir/twin")).expect("link");
    symlink("file", dir.join("link")).expect("symlink");
    symlink("dir", dir.join("to-dir")).expect("symlink");
    symlink("nowhere", dir.join("dangling")).expect("symlink");
    dir
}

pub fn cp(house: &House, from: &str, to: &str) -> Said {
    house.run(&["cp", from, to])
}

pub fn at(path: &Path) -> String {
    path.display().to_string()
}

/// What a container changed, as it lies on disk.
pub fn upper(house: &House, name: &str) -> String {
    let upper = house.inspect(name)["GraphDriver"]["Data"]["UpperDir"].as_str().expect("a path").to_owned();
    house.tree_at(Path::new(&upper))
}

/// An archive that the engine streams: its listing, and a digest of its very bytes.
pub fn streamed(house: &House, args: &[&str]) -> String {
    let file = house.room().join("streamed.tar");
    let status = house
        .client()
        .args(args)
        .stdout(fs::File::create(&file).expect("create"))
        .stderr(Stdio::null())
        .status()
        .expect("it runs");
    assert!(status.success(), "{args:?}");
    let listed = std::process::Command::new("tar")
        .args(["--full-time", "-Ptvf", &at(&file)])
        .env("TZ", "UTC")
        .output()
        .expect("tar runs");
    let digest = Sha256::digest(fs::read(&file).expect("read"));
    let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    format!("{args:?}\n{text}{digest}")
}
