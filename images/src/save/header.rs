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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(blocks: &[u8]) -> archive::Header {
        let mut reader = archive::Reader::new(blocks);
        reader.next_entry().expect("a header").expect("an entry").header.clone()
    }

    #[test]
    fn a_layer_of_eight_gib_has_its_size_in_a_record() {
        let size = LARGEST_OCTAL + 1;
        let blocks = header("0123/layer.tar", Kind::File(size), 7);
        assert_eq!(blocks.len(), 3 * BLOCK);
        assert!(blocks.starts_with(b"0123/PaxHeaders.0/layer.tar\0"));
        let read = read(&blocks);
        assert_eq!((read.name.as_slice(), read.size, read.mtime.seconds), (&b"0123/layer.tar"[..], size as i64, 7));
        assert_eq!(header("0123/layer.tar", Kind::File(size - 1), 7).len(), BLOCK);
    }

    #[test]
    fn a_records_length_counts_itself() {
        for digits in [1, 2, 89, 90, 91, 988, 989] {
            let record = record("size", &"9".repeat(digits));
            let said: usize = record.split(' ').next().and_then(|text| text.parse().ok()).expect("a number");
            assert_eq!(said, record.len());
        }
    }

    #[test]
    fn links_and_directories_have_no_payload() {
        let link = read(&header("x/layer.tar", Kind::Symlink("../y/layer.tar"), 0));
        assert_eq!((link.typeflag, link.linkname.as_slice()), (b'2', &b"../y/layer.tar"[..]));
        assert!(read(&header("x/", Kind::Directory, 0)).is_dir());
    }
}
