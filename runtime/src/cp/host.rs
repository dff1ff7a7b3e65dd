//! The host's end of a copy: what is copied, and what becomes of its name where it goes.
//!
//! moby 20.10, pkg/archive/copy.go, which docker's client uses; docker/cli 20.10, command/utils.go.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::FileTypeExt,
    },
    path::Path,
};

use archive::{Copying, Owners, Ownership, PackError, Picked, Unpacker};
use base::gopath;

use super::{error::ClientError, names};

/// Links followed to where something goes, before it is too many.
const MOST_LINKS: usize = 10;
/// Links followed to what is copied.
const MOST_FOLLOWED: usize = 255;

/// One end of a copy.
#[derive(Debug, Clone, Default)]
pub(super) struct End {
    /// Where it is.
    pub path: Vec<u8>,
    /// Whether anything is there.
    pub exists: bool,
    /// Whether that is a directory.
    pub is_dir: bool,
    /// The name it goes by, if that is another one.
    pub name: Vec<u8>,
}

/// A file or directory of the host, found and its directory held open, before any path means
/// something else.
#[derive(Debug)]
pub(super) struct Source {
    pub end: End,
    dir: sys::Dir,
}

impl Source {
    /// What is to be copied; it must be there.
    pub fn find(path: &[u8], follow: bool) -> Result<Self, ClientError> {
        let end = source(path, follow)?;
        let dir = sys::Dir::open(os(&names::entry(&end.path).0)).map_err(ClientError::Path)?;
        Ok(Self { end, dir })
    }

    /// moby 20.10, pkg/archive `TarResource`.
    pub fn pack(&self, out: &mut dyn Write) -> Result<(), PackError> {
        let (_, base) = names::entry(&self.end.path);
        let (picked, own) = match base.as_slice() {
            b"." | b"/" => (Picked::Itself, &b"."[..]),
            base => (Picked::Named(base), base),
        };
        let name = if self.end.name.is_empty() { own } else { &self.end.name };
        archive::pack_resource(&self.dir, picked, name, &Owners::unnamed(), out)
    }
}

/// Where on the host something goes, and the directory for it, held open likewise.
#[derive(Debug)]
pub(super) struct Target {
    pub end: End,
    dir: sys::Dir,
    shown: Vec<u8>,
    is_link: bool,
}

impl Target {
    /// The directory must be there.
    pub fn find(path: &[u8]) -> Result<Self, ClientError> {
        let end = destination(path)?;
        let shown = if end.is_dir { gopath::clean(&end.path) } else { names::entry(&end.path).0 };
        let dir = sys::Dir::open(os(&shown)).map_err(ClientError::Path)?;
        // `link/` is a directory, and docker unpacks to `link` all the same.
        let is_link = fs::symlink_metadata(os(&shown)).is_ok_and(|data| data.is_symlink());
        Ok(Self { end, dir, shown, is_link })
    }

    /// Takes files in. They are whoever copies them.
    pub fn unpacker(self) -> Unpacker {
        let is_link = self.is_link;
        Unpacker::copying(self.dir, Copying { dest: Vec::new(), root: self.shown, is_link, ownership: Ownership::Own })
    }
}

/// A name that entries begin with, and what it becomes.
pub(super) type Renaming = (Vec<u8>, Vec<u8>);

/// An absolute path that keeps its end (docker/cli, cp.go `resolveLocalPath`).
pub(super) fn absolute(path: &[u8]) -> Result<Vec<u8>, ClientError> {
    let whole = match path.first() {
        Some(b'/') => path.to_vec(),
        _ => {
            let here = std::env::current_dir().map_err(|error| sys::Error::new("getwd", ".", error))?;
            [here.as_os_str().as_bytes(), b"/", path].concat()
        }
    };
    Ok(names::with_end_of(gopath::clean(&whole), path))
}

/// Whether something may be written to a path: its directory is there, and it is no device.
pub(super) fn check_output(path: &[u8]) -> Result<(), ClientError> {
    let above = names::dir(&gopath::clean(path));
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    if fs::metadata(os(&above)).is_err_and(|error| missing(&error)) {
        return Err(ClientError::NoOutputDirectory(above));
    }
    match fs::metadata(os(path)) {
        Ok(data) if data.file_type().is_block_device() || data.file_type().is_char_device() => {
            Err(ClientError::OutputDevice(path.to_vec()))
        }
        Err(error) if !missing(&error) => Err(failed("stat", path, error)),
        _ => Ok(()),
    }
}

/// What is to be copied; it must be there.
fn source(path: &[u8], follow: bool) -> Result<End, ClientError> {
    let (place, name) = if follow {
        names::renamed(path, followed(path)?)
    } else {
        let slash = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let place = [&followed(&path[..slash])?, &b"/"[..], &path[slash..]].concat();
        let is_other = path.ends_with(b"/") && names::base(path) != names::base(&place);
        let name = if is_other { names::base(path).to_vec() } else { Vec::new() };
        (place, name)
    };
    let data = fs::symlink_metadata(os(&place)).map_err(|error| failed("lstat", &place, error))?;
    Ok(End { path: place, exists: true, is_dir: data.is_dir(), name })
}

