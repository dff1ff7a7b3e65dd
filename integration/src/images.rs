//! Images without a network: archives of the `docker save` shape, made here of the oracle's static busybox.
//!
//! Every byte is determined by busybox's, so an image loaded on both sides has the same id on both.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::oracle::Oracle;

/// The time all made files and images bear: 2024-01-01T00:00:00Z.
const THEN: u64 = 1_704_067_200;

/// A layer's tar in the making.
pub struct Layer(Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    /// An empty one.
    pub fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn entry(mut self, path: &str, kind: EntryType, mode: u32, owner: u64, link: &str, bytes: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(owner);
        header.set_gid(owner);
        header.set_mtime(THEN);
        header.set_size(bytes.len() as u64);
        let added = match kind {
            EntryType::Symlink | EntryType::Link => self.0.append_link(&mut header, path, link),
            _ => self.0.append_data(&mut header, path, bytes),
        };
        added.unwrap_or_else(|error| panic!("{path}: {error}"));
        self
    }

    /// A directory.
    pub fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(&format!("{path}/"), EntryType::Directory, mode, 0, "", b"")
    }

    /// A regular file of root's, 0644.
    pub fn file(self, path: &str, bytes: &[u8]) -> Self {
        self.entry(path, EntryType::Regular, 0o644, 0, "", bytes)
    }

    /// A regular file with mode and owner.
    pub fn file_as(self, path: &str, mode: u32, owner: u64, bytes: &[u8]) -> Self {
        self.entry(path, EntryType::Regular, mode, owner, "", bytes)
    }

    /// A symlink.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Symlink, 0o777, 0, target, b"")
    }

    /// A hard link to a file of the same layer.
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Link, 0o644, 0, target, b"")
    }

    /// A raw entry: what well-meaning tools do not write.
    pub fn raw(mut self, header: &Header, bytes: &[u8]) -> Self {
        self.0.append(header, bytes).expect("a vector takes everything");
        self
    }

    /// The tar's bytes.
    pub fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("a vector takes everything")
    }
}

/// The layer at the bottom of every made image: busybox with its common names, and what a root needs.
pub fn base_layer() -> &'static [u8] {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| {
        let path = Oracle::first().busybox();
        let busybox = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut layer = Layer::new();
        for dir in ["bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "var"] {
            layer = layer.dir(dir, 0o755);
        }
        layer = layer.dir("tmp", 0o1777).file_as("bin/busybox", 0o755, 0, &busybox);
        for name in APPLETS {
            layer = layer.symlink(&format!("bin/{name}"), "busybox");
        }
        layer
            .file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000:guest:/home:/bin/sh\n")
            .file("etc/group", b"root:x:0:\nguest:x:1000:\nstaff:x:50:guest\n")
            .tar()
    })
}

const APPLETS: [&str; 50] = [
    "sh", "ls", "cat", "cp", "mv", "rm", "ln", "echo", "true", "false", "sleep", "mkdir", "rmdir", "touch", "chmod",
    "chown", "id", "env", "pwd", "hostname", "mount", "umount", "grep", "sed", "awk", "sort", "head", "tail", "wc",
    "seq", "dd", "kill", "ps", "mknod", "mkfifo", "stat", "test", "readlink", "find", "yes", "printf", "setsid",
    "uname", "ip", "chroot", "date", "cut", "tr", "cmp", "sync",
];

/// `busybox:golden`: three layers. The second brings `/data` and a set of odd files; the third changes `/data/changed`,
/// whites out `/data/gone`, and makes `/data/dir` opaque. Environment, command and labels are set.
pub fn golden() -> &'static [u8] {
    static GOLDEN: OnceLock<Vec<u8>> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let config = json!({"Env": ["GREETING=hello"], "Cmd": ["sh"], "Labels": {"made": "by hand"}});
        archive(&golden_layers(), &config, &["busybox:golden"])
    })
}

