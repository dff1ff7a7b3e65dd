//! `/etc/ld.so.cache`: where glibc's loader finds libraries by name.
//!
//! Known from glibc's own output (`ldconfig -p` of 2.36) and its header file dl-cache.h: magic
//! `glibc-ld.so.cache1.1`, counts, entries of 24 bytes, names. Older files hold another table of
//! entries of 12 bytes before it. Numbers are in the machine's order.

use std::collections::HashMap;

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const OLD_MAGIC: &[u8] = b"ld.so-1.7.0\0";

const HEADER: usize = 48;
const ENTRY: usize = 24;
const OLD_ENTRY: usize = 12;

/// Library names with the paths they are found at, best first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LdCache(HashMap<Vec<u8>, Vec<Vec<u8>>>);

impl LdCache {
    /// Reads the file's bytes. What cannot be read of them is left out: the standard directories
    /// are searched all the same.
    pub fn parse(file: &[u8]) -> Self {
        Self(read(file).unwrap_or_default())
    }

    /// Where a library lies; more than one path when it is there for several machines.
    pub fn paths(&self, name: &[u8]) -> &[Vec<u8>] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

fn read(file: &[u8]) -> Option<HashMap<Vec<u8>, Vec<Vec<u8>>>> {
    let cache = file.get(start(file)?..)?;
    let count = number(cache, MAGIC.len())? as usize;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for entry in cache.get(HEADER..)?.chunks_exact(ENTRY).take(count) {
        // What is built for special processors only has a number here.
        let plain = entry.get(16..24)?.iter().all(|byte| *byte == 0);
        let names = (text(cache, number(entry, 4)?), text(cache, number(entry, 8)?));
        if let ((Some(name), Some(path)), true) = (names, plain) {
            found.entry(name).or_default().push(path);
        }
    }
    Some(found)
}

/// Where the table begins that all current loaders read.
fn start(file: &[u8]) -> Option<usize> {
    if file.starts_with(MAGIC) {
        return Some(0);
    }
    let count = file.starts_with(OLD_MAGIC).then(|| number(file, OLD_MAGIC.len()))?? as usize;
    let end = count.checked_mul(OLD_ENTRY)?.checked_add(OLD_MAGIC.len() + 4)?;
    let aligned = end.checked_next_multiple_of(8)?;
    file.get(aligned..)?.starts_with(MAGIC).then_some(aligned)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes)
}

fn text(cache: &[u8], at: u32) -> Option<Vec<u8>> {
    let rest = cache.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    rest.get(..end).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache of these names, paths and processor numbers.
    fn made(libraries: &[(&str, &str, u64)]) -> Vec<u8> {
        let mut names = Vec::new();
        let names_at = HEADER + libraries.len() * ENTRY;
        let mut put = |text: &str| {
            let at = (names_at + names.len()) as u32;
            names.extend(text.bytes().chain([0]));
            at.to_ne_bytes()
        };
        let mut file = [MAGIC, &(libraries.len() as u32).to_ne_bytes()].concat();
        file.resize(HEADER, 0);
        for (name, path, processor) in libraries {
            let (name, path) = (put(name), put(path));
            file.extend([&3_u32.to_ne_bytes()[..], &name, &path, &[0; 4], &processor.to_ne_bytes()].concat());
        }
        [file, names].concat()
    }

    const LIBRARIES: [(&str, &str, u64); 3] = [
        ("libc.so.6", "/lib/fast/libc.so.6", 1 << 62),
        ("libc.so.6", "/lib/libc.so.6", 0),
        ("libm.so.6", "/usr/lib/libm.so.6", 0),
    ];

    #[test]
    fn libraries_are_found_but_for_those_of_special_processors() {
        let cache = LdCache::parse(&made(&LIBRARIES));
        assert_eq!(cache.paths(b"libc.so.6"), [b"/lib/libc.so.6".to_vec()]);
        assert_eq!(cache.paths(b"libm.so.6"), [b"/usr/lib/libm.so.6".to_vec()]);
        assert!(cache.paths(b"libz.so").is_empty());
    }

    #[test]
    fn the_table_of_old_loaders_is_stepped_over() {
        let new = made(&LIBRARIES);
        let mut file = [OLD_MAGIC, &1_u32.to_ne_bytes(), &[7; OLD_ENTRY]].concat();
        file.resize(file.len().next_multiple_of(8), 0);
        file.extend(&new);
        assert_eq!(LdCache::parse(&file), LdCache::parse(&new));
    }

    #[test]
    fn a_cache_cut_or_changed_anywhere_never_panics() {
        let whole = made(&LIBRARIES);
        for at in 0..whole.len() {
            drop(LdCache::parse(&whole[..at]));
            let mut changed = whole.clone();
            changed[at] = 0xff;
            drop(LdCache::parse(&changed));
        }
        assert_eq!(LdCache::parse(b"something else"), LdCache::default());
    }
}
