//! A directory told as text: types, modes, owners, and what is in the files, in an order that chance does not set.
//!
//! Names of chance (ids, links) are sorted by what they hold, so that two engines' trees line up before their ids are
//! settled. Sizes stand only where the content does not; times never.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::said::in_order;

/// Text files up to this size are told whole.
const WHOLE: u64 = 256 * 1024;

/// What lies at `path` and below; an absent path is told as such.
pub(crate) fn tell(path: &Path) -> String {
    let mut page = String::new();
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => children(path, 0, &mut page),
        Ok(_) => entry(path, &name(path), 0, &mut page),
        Err(_) => page.push_str("(absent)\n"),
    }
    page
}

fn children(dir: &Path, depth: usize, page: &mut String) {
    let Ok(entries) = fs::read_dir(dir) else {
        return page.push_str("(unreadable)\n");
    };
    let mut told: Vec<(String, String)> = entries
        .flatten()
        .filter(|found| !is_scratch(dir, &name(&found.path())))
        .map(|found| {
            let mut text = String::new();
            entry(&found.path(), &name(&found.path()), depth, &mut text);
            (masked(&text), text)
        })
        .collect();
    told.sort();
    told.iter().for_each(|(_, text)| page.push_str(text));
}

/// What is nobody's work to keep: the directory the kernel makes in overlay's `work` at the first mount, and what a
/// dockerd makes at every start whether it is needed or not (an empty `distribution`, the quota's device node).
fn is_scratch(dir: &Path, name: &str) -> bool {
    let empty = || fs::read_dir(dir.join(name)).is_ok_and(|mut entries| entries.next().is_none());
    match name {
        "work" | "index" => dir.ends_with("work") && dir.parent().is_some_and(|layer| layer.join("diff").is_dir()),
        "distribution" => dir.parent().is_some_and(|image| image.ends_with("image")) && empty(),
        "backingFsBlockDev" => true,
        _ => false,
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn entry(path: &Path, name: &str, depth: usize, page: &mut String) {
    let indent = "  ".repeat(depth);
    let Ok(found) = fs::symlink_metadata(path) else {
        return;
    };
    let kind = found.file_type();
    let mode = found.permissions().mode() & 0o7777;
    // The name comes first, so that the order is that of names wherever they are no chance.
    let mut line = |what: &str| {
        writeln!(page, "{indent}{name}  {what} {mode:04o} {}:{}{}", found.uid(), found.gid(), xattrs(path))
            .expect("fits");
    };
    if kind.is_dir() {
        line("dir");
        children(path, depth + 1, page);
    } else if kind.is_symlink() {
        let target = fs::read_link(path).map(|target| target.to_string_lossy().into_owned());
        line(&format!("-> {}", target.unwrap_or_default()));
    } else if kind.is_file() {
        let (what, content) = content(path, name, found.len());
        line(&what);
        content.lines().for_each(|text| writeln!(page, "{indent}  | {text}").expect("fits"));
    } else if kind.is_char_device() || kind.is_block_device() {
        let (major, minor) = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
        line(&format!("{} {major},{minor}", if kind.is_char_device() { "char" } else { "block" }));
    } else {
        line(if kind.is_fifo() { "fifo" } else { "socket" });
    }
}

/// What a file is, and its lines if it is text.
fn content(path: &Path, name: &str, size: u64) -> (String, String) {
    let Ok(bytes) = fs::read(path) else {
        return (format!("file of {size}, unreadable"), String::new());
    };
    if name.ends_with(".gz") {
        // Every gzip has its own bytes; what counts is what was packed.
        let mut packed = Vec::new();
        return match flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut packed) {
            Ok(length) => (format!("gzip of {length}, {}", fingerprint(&packed)), String::new()),
            Err(error) => (format!("gzip, {error}"), String::new()),
        };
    }
    if name.ends_with(".json")
        && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
    {
        let end = if bytes.ends_with(b"\n") { "" } else { ", no newline" };
        return (format!("json{end}"), serde_json::to_string_pretty(&in_order(value)).expect("printable"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if size <= WHOLE && !text.contains('\0') => {
            let end = if text.ends_with('\n') || text.is_empty() { "" } else { ", no newline" };
            (format!("text{end}"), text)
        }
        Ok(text) => (format!("file of {size}, {}", fingerprint(text.as_bytes())), String::new()),
        Err(raw) => (format!("file of {size}, {}", fingerprint(raw.as_bytes())), String::new()),
    }
}

/// Sixteen digits of a digest: long enough to differ, too short to be taken for an id.
fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("fits");
        text
    })
}

/// Extended attributes that say something; the kernel's own notes in an upper directory do not.
fn xattrs(path: &Path) -> String {
    const NOTES: [&str; 5] = ["origin", "impure", "nlink", "uuid", "protattr"];
    let mut names = vec![0_u8; 4096];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names) else {
        return String::new();
    };
    let mut told: Vec<String> = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .filter(|name| !NOTES.iter().any(|note| name == &format!("trusted.overlay.{note}")))
        .map(|name| {
            let mut value = vec![0_u8; 4096];
            let length = rustix::fs::lgetxattr(path, name.as_str(), &mut value).unwrap_or(0);
            format!(" {name}={}", value[..length].escape_ascii())
        })
        .collect();
    told.sort();
    told.concat()
}

/// The text with every long word of chance blotted out, to sort by.
fn masked(text: &str) -> String {
    let long = |word: &str| {
        let chance = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || matches!(byte, b'a'..=b'f');
        matches!(word.len(), 12 | 26 | 64) && word.bytes().all(chance)
    };
    let mut blotted = String::with_capacity(text.len());
    for piece in text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        blotted.push_str(if long(word) { "#" } else { word });
        blotted.push_str(&piece[word.len()..]);
    }
    blotted
}