/// The layers of [`golden`], the lowest first.
pub fn golden_layers() -> Vec<Vec<u8>> {
    let second = Layer::new()
        .dir("data", 0o755)
        .file("data/kept", b"kept\n")
        .file("data/changed", b"before\n")
        .file("data/gone", b"soon gone\n")
        .dir("data/dir", 0o750)
        .file("data/dir/old", b"under an opaque directory\n")
        .file_as("data/guests", 0o4755, 1000, b"#!/bin/sh\nid -u\n")
        .hard_link("data/twin", "data/kept")
        .symlink("data/link", "../data/kept")
        .tar();
    let third = Layer::new()
        .dir("data", 0o755)
        .file("data/changed", b"after\n")
        .file("data/.wh.gone", b"")
        .dir("data/dir", 0o750)
        .file("data/dir/.wh..wh..opq", b"")
        .file("data/dir/new", b"on top\n")
        .tar();
    vec![base_layer().to_vec(), second, third]
}

/// An archive as `docker save` of 20.10 writes it: configuration, layers, `manifest.json`.
pub fn archive(layers: &[Vec<u8>], config: &Value, tags: &[&str]) -> Vec<u8> {
    let (raw, id) = image_config(layers, config);
    let paths: Vec<_> = (0..layers.len()).map(|number| format!("{number}/layer.tar")).collect();
    let manifest = json!([{"Config": format!("{id}.json"), "RepoTags": tags, "Layers": paths}]);
    let mut archive = Layer::new().file(&format!("{id}.json"), &raw);
    for (path, layer) in paths.iter().zip(layers) {
        archive = archive.file(path, layer);
    }
    archive.file("manifest.json", manifest.to_string().as_bytes()).tar()
}

/// An image's configuration and its id, 64 digits.
pub fn image_config(layers: &[Vec<u8>], config: &Value) -> (Vec<u8>, String) {
    let diff_ids: Vec<_> = layers.iter().map(|layer| format!("sha256:{}", hex(layer))).collect();
    let history: Vec<_> = (0..layers.len())
        .map(|number| json!({"created": "2024-01-01T00:00:00Z", "created_by": format!("/bin/sh -c #(nop) layer {number}")}))
        .collect();
    let image = json!({
        // Tables are ordered by it, so no two made images should bear the same.
        "architecture": architecture(), "config": config, "created": format!("2024-01-{:02}T{:02}:00:00Z", 1 + layers.len() / 24, layers.len() % 24),
        "history": history, "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let raw = image.to_string().into_bytes();
    let id = hex(&raw);
    (raw, id)
}

/// A layer with one file in it, `/layers/NUMBER`.
pub fn small_layer(number: usize) -> Vec<u8> {
    Layer::new().dir("layers", 0o755).file(&format!("layers/{number}"), format!("{number}\n").as_bytes()).tar()
}

/// What is in an archive: a line for each entry, with a digest of its bytes.
pub fn listing(path: &Path) -> String {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut archive = tar::Archive::new(file);
    let line = |entry: std::io::Result<tar::Entry<'_, fs::File>>| {
        let mut entry = entry.expect("a whole tar");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a whole tar");
        let link = entry.link_name().expect("a name").map(|link| link.display().to_string()).unwrap_or_default();
        let header = entry.header();
        let owner = [header.uid(), header.gid()].map(|id| id.expect("a number"));
        // Sixteen digits: it is no chance, so it must not be taken for an id.
        let digest = if bytes.is_empty() { String::new() } else { hex(&bytes)[..16].to_owned() };
        let name = entry.path().expect("a path").display().to_string();
        let mode = header.mode().expect("a number");
        format!("{name} {:?} {mode:o} {}:{} {link} {digest}", header.entry_type(), owner[0], owner[1])
    };
    archive.entries().expect("a tar").map(line).collect::<Vec<_>>().join("\n")
}

/// The files of an archive by name; a link is the file it names, as `save` of 20.10 has them for shared layers.
pub fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in tar::Archive::new(file).entries().expect("a tar") {
        let mut entry = entry.expect("a whole tar");
        let name = entry.path().expect("a path").display().to_string();
        let bytes = match entry.link_name().expect("a name") {
            // `../ID/layer.tar`, beside its own directory
            Some(target) => files[target.display().to_string().trim_start_matches("../")].clone(),
            None => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).expect("a whole tar");
                bytes
            }
        };
        files.insert(name, bytes);
    }
    files
}

/// The SHA-256 of `bytes`, in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("fits");
        text
    })
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