/// Where something is copied to. Links are followed, also to what is not there yet.
fn destination(path: &[u8]) -> Result<End, ClientError> {
    let original = path;
    let mut path = path.to_vec();
    let mut links = 0;
    loop {
        match fs::symlink_metadata(os(&path)) {
            Ok(data) if data.is_symlink() => {
                if links > MOST_LINKS {
                    return Err(ClientError::Links(original.to_vec()));
                }
                links += 1;
                let target = fs::read_link(os(&path)).map_err(|error| failed("readlink", &path, error))?;
                let target = target.into_os_string().into_vec();
                let (above, _) = names::entry(&path);
                path = if target.starts_with(b"/") {
                    target
                } else {
                    gopath::clean(&[&above, &b"/"[..], &target].concat())
                };
            }
            Ok(data) => return Ok(End { path, exists: true, is_dir: data.is_dir(), name: Vec::new() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(failed("lstat", &path, error)),
        }
    }
    let (above, _) = names::entry(&path);
    let data = fs::metadata(os(&above)).map_err(|error| failed("stat", &above, error))?;
    if data.is_dir() { Ok(End { path, ..End::default() }) } else { Err(ClientError::AboveNoDirectory) }
}

/// The directory that an archive of `from` is unpacked in so that it ends up at `to`, and what its
/// first name becomes for that (moby, `PrepareArchiveCopy`).
pub(super) fn plan(from: &End, to: &End) -> Result<(Vec<u8>, Option<Renaming>), ClientError> {
    let (above, name) = names::entry(&to.path);
    match () {
        () if to.exists && to.is_dir => return Ok((to.path.clone(), None)),
        () if to.exists && from.is_dir => return Err(ClientError::DirectoryOntoFile),
        () if !to.exists && !from.is_dir && names::means_directory(&to.path) => return Err(ClientError::NoDirectory),
        () => {}
    }
    let old = if from.name.is_empty() { names::entry(&from.path).1 } else { from.name.clone() };
    Ok((above, Some((old, name))))
}

/// An absolute path with all links followed, and Go's words where that ends (Go 1.19, path/filepath
/// `walkSymlinks`).
fn followed(path: &[u8]) -> Result<Vec<u8>, ClientError> {
    let mut todo = path.to_vec();
    let mut done: Vec<u8> = Vec::new();
    let mut links = 0;
    loop {
        let start = todo.iter().position(|byte| *byte != b'/').unwrap_or(todo.len());
        let end = todo[start..].iter().position(|byte| *byte == b'/').map_or(todo.len(), |slash| start + slash);
        let (element, rest) = (&todo[start..end], &todo[end..]);
        match element {
            b"" => return Ok(gopath::clean(&[b"/", &done[..]].concat())),
            b"." => {}
            b".." => done.truncate(done.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            element => {
                let place = [&done, &b"/"[..], element].concat();
                let data = fs::symlink_metadata(os(&place)).map_err(|error| failed("lstat", &place, error))?;
                if data.is_symlink() {
                    links += 1;
                    if links > MOST_FOLLOWED {
                        return Err(ClientError::Followed);
                    }
                    let target = fs::read_link(os(&place)).map_err(|error| failed("readlink", &place, error))?;
                    let target = target.into_os_string().into_vec();
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    todo = [&target, rest].concat();
                    continue;
                }
                if !data.is_dir() && !rest.is_empty() {
                    return Err(ClientError::AboveNoDirectory);
                }
                done = place;
            }
        }
        todo = rest.to_vec();
    }
}

fn failed(call: &'static str, path: &[u8], error: io::Error) -> ClientError {
    ClientError::Path(sys::Error::new(call, os(path), error))
}

fn os(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(path: &str, exists: bool, is_dir: bool) -> End {
        End { path: path.into(), exists, is_dir, name: Vec::new() }
    }

    fn planned(from: &End, to: &End) -> Result<(String, Option<(String, String)>), String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let (dir, renaming) = plan(from, to).map_err(|error| error.to_string())?;
        Ok((text(dir), renaming.map(|(old, new)| (text(old), text(new)))))
    }

    #[test]
    fn into_a_directory_nothing_is_renamed() {
        for from in [end("/a/f", true, false), end("/a/d", true, true)] {
            assert_eq!(planned(&from, &end("/to", true, true)), Ok(("/to".to_owned(), None)));
        }
    }

    #[test]
    fn what_is_not_there_yet_gives_its_name() {
        let named = |old: &str| Ok(("/b".to_owned(), Some((old.to_owned(), "new".to_owned()))));
        assert_eq!(planned(&end("/a/f", true, false), &end("/b/new", false, false)), named("f"));
        assert_eq!(planned(&end("/a/d", true, true), &end("/b/new", false, false)), named("d"));
        assert_eq!(planned(&end("/a/d/.", true, true), &end("/b/new/", false, false)), named("."));
        let link = End { name: b"link".to_vec(), ..end("/a/f", true, false) };
        assert_eq!(planned(&link, &end("/b/new", true, false)), named("link"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let words = |from: &End, to: &End| planned(from, to).expect_err("it does not fit");
        assert_eq!(words(&end("/d", true, true), &end("/f", true, false)), "cannot copy directory");
        assert_eq!(words(&end("/f", true, false), &end("/no/", false, false)), "no such directory");
    }

    #[test]
    fn the_first_element_that_is_missing_is_named() {
        let error = source(b"/etc/no/such/file", false).expect_err("not there");
        assert_eq!(error.to_string(), "lstat /etc/no: no such file or directory");
    }
}
