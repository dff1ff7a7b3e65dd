//! A small image of two layers, as the archive that `docker save` writes.
//!
//! The first layer holds this host's programs, the second a greeting to change and a file to
//! delete. The same host gives the same bytes each time, so the image keeps its id.

use std::{io::Write, path::Path};

use base::{DiffId, Digest, gojson};
use serde_json::{Value, json};
use tar::{EntryType, Header};

use super::programs::Programs;

/// The image's name.
pub const NAME: &str = "minidock-demo:latest";

/// What the second layer says in `/srv/greeting`.
pub const GREETING: &str = "hello from the image\n";

/// All that the image was made at: dates would change its id.
const MOMENT: u64 = 1_700_000_000;
const CREATED: &str = "2023-11-14T22:13:20Z";

/// The archive, for `images.load`.
///
/// # Errors
/// Only for names that a tar cannot say.
pub fn archive(programs: &Programs) -> std::io::Result<Vec<u8>> {
    let layers = [base_layer(programs)?, greeting_layer()?];
    let diffs: Vec<_> = layers.iter().map(|layer| DiffId::new(Digest::of(layer))).collect();
    let config = json_bytes(&config(programs, &diffs));
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let layer_names: Vec<_> = diffs.iter().map(|diff| format!("{}/layer.tar", diff.hex())).collect();
    let manifest = json!([{ "Config": config_name, "RepoTags": [NAME], "Layers": layer_names }]);
    let mut archive = Tar::new();
    for ((layer, diff), name) in layers.iter().zip(&diffs).zip(&layer_names) {
        archive.dir(diff.hex(), 0o755)?;
        archive.file(name, layer, 0o644)?;
    }
    archive.file(&config_name, &config, 0o644)?;
    archive.file("manifest.json", &json_bytes(&manifest), 0o644)?;
    archive.finish()
}

fn base_layer(programs: &Programs) -> std::io::Result<Vec<u8>> {
    let mut layer = Tar::new();
    for dir in ["dev", "etc", "proc", "root", "sys"] {
        layer.dir(dir, 0o755)?;
    }
    layer.dir("tmp", 0o1777)?;
    layer.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", 0o644)?;
    layer.file("etc/group", b"root:x:0:\n", 0o644)?;
    for (path, bytes) in &programs.files {
        layer.file(path, bytes, 0o755)?;
    }
    for (path, said) in &programs.links {
        layer.symlink(path, said)?;
    }
    layer.finish()
}

fn greeting_layer() -> std::io::Result<Vec<u8>> {
    let mut layer = Tar::new();
    layer.file("srv/greeting", GREETING.as_bytes(), 0o644)?;
    layer.file("srv/old-news", b"nobody will miss this\n", 0o644)?;
    layer.finish()
}

fn config(programs: &Programs, diffs: &[DiffId]) -> Value {
    let mut env = vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()];
    if !programs.library_dirs.is_empty() {
        let dirs: Vec<_> = programs.library_dirs.iter().map(|dir| dir.to_string_lossy()).collect();
        env.push(format!("LD_LIBRARY_PATH={}", dirs.join(":")));
    }
    let history = |by: &str| json!({ "created": CREATED, "created_by": by });
    json!({
        "architecture": architecture(),
        "config": { "Env": env, "Cmd": ["/bin/sh"], "WorkingDir": "/" },
        "created": CREATED,
        "history": [history("minidock demo: programs of this host"), history("minidock demo: a greeting")],
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": diffs },
    })
}

fn json_bytes(value: &Value) -> Vec<u8> {
    gojson::to_vec(value).expect("a value with text for keys is JSON")
}

/// This machine in Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// A tar in the making; directories that a path needs are put in by themselves.
struct Tar {
    tar: tar::Builder<Vec<u8>>,
    dirs: Vec<std::path::PathBuf>,
}

impl Tar {
    fn new() -> Self {
        Self { tar: tar::Builder::new(Vec::new()), dirs: Vec::new() }
    }

