//! Data roots that real dockerds wrote, with what those daemons said of them, and the damages done to one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::engine::{Driver, Side, write_file};
use crate::house::House;
use crate::oracle::repository;
use crate::room::Room;

/// A recorded data root.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    /// As its file, `20.10.24-overlay2`.
    pub name: &'static str,
    /// The driver that wrote it.
    pub driver: Driver,
}

/// Every healthy tree of a driver that we have.
pub const HEALTHY: [Tree; 3] = [
    Tree { name: "20.10.24-overlay2", driver: Driver::Overlay2 },
    Tree { name: "20.10.24-vfs", driver: Driver::Vfs },
    Tree { name: "28.5.2-overlay2", driver: Driver::Overlay2 },
];

impl Tree {
    /// The tree of this name.
    pub fn named(name: &str) -> Self {
        *HEALTHY.iter().find(|tree| tree.name == name).unwrap_or_else(|| panic!("no tree {name}"))
    }

    /// A house in which `side` works on a fresh copy of the tree, after `change` was done to it.
    #[track_caller]
    pub fn house(self, side: &Side, change: impl FnOnce(&Path)) -> House {
        let room = Room::new();
        let root = room.path().join("root");
        self.unpack(&root);
        change(&root);
        House::on(side, self.driver, room, root)
    }

