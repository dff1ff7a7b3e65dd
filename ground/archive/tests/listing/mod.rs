//! A tree in text, a line per file, as `golden/make.py` writes it.

use std::{
    fmt::Write,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt, fs::MetadataExt},
    path::Path,
    time::SystemTime,
};

/// The lines of a tree, sorted.
pub fn tree(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut stats = Vec::new();
    stat_all(root, &mut stats);
    for (path, stat) in &stats {
        lines.push(line(root, path, stat));
    }
    lines.sort();
    lines
}

fn stat_all(path: &Path, to: &mut Vec<(std::path::PathBuf, std::fs::Metadata)>) {
    let stat = path.symlink_metadata().expect("lstat");
    let is_dir = stat.is_dir();
    to.push((path.to_owned(), stat));
    if is_dir {
        for entry in std::fs::read_dir(path).expect("list") {
            stat_all(&entry.expect("an entry").path(), to);
        }
    }
}

fn line(root: &Path, path: &Path, stat: &std::fs::Metadata) -> String {
    let relative = path.strip_prefix(root).expect("below").as_os_str().as_bytes();
    let kind = stat.file_type();
    let letter = match () {
        () if kind.is_dir() => 'd',
        () if kind.is_symlink() => 'l',
        () if kind.is_char_device() => 'c',
        () if kind.is_block_device() => 'b',
        () if kind.is_fifo() => 'p',
        () => 'f',
    };
    let mut line = if relative.is_empty() { ".".to_owned() } else { text(relative) };
    let mut word = |arguments: std::fmt::Arguments<'_>| {
        line.push(' ');
        line.write_fmt(arguments).expect("a string takes everything");
    };
    word(format_args!("{letter} {:04o} {}:{}", stat.mode() & 0o7777, stat.uid(), stat.gid()));
    word(format_args!("{}", when(stat.mtime(), stat.mtime_nsec())));
    if matches!(letter, 'f' | 'p') {
        word(format_args!("atime={}", when(stat.atime(), stat.atime_nsec())));
    }
    match letter {
        'f' => {
            let content = std::fs::read(path).expect("read");
            word(format_args!("{}:{}", content.len(), &base::Digest::of(&content).hex()[..16]));
        }
        'l' => word(format_args!("-> {}", text(std::fs::read_link(path).expect("readlink").as_os_str().as_bytes()))),
        'c' | 'b' => {
            let device = stat.rdev();
            let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
            word(format_args!("{major}:{minor}"));
        }
        _ => {}
    }
    if letter != 'd' && stat.nlink() > 1 {
        word(format_args!("links={}", stat.nlink()));
    }
    let mut keys = sys::xattr::names(path).expect("names");
    keys.sort();
    for key in keys {
        let key = key.to_str().expect("plain keys");
        let value = sys::xattr::get(path, key).expect("value").unwrap_or_default();
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        word(format_args!("{key}={hex}"));
    }
    line
}

/// As Python's `backslashreplace` shows bytes.
fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

fn when(seconds: i64, nanos: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    match u64::try_from(seconds) {
        Ok(seconds) if seconds.abs_diff(now) < 3600 => "now".to_owned(),
        _ => format!("{seconds}.{nanos:09}"),
    }
}
