//! Recorded data roots, fresh ones, and archives made by hand.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use images::{Images, Import, Input, LoadError};
use layerstore::{Access, LayerStore};

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
        let mut zstd = zstd.spawn().expect("zstd, which the recorded trees need");
        let mut tar = Command::new("tar");
        tar.args(["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "-S", "-xpf", "-", "-C"]);
        let tar = tar.arg(root.path()).stdin(zstd.stdout.take().expect("piped")).status().expect("tar runs");
        assert!(tar.success() && zstd.wait().is_ok_and(|status| status.success()), "unpacking {version}-{driver}");
        root
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub fn image_dir(&self) -> PathBuf {
        self.path().join("image").join(self.driver)
    }

    pub fn tmp(&self) -> PathBuf {
        self.path().join("tmp")
    }

    pub fn images(&self) -> Images {
        Images::open(&self.path(), self.driver)
    }

    pub fn layers(&self) -> LayerStore {
        self.layers_with(Access::ReadWrite)
    }

    pub fn layers_with(&self, access: Access) -> LayerStore {
        let driver = graphdriver::open(self.driver, &self.path(), access).expect("the driver opens");
        LayerStore::open(&self.path(), driver, access).expect("the store opens")
    }

    /// Every file and directory of the image store and the driver: what must be the same when
    /// nothing was left behind.
    pub fn listing(&self) -> Vec<String> {
        let mut listed = below(&self.image_dir());
        listed.extend(below(&self.path().join("tmp")));
        let drivers = self.layers().driver().list().expect("list");
        listed.extend(drivers.iter().map(|id| format!("driver {id}")));
        // directories that are made once and stay
        listed.retain(|path| {
            !["/imagedb", "/layerdb", "/mounts", "/tmp", "/sha256", "/content", "/metadata"]
                .iter()
                .any(|end| path.ends_with(end))
        });
        listed
    }

    /// Loads an archive from a file, and gives the lines of it.
    pub fn load(&self, archive: &[u8]) -> (Vec<String>, Result<(), LoadError>) {
        let path = self.dir.path().join("archive.tar");
        File::create(&path).and_then(|mut file| file.write_all(archive)).expect("write");
        self.load_from(Input::File(File::open(path).expect("open")))
    }

    /// Loads an archive that comes through a pipe.
    pub fn load_piped(&self, mut archive: &[u8]) -> (Vec<String>, Result<(), LoadError>) {
        self.load_from(Input::Stream(&mut archive))
    }

    fn load_from(&self, input: Input<'_>) -> (Vec<String>, Result<(), LoadError>) {
        let mut lines = Vec::new();
        let loaded = self.images().load(&self.layers(), input, &self.tmp(), &mut |event| {
            if let images::Event::Loaded(line) = event {
                lines.push(line.to_string());
            }
        });
        (lines, loaded)
    }

    pub fn import(&self, name: &str, tar: &[u8]) -> base::ImageId {
        let import = Import { name: Some(name.parse().expect("a name")), ..Import::default() };
        self.images().import(&self.layers(), &mut &tar[..], &import, &mut |_| {}).expect("import")
    }

    pub fn save(&self, names: &[&str]) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut saved = Vec::new();
        self.images().save(&self.layers(), &names, &mut saved).expect("save");
        saved
    }
}

/// What the daemon that wrote a recorded data root said of it.
pub fn said(version: &str, driver: &str) -> serde_json::Value {
    let file = tree_file(&format!("{version}-{driver}.expect.json.zst"));
    let said = Command::new("zstd").arg("-qdc").arg(file).output().expect("zstd runs");
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
pub fn below(dir: &Path) -> Vec<String> {
    let mut listed = Vec::new();
    for name in sys::list_dir(dir).expect("list") {
        let path = dir.join(name);
        listed.push(path.display().to_string());
        if path.symlink_metadata().expect("stat").is_dir() {
            listed.extend(below(&path));
        }
    }
    listed
}

/// One entry of a tar in the making.
pub fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, b'0', "", content)
}

pub fn dir(name: &str) -> Vec<u8> {
    entry(name, b'5', "", b"")
}

pub fn link(name: &str, target: &str) -> Vec<u8> {
    entry(name, b'2', target, b"")
}

fn entry(name: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000755\x000000000\x000000000");
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

/// Entries as a whole tar.
pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// A layer of one file.
pub fn layer(name: &str) -> Vec<u8> {
    tar(&[file(name, name.as_bytes())])
}

/// A config of these layers, with more keys.
pub fn config(layers: &[Vec<u8>], more: &str) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|layer| format!("\"{}\"", base::Digest::of(layer))).collect();
    format!(r#"{{"rootfs":{{"type":"layers","diff_ids":[{}]}}{more}}}"#, ids.join(",")).into_bytes()
}

/// The entries of an archive with one image: `c.json`, `l0/layer.tar` …, `manifest.json`.
pub fn entries(config: &[u8], layers: &[Vec<u8>], tags: &str) -> Vec<Vec<u8>> {
    let names: Vec<String> = (0..layers.len()).map(|at| format!("l{at}/layer.tar")).collect();
    let listed: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let manifest = format!(r#"[{{"Config":"c.json","RepoTags":{tags},"Layers":[{}]}}]"#, listed.join(","));
    let mut entries = vec![file("c.json", config)];
    entries.extend(names.iter().zip(layers).map(|(name, layer)| file(name, layer)));
    entries.push(file("manifest.json", manifest.as_bytes()));
    entries
}

/// An archive with one image of these layers.
pub fn archive(layers: &[Vec<u8>], tags: &str) -> Vec<u8> {
    tar(&entries(&config(layers, ""), layers, tags))
}
