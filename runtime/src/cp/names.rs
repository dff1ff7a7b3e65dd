//! What the end of a path says: `dir/` and `dir/.` mean a directory, and what `.` holds without
//! its name. Pure; paths are bytes.
//!
//! moby 20.10, pkg/archive/copy.go.

use base::gopath;

/// Go's `filepath.Base`.
pub(super) fn base(path: &[u8]) -> &[u8] {
    let Some(end) = path.iter().rposition(|byte| *byte != b'/') else {
        return if path.is_empty() { b"." } else { b"/" };
    };
    gopath::split(&path[..=end]).1
}

/// Go's `filepath.Dir`.
pub(super) fn dir(path: &[u8]) -> Vec<u8> {
    let slash = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    gopath::clean(&path[..slash])
}

/// Whether the last element is `.`, or there is none.
pub(super) fn means_contents(path: &[u8]) -> bool {
    base(path) == b"."
}

/// Whether the path says that it is a directory's.
pub(super) fn means_directory(path: &[u8]) -> bool {
    path.ends_with(b"/") || means_contents(path)
}

/// A cleaned path with the `/` or `/.` that it had at its end before.
pub(super) fn with_end_of(mut cleaned: Vec<u8>, original: &[u8]) -> Vec<u8> {
    if !means_contents(&cleaned) && means_contents(original) {
        if !cleaned.ends_with(b"/") {
            cleaned.push(b'/');
        }
        cleaned.push(b'.');
    }
    if !cleaned.ends_with(b"/") && original.ends_with(b"/") {
        cleaned.push(b'/');
    }
    cleaned
}

/// The directory and the name in it; the name is `.` where the path's last one is.
pub(super) fn entry(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut cleaned = gopath::clean(path);
    if means_contents(path) {
        cleaned.extend(b"/.");
    }
    (dir(&cleaned), base(&cleaned).to_vec())
}

/// What a link leads to with the end its own path had, and the link's name if it is another.
pub(super) fn renamed(path: &[u8], mut target: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    if means_contents(path) && !means_contents(&target) {
        target.extend(b"/.");
    }
    if path.ends_with(b"/") && !target.ends_with(b"/") {
        target.push(b'/');
    }
    let name = if base(path) == base(&target) { Vec::new() } else { base(path).to_vec() };
    (target, name)
}

/// The first `old` in a name is `new` instead; an empty one stands before the first letter.
pub(super) fn replaced(name: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let found = if old.is_empty() { Some(0) } else { name.windows(old.len()).position(|window| window == old) };
    match found {
        Some(at) => [&name[..at], new, &name[at + old.len()..]].concat(),
        None => name.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_path_is_kept() {
        for (cleaned, original, kept) in [
            ("/a", "/a/.", "/a/."),
            ("/a", "a//", "/a/"),
            ("/", "/", "/"),
            ("/", "/.", "/."),
            ("/a", ".", "/a/."),
            ("/a", "/b/../a", "/a"),
        ] {
            assert_eq!(with_end_of(cleaned.into(), original.as_bytes()), kept.as_bytes(), "{original}");
        }
    }

    #[test]
    fn a_directory_and_a_name_in_it() {
        for (path, above, name) in
            [("/a/b", "/a", "b"), ("/a/b/", "/a", "b"), ("/a/b/.", "/a/b", "."), ("/", "/", "/"), ("", ".", ".")]
        {
            assert_eq!(entry(path.as_bytes()), (above.into(), name.into()), "{path}");
        }
    }

    #[test]
    fn a_link_gives_its_own_name_to_what_it_leads_to() {
        assert_eq!(renamed(b"/link", b"/data/kept".to_vec()), (b"/data/kept".to_vec(), b"link".to_vec()));
        assert_eq!(renamed(b"/link/.", b"/data".to_vec()), (b"/data/.".to_vec(), Vec::new()));
        assert_eq!(renamed(b"/x/data/", b"/data".to_vec()), (b"/data/".to_vec(), Vec::new()));
    }

    #[test]
    fn only_the_first_of_several_is_replaced() {
        assert_eq!(replaced(b"a/a", b"a", b"b"), b"b/a");
        assert_eq!(replaced(b"/x", b"", b"new"), b"new/x");
        assert_eq!(replaced(b"x", b"a", b"b"), b"x");
    }
}
