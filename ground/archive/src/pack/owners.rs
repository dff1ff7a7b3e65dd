//! Names of owners, which archives have beside their numbers.

use std::{collections::HashMap, io::Read};

use sys::Dir;

/// The names of users and groups, from `/etc/passwd` and `/etc/group`.
///
/// dockerd up to 20.10 fills them in (Go's `tar.FileInfoHeader`), from 23.0 on it does not. It
/// asks the C library, we only the files: names from LDAP and such are missing in ours.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
}

impl Owners {
    /// No names, as dockers from 23.0 on write them.
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// The names a root has; files that are not there or cannot be read have none.
    pub fn of(root: &Dir) -> Self {
        Self { users: names(root, b"etc/passwd"), groups: names(root, b"etc/group") }
    }

    /// The names of the host.
    pub fn of_host() -> Self {
        Dir::open("/").map_or_else(|_| Self::default(), |root| Self::of(&root))
    }

    /// A user's name, empty when there is none.
    pub fn user(&self, uid: u32) -> &[u8] {
        self.users.get(&uid).map_or(b"", Vec::as_slice)
    }

    /// A group's name, empty when there is none.
    pub fn group(&self, gid: u32) -> &[u8] {
        self.groups.get(&gid).map_or(b"", Vec::as_slice)
    }
}

/// Lines of `NAME:…:NUMBER:…`, the first of a number counts.
fn names(root: &Dir, path: &[u8]) -> HashMap<u32, Vec<u8>> {
    const MOST: u64 = 16 << 20;
    let mut text = Vec::new();
    let read = root.open_below(path).map(|file| file.take(MOST).read_to_end(&mut text));
    let mut names = HashMap::new();
    if !matches!(read, Ok(Ok(_))) {
        return names;
    }
    for line in text.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, number) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
        if let Some(number) = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok())
            && !matches!(name.first(), None | Some(b'#' | b'+' | b'-'))
        {
            names.entry(number).or_insert_with(|| name.to_vec());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts() {
        let home = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir(home.path().join("etc"), 0o755).expect("mkdir");
        let passwd = b"# none:x:9:9::/:\nroot:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n+nis::7:7:::\nbad:x:y:\n";
        sys::write_new(home.path().join("etc/passwd"), passwd, 0o644).expect("write");
        let owners = Owners::of(&Dir::open(home.path()).expect("open"));
        assert_eq!(
            (owners.user(0), owners.user(7), owners.user(9), owners.group(0)),
            (&b"root"[..], &b""[..], &b""[..], &b""[..])
        );
    }
}