    /// Unpacks the data root to `root`, with owners, devices and every xattr.
    pub fn unpack(self, root: &Path) {
        fs::create_dir(root).unwrap_or_else(|error| panic!("mkdir {}: {error}", root.display()));
        let mut zstd = Command::new("zstd");
        zstd.args(["-qdc", "--long=27"]).arg(self.file("tar.zst")).stdout(Stdio::piped());
        let mut zstd = zstd.spawn().unwrap_or_else(|error| panic!("zstd, which the recorded trees need: {error}"));
        let mut tar = Command::new("tar");
        tar.args(["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "-S", "-xpf", "-", "-C"]).arg(root);
        let tar = tar.stdin(zstd.stdout.take().expect("piped")).status().expect("tar runs");
        assert!(tar.success() && zstd.wait().is_ok_and(|status| status.success()), "unpacking {}", self.name);
    }

    /// What its daemon said before it stopped.
    pub fn expect(self) -> Value {
        let said = Command::new("zstd").arg("-qdc").arg(self.file("expect.json.zst")).output().expect("zstd runs");
        serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn file(self, extension: &str) -> PathBuf {
        let file = format!("{}.{extension}", self.name);
        let homes = [
            std::env::var_os("MINIDOCK_TREES").map(PathBuf::from),
            Some(repository().join("../shared/trees")),
            Some(repository().join("integration/fixtures")),
        ];
        let mut places = homes.into_iter().flatten().map(|home| home.join(&file));
        places.find(|path| path.exists()).unwrap_or_else(|| panic!("no {file} in integration/fixtures"))
    }
}

/// The chain id of a layer in the middle of `h2/multi`, on which a part of the tree rests.
const MIDDLE: &str = "d68300dcb41764c52b796c928f1ebc236df4c0a8501e5522da06b8b80b14d405";
/// The container `c-modified2`, which rests on it, and its layer.
const MODIFIED: &str = "65a306957774";
/// The container `c-exit0`, which has nothing to do with it.
const EXIT0: &str = "0b95f11c3f69";
/// The image `h2/multi`.
const MULTI: &str = "9237c2ceacf50b45c3ef48b3f6c731ba3c2f569b43897a00e6ce6a5eec7f398b";

/// One thing gone wrong in `20.10.24-overlay2`.
#[derive(Debug, Clone, Copy)]
pub struct Damage {
    /// Its name, as that of the recorded damaged tree.
    pub name: &'static str,
    /// Does it.
    pub cause: fn(&Path),
}

/// Every damage there is a recording of, and two that no dockerd survives (`state_null`, `config_absent`).
pub const DAMAGES: [Damage; 28] = [
    Damage { name: "cacheid_empty", cause: |root| write(&layer(root).join("cache-id"), b"") },
    Damage { name: "cacheid_missing", cause: |root| remove(&layer(root).join("cache-id")) },
    Damage { name: "config_v2_missing", cause: |root| remove(&container(root, EXIT0).join("config.v2.json")) },
    Damage {
        name: "container_dir_empty",
        cause: |root| {
            make(&root.join("containers").join("8".repeat(64)));
            make(&root.join("containers/junk"));
        },
    },
    Damage { name: "diff_file_missing", cause: |root| remove(&layer(root).join("diff")) },
    Damage { name: "distribution_missing", cause: |root| remove(&root.join("image/overlay2/distribution")) },
    Damage { name: "hostconfig_truncated", cause: |root| cut(&container(root, EXIT0).join("hostconfig.json")) },
    Damage {
        name: "image_config_missing",
        cause: |root| remove(&root.join("image/overlay2/imagedb/content/sha256").join(MULTI)),
    },
    Damage {
        name: "layer_dir_badname",
        cause: |root| {
            make(&layers(root).join("foo"));
            make(&layers(root).join("A".repeat(64)));
            write(&layers(root).join("b".repeat(64)), b"");
        },
    },
    Damage {
        name: "layerdb_tmp_leftovers",
        cause: |root| {
            let tmp = root.join("image/overlay2/layerdb/tmp");
            copy(&layer(root), &tmp.join("write-set-123456789"));
            make(&tmp.join("write-set-987654321"));
        },
    },
    Damage { name: "layerfile_changed", cause: |root| write(&with_old1(root), b"other bytes\n") },
    Damage { name: "link_missing_container", cause: |root| remove(&upper(root).join("link")) },
    Damage { name: "lower_empty", cause: |root| write(&middle(root).join("lower"), b"") },
    Damage { name: "lower_truncated", cause: |root| cut_at(&upper(root).join("lower"), 18) },
    Damage {
        name: "lsymlink_wrong_target",
        cause: |root| {
            let link = root.join("overlay2/l").join(read(&middle(root).join("link")));
            remove(&link);
            symlink(format!("../{}/diff", "f".repeat(64)), &link).expect("a free name");
        },
    },
    Damage { name: "mount_dir_missing", cause: |root| remove(&mount(root)) },
    Damage { name: "mount_without_container", cause: |root| remove(&container(root, MODIFIED)) },
    Damage { name: "mountid_nowhere", cause: |root| write(&mount(root).join("mount-id"), "a".repeat(64).as_bytes()) },
    Damage {
        name: "parent_dangling",
        cause: |root| write(&layer(root).join("parent"), format!("sha256:{}", "0".repeat(64)).as_bytes()),
    },
    Damage {
        name: "removing_dirs",
        cause: |root| {
            // One whose driver directory is still there, one whose is gone, one with nothing in it.
            let driver = root.join("overlay2").join("d".repeat(64));
            make(&driver);
            make(&driver.join("diff"));
            write(&driver.join("link"), b"REMOVINGLINKAAAAAAAAAAAAAA");
            let link = root.join("overlay2/l/REMOVINGLINKAAAAAAAAAAAAAA");
            symlink(format!("../{}/diff", "d".repeat(64)), link).expect("a free name");
            for (name, cache) in [("c", Some("d")), ("e", Some("f")), ("7", None)] {
                let dir = layers(root).join(format!("{}-0123456789-removing", name.repeat(64)));
                make(&dir);
                if let Some(cache) = cache {
                    write(&dir.join("cache-id"), cache.repeat(64).as_bytes());
                }
            }
        },
    },
    Damage { name: "repositories_empty", cause: |root| write(&root.join("image/overlay2/repositories.json"), b"") },
    Damage { name: "repositories_truncated", cause: |root| cut(&root.join("image/overlay2/repositories.json")) },
    Damage { name: "size_missing", cause: |root| remove(&layer(root).join("size")) },
    Damage { name: "tarsplit_truncated", cause: |root| cut(&layer(root).join("tar-split.json.gz")) },
    Damage { name: "volume_dir_missing", cause: |root| remove(&root.join("volumes/vdata")) },
    Damage { name: "volume_opts_truncated", cause: |root| cut(&root.join("volumes/vtmpfs/opts.json")) },
    Damage { name: "state_null", cause: |root| edit(&container(root, EXIT0), |record| record["State"] = Value::Null) },
    Damage {
        name: "config_absent",
        cause: |root| {
            edit(&container(root, EXIT0), |record| {
                record.as_object_mut().expect("an object").remove("Config");
            });
        },
    },
];

fn layers(root: &Path) -> PathBuf {
    root.join("image/overlay2/layerdb/sha256")
}

fn layer(root: &Path) -> PathBuf {
    layers(root).join(MIDDLE)
}

/// The driver's directory of the layer in the middle.
fn middle(root: &Path) -> PathBuf {
    root.join("overlay2").join(read(&layer(root).join("cache-id")))
}

fn container(root: &Path, prefix: &str) -> PathBuf {
    below(&root.join("containers"), prefix)
}

fn mount(root: &Path) -> PathBuf {
    below(&root.join("image/overlay2/layerdb/mounts"), MODIFIED)
}

/// The driver's directory of `c-modified2`.
fn upper(root: &Path) -> PathBuf {
    root.join("overlay2").join(read(&mount(root).join("mount-id")))
}

/// A file of the layers `h2/multi` rests on.
fn with_old1(root: &Path) -> PathBuf {
    let layers = fs::read_dir(root.join("overlay2")).expect("overlay2 is there").flatten();
    let mut found = layers.map(|layer| layer.path().join("diff/data/re/old1"));
    found.find(|path| path.is_file()).expect("a layer with data/re/old1")
}

fn below(dir: &Path, prefix: &str) -> PathBuf {
    let mut entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())).flatten();
    let found = entries.find(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    found.unwrap_or_else(|| panic!("no {prefix} in {}", dir.display())).path()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) {
    write_file(path, bytes);
}

fn make(path: &Path) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("mkdir {}: {error}", path.display()));
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.unwrap_or_else(|error| panic!("remove {}: {error}", path.display()));
}

/// Leaves the first half of a file.
fn cut(path: &Path) {
    let size = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len();
    cut_at(path, size / 2);
}

fn cut_at(path: &Path, size: u64) {
    let file = fs::File::options().write(true).open(path);
    file.and_then(|file| file.set_len(size)).unwrap_or_else(|error| panic!("cut {}: {error}", path.display()));
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp {}", from.display());
}

fn edit(container: &Path, change: impl FnOnce(&mut Value)) {
    let path = container.join("config.v2.json");
    let mut record = serde_json::from_str(&read(&path)).expect("dockerd wrote JSON");
    change(&mut record);
    write(&path, format!("{record}\n").as_bytes());
}