    fn header(kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(MOMENT);
        header
    }

    fn parents(&mut self, path: &Path) -> std::io::Result<()> {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.dir(parent, 0o755),
            _ => Ok(()),
        }
    }

    fn dir(&mut self, path: impl AsRef<Path>, mode: u32) -> std::io::Result<()> {
        let path = path.as_ref();
        if self.dirs.iter().any(|dir| dir == path) {
            return Ok(());
        }
        self.parents(path)?;
        self.dirs.push(path.to_owned());
        let mut header = Self::header(EntryType::Directory, mode, 0);
        self.tar.append_data(&mut header, path.join(""), std::io::empty())
    }

    fn file(&mut self, path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> std::io::Result<()> {
        self.parents(path.as_ref())?;
        let mut header = Self::header(EntryType::Regular, mode, bytes.len() as u64);
        self.tar.append_data(&mut header, path, bytes)
    }

    fn symlink(&mut self, path: impl AsRef<Path>, said: &Path) -> std::io::Result<()> {
        self.parents(path.as_ref())?;
        let mut header = Self::header(EntryType::Symlink, 0o777, 0);
        self.tar.append_link(&mut header, path, said)
    }

    fn finish(self) -> std::io::Result<Vec<u8>> {
        let mut bytes = self.tar.into_inner()?;
        bytes.flush()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn programs() -> Programs {
        Programs {
            described: "a test".into(),
            files: [("bin/sh".into(), b"shell".to_vec()), ("lib64/ld.so".into(), b"loader".to_vec())].into(),
            links: [("bin/cat".into(), "sh".into())].into(),
            library_dirs: vec!["/lib/x".into(), "/opt/y".into()],
        }
    }

    fn unpacked(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut tar = tar::Archive::new(archive);
        let entries = tar.entries().expect("a tar");
        let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.expect("an entry");
            let name = entry.path().expect("a path").display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("contents");
            (name, bytes)
        };
        entries.map(read).collect()
    }

    fn named<'a>(entries: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
        &entries.iter().find(|entry| entry.0 == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    #[test]
    fn the_archive_is_one_that_docker_loads() {
        let entries = unpacked(&archive(&programs()).expect("made"));
        let manifest: Value = serde_json::from_slice(named(&entries, "manifest.json")).expect("JSON");
        assert_eq!(manifest[0]["RepoTags"], json!([NAME]));
        let config_name = manifest[0]["Config"].as_str().expect("a name");
        let config = named(&entries, config_name);
        assert_eq!(config_name, format!("{}.json", Digest::of(config).hex()));
        let config: Value = serde_json::from_slice(config).expect("JSON");
        let layers = manifest[0]["Layers"].as_array().expect("layers");
        assert_eq!(layers.len(), 2);
        for (layer, diff) in layers.iter().zip(config["rootfs"]["diff_ids"].as_array().expect("digests")) {
            let bytes = named(&entries, layer.as_str().expect("a name"));
            assert_eq!(diff.as_str(), Some(&*Digest::of(bytes).to_string()));
        }
        assert_eq!(config["config"]["Env"][1], "LD_LIBRARY_PATH=/lib/x:/opt/y");
    }

    #[test]
    fn the_first_layer_has_the_programs_below_their_directories() {
        let names: Vec<_> =
            unpacked(&base_layer(&programs()).expect("made")).into_iter().map(|entry| entry.0).collect();
        let at = |name: &str| names.iter().position(|found| found == name).unwrap_or_else(|| panic!("no {name}"));
        assert!(at("bin/") < at("bin/sh") && at("bin/sh") < at("bin/cat") && at("lib64/") < at("lib64/ld.so"));
        assert_eq!(names.iter().filter(|name| *name == "bin/").count(), 1);
    }

    #[test]
    fn the_same_programs_make_the_same_image() {
        assert_eq!(archive(&programs()).expect("made"), archive(&programs()).expect("made"));
    }
}
