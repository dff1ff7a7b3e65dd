//! Recorded data roots, and stores on fresh ones.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use base::ContainerId;
use layerstore::{Access, LayerStore};

/// Held alone while a test forks: until its child executes, that has copies of every lock of the other tests.
static FORKS: RwLock<()> = RwLock::new(());

/// As long as this lives no test forks, and a lock that was let go is free.
pub fn without_forks() -> RwLockReadGuard<'static, ()> {
    FORKS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    let _alone = FORKS.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// A data root in a temporary directory.
pub struct Root {
    dir: tempfile::TempDir,
    driver: &'static str,
}

impl Root {
    /// An empty one.
    pub fn fresh(driver: &'static str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir(dir.path().join("root"), 0o710).expect("mkdir");
        Self { dir, driver }
    }

    /// A copy of one that a real dockerd wrote.
    pub fn recorded(version: &str, driver: &'static str) -> Self {
        let root = Self::fresh(driver);
        let archive = tree_file(&format!("{version}-{driver}.tar.zst"));
        let mut zstd = Command::new("zstd");
        zstd.args(["-qdc", "--long=27"]).arg(archive).stdout(Stdio::piped());
        let mut zstd = start(&mut zstd).expect("zstd, which the recorded trees need");
        let mut tar = Command::new("tar");
        tar.args(["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "-S", "-xpf", "-", "-C"]);
        let tar = start(tar.arg(root.path()).stdin(zstd.stdout.take().expect("piped"))).expect("tar runs").wait();
        assert!(
            tar.is_ok_and(|status| status.success()) && zstd.wait().is_ok_and(|status| status.success()),
            "unpacking {version}-{driver}"
        );
        root
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub fn layerdb(&self) -> PathBuf {
        self.path().join("image").join(self.driver).join("layerdb")
    }

    pub fn home(&self) -> PathBuf {
        self.path().join(self.driver)
    }

    pub fn store(&self) -> LayerStore {
        open(&self.path(), self.driver, Access::ReadWrite)
    }

    /// Every directory and file below `layerdb`, and every layer of the driver: what must be the
    /// same when nothing was left behind.
    pub fn listing(&self) -> Vec<String> {
        let mut listed: Vec<_> = below(&self.layerdb()).iter().map(|path| path.display().to_string()).collect();
        let drivers = self.store().driver().list().expect("list");
        listed.extend(drivers.iter().map(|id| format!("driver {id}")));
        listed
    }
}

pub fn open(root: &Path, driver: &'static str, access: Access) -> LayerStore {
    let driver = graphdriver::open(driver, root, access).expect("the driver opens");
    LayerStore::open(root, driver, access).expect("the store opens")
}

/// What the daemon that wrote a recorded data root said of it.
pub fn said(version: &str, driver: &str) -> serde_json::Value {
    let file = tree_file(&format!("{version}-{driver}.expect.json.zst"));
    let said = start(Command::new("zstd").arg("-qdc").arg(file).stdout(Stdio::piped())).expect("zstd runs");
    let said = said.wait_with_output().expect("zstd runs");
    serde_json::from_slice(&said.stdout).expect("JSON")
}

fn tree_file(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let homes = [
        std::env::var_os("MINIDOCK_TREES").map(PathBuf::from),
        Some(workspace.join("../shared/trees")),
        Some(workspace.join("integration/fixtures")),
    ];
    let mut places = homes.into_iter().flatten().map(|home| home.join(name));
    places.find(|path| path.exists()).unwrap_or_else(|| panic!("no {name} in integration/fixtures"))
}

/// All paths below `dir`, sorted.
pub fn below(dir: &Path) -> Vec<PathBuf> {
    let mut listed = Vec::new();
    for name in sys::list_dir(dir).expect("list") {
        let path = dir.join(name);
        listed.push(path.clone());
        if path.symlink_metadata().expect("stat").is_dir() {
            listed.extend(below(&path));
        }
    }
    listed
}

pub fn container(digit: char) -> ContainerId {
    digit.to_string().repeat(64).parse().expect("an id")
}

/// One entry of a tar in the making.
pub fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    typed_entry(name, b'0', "", 0o644, content)
}

pub fn dir_entry(name: &str) -> Vec<u8> {
    dir_entry_of(name, 0o755)
}

pub fn dir_entry_of(name: &str, mode: u32) -> Vec<u8> {
    typed_entry(name, b'5', "", mode, b"")
}

pub fn link_entry(name: &str, target: &str) -> Vec<u8> {
    typed_entry(name, b'2', target, 0o777, b"")
}

fn typed_entry(name: &str, kind: u8, link: &str, mode: u32, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000\x000000000");
    put(124, format!("{:011o}", content.len()).as_bytes());
    put(136, b"14000000000");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

/// A hard link that claims to have a payload, which no link has.
pub fn claiming_link_entry(name: &str, target: &str, size: usize) -> Vec<u8> {
    let mut block = typed_entry(name, b'1', target, 0o644, &vec![0; size]);
    block.truncate(512);
    block
}

/// Entries as a whole tar.
pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// What a layer's description says, line by line.
pub fn tar_split(dir: &Path) -> String {
    let file = std::fs::File::open(dir.join("tar-split.json.gz")).expect("open");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

pub fn none_needed(_: &base::ChainId) -> bool {
    false
}
