//! Directories whose changes can be waited for, by inotify(7). Changes nothing.

use std::{
    ffi::{OsStr, OsString},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};

use crate::error::{Result, at};

/// What happened in a watched directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file has another name now, or is elsewhere: this is the one it had.
    Renamed(OsString),
    /// A file of this name was removed.
    Removed(OsString),
    /// A file of this name has come: made, or renamed to it.
    Come(OsString),
    /// A file of this name was written to.
    Written(OsString),
    /// More happened than the kernel keeps: anything may have.
    Missed,
}

/// Directories that are watched from [`Watch::add`] on.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When this user has too many already (`fs.inotify.max_user_instances`).
    pub fn new() -> Result<Self> {
        let made = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        made.map(Self).map_err(at("inotify_init", "fs.inotify.max_user_instances"))
    }

    /// Watches a directory too.
    ///
    /// # Errors
    /// When it is not there, or too much is watched already.
    pub fn add(&self, dir: &Path) -> Result<()> {
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&self.0, dir, flags).map(drop).map_err(at("inotify_add_watch", dir))
    }

    /// What happened since the last call, in order; does not wait. The descriptor is readable when
    /// there is something.
    ///
    /// # Errors
    /// As read(2).
    pub fn changes(&self) -> Result<Vec<Change>> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        let mut changes = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => changes.extend(change(event.events(), event.file_name().map(|name| name.to_bytes()))),
                Err(Errno::AGAIN) => return Ok(changes),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(at("read", "inotify")(errno)),
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn change(events: ReadFlags, name: Option<&[u8]>) -> Option<Change> {
    if events.contains(ReadFlags::QUEUE_OVERFLOW) {
        return Some(Change::Missed);
    }
    let name = OsStr::from_bytes(name?).to_owned();
    match () {
        () if events.contains(ReadFlags::MOVED_FROM) => Some(Change::Renamed(name)),
        () if events.contains(ReadFlags::DELETE) => Some(Change::Removed(name)),
        () if events.intersects(ReadFlags::MOVED_TO | ReadFlags::CREATE) => Some(Change::Come(name)),
        () if events.contains(ReadFlags::MODIFY) => Some(Change::Written(name)),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_in_a_directory_is_told_in_order() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        crate::truncate_write(path("one"), b"", 0o600).expect("a file");
        let watch = Watch::new().expect("inotify");
        watch.add(dir.path()).expect("watched");
        assert_eq!(watch.changes().expect("read"), []);
        crate::truncate_write(path("one"), b"x", 0o600).expect("written");
        crate::rename(path("one"), path("two")).expect("renamed");
        crate::remove_file(path("two")).expect("removed");
        let told = watch.changes().expect("read");
        let expected = [
            Change::Written("one".into()),
            Change::Renamed("one".into()),
            Change::Come("two".into()),
            Change::Removed("two".into()),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn only_directories_are_watched() {
        let watch = Watch::new().expect("inotify");
        assert!(watch.add(Path::new("/proc/version")).is_err());
        assert!(watch.add(Path::new("/nonexistent")).is_err());
    }
}
