//! Headers of the archive that `docker save` writes, as Go's archive/tar writes them.
//!
//! moby 20.10, pkg/archive/archive.go `FileInfoHeader`: the mode with the file type's bits, whole
//! seconds, owner root by name. A layer of 8 GiB or more has a PAX record for its size.

use base::gopath;

const BLOCK: usize = 512;
const DIRECTORY: u32 = 0o40755;
const FILE: u32 = 0o100_644;
const SYMLINK: u32 = 0o120_777;
/// The largest number that eleven octal digits hold.
const LARGEST_OCTAL: u64 = 0o77_777_777_777;

/// What an entry is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    Directory,
    File(u64),
    Symlink(&'a str),
}

/// The blocks that stand before an entry's payload. `name` and targets are short and plain.
pub(super) fn header(name: &str, kind: Kind<'_>, seconds: u64) -> Vec<u8> {
    let (mode, flag, size, target) = match kind {
        Kind::Directory => (DIRECTORY, b'5', 0, ""),
        Kind::File(size) => (FILE, b'0', size, ""),
        Kind::Symlink(target) => (SYMLINK, b'2', 0, target),
    };
    let mut blocks = Vec::with_capacity(BLOCK);
    let mut stored = size;
    if size > LARGEST_OCTAL {
        stored = 0;
        blocks.extend(large(name, size));
    }
    blocks.extend(block(name, target, flag, [mode.into(), stored, seconds], "root"));
    blocks
}

/// The extended header with a file's size.
fn large(name: &str, size: u64) -> Vec<u8> {
    let record = record("size", &size.to_string());
    let (dir, file) = gopath::split(name.as_bytes());
    let text = String::from_utf8_lossy;
    let name = format!("{}/PaxHeaders.0/{}", text(dir), text(file));
    let name = name.trim_start_matches('/');
    let mut blocks = block(name, "", b'x', [0, record.len() as u64, 0], "");
    blocks.extend_from_slice(record.as_bytes());
    blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
    blocks
}

/// `LENGTH KEY=VALUE\n`, the length counting itself.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

/// One block in the ustar format: mode, size and time in octal, owner 0 by number.
fn block(name: &str, target: &str, flag: u8, [mode, size, seconds]: [u64; 3], owner: &str) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    put(&mut block, 0, name);
    put(&mut block, 100, &format!("{mode:07o}"));
    put(&mut block, 108, "0000000");
    put(&mut block, 116, "0000000");
    put(&mut block, 124, &format!("{size:011o}"));
    put(&mut block, 136, &format!("{seconds:011o}"));
    put(&mut block, 148, "        ");
    block[156] = flag;
    put(&mut block, 157, target);
    put(&mut block, 257, "ustar\x0000");
    put(&mut block, 265, owner);
    put(&mut block, 297, owner);
    put(&mut block, 329, "0000000");
    put(&mut block, 337, "0000000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, &format!("{sum:06o}\0 "));
    block
}

fn put(block: &mut [u8], at: usize, text: &str) {
    block[at..at + text.len()].copy_from_slice(text.as_bytes());
}
