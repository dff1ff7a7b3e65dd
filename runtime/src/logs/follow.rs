//! `logs -f`: what is written to a log from now on, however often its files are turned over.
//!
//! The kernel tells of each file that is renamed, so we know the number of the one we are in: the
//! next is that of one less. moby 20.10, daemon/logger/loggerutils/follow.go; dockerd goes on with
//! the newest file, whatever lies between.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Seek as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use containers::json_log::{BadEntry, Entry};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use sys::{Change, Watch};

use super::{
    end::{End, is_record},
    files::{self, Entries, Part},
};
use crate::{home::Home, logging::Log};

/// The file of a log that is being read.
pub(super) struct Follower<'a> {
    log: &'a Log,
    watch: Watch,
    /// None while there is no such file yet.
    current: Option<Current>,
    /// How often it has been turned over: the number it has now.
    turned: u32,
    /// Older files are being renamed, and this one is next.
    turning: bool,
    record_changed: bool,
}

struct Current {
    entries: Entries,
    file: File,
}

impl<'a> Follower<'a> {
    /// Watches the log; to be done before its files are opened.
    pub fn new(log: &'a Log, container_dir: &Path) -> sys::Result<Self> {
        let watch = Watch::new()?;
        watch.add(container_dir)?;
        match log.path.parent() {
            Some(dir) if dir != container_dir && sys::exists(dir)? => watch.add(dir)?,
            _ => {}
        }
        Ok(Self { log, watch, current: None, turned: 0, turning: false, record_changed: false })
    }

    /// The log's newest file.
    pub fn path(&self) -> &Path {
        &self.log.path
    }

    /// The files that are there; the last one is the one to begin with.
    pub fn open(&mut self) -> io::Result<Vec<Part>> {
        let mut parts = Vec::new();
        for _ in 0..files::TRIES {
            (self.turned, self.turning) = (0, false);
            parts = files::open(self.log)?;
            self.take_changes()?;
            if self.turned == 0 && !self.turning {
                break;
            }
        }
        Ok(parts)
    }

    /// Begins with the last one of these files.
    pub fn begin(&mut self, entries: Entries, file: File) {
        self.current = Some(Current { entries, file });
    }

    /// The next entry, if one is there now.
    pub fn next(&mut self) -> io::Result<Option<Result<Entry, BadEntry>>> {
        loop {
            if let Some(entry) = self.current.as_mut().and_then(|current| current.entries.next()) {
                return Ok(Some(entry));
            }
            let before = self.turned;
            self.take_changes()?;
            // More may have been written to it before it was turned over, and none since.
            let read_again = self.current.is_some() && self.turned != before;
            if !read_again && !self.go_on()? {
                return Ok(None);
            }
        }
    }

    /// Waits until more may have been written, or the container has ended; whether it has.
    pub fn wait(&mut self, home: &Home, end: &mut End) -> io::Result<bool> {
        let told = {
            let mut fds = vec![PollFd::new(&self.watch, PollFlags::IN)];
            let source = end.source();
            fds.extend(source.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
            let timeout = end.timeout().and_then(|timeout| Timespec::try_from(timeout).ok());
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) => fds.get(1).is_some_and(|fd| !fd.revents().is_empty()),
                Err(Errno::INTR) => false,
                Err(errno) => return Err(errno.into()),
            }
        };
        self.take_changes()?;
        let look = told || std::mem::take(&mut self.record_changed) || end.timeout().is_some();
        Ok(look && end.has_come(home, told))
    }

    /// Takes the next file if the present one is over, or begins it anew if it was cut. Whether
    /// there may be more to read.
    fn go_on(&mut self) -> io::Result<bool> {
        if self.current.is_some() && self.turned == 0 {
            return self.begin_anew_if_cut();
        }
        let mut wanted = self.following();
        loop {
            // Its name is about to be another's.
            if self.turning && wanted > 0 {
                return Ok(false);
            }
            let part = Part::open(self.log, wanted)?;
            let before = (self.turned, self.turning);
            self.take_changes()?;
            if (self.turned, self.turning) != before {
                wanted = self.following();
                continue;
            }
            match part {
                Some(part) => {
                    let file = part.file()?;
                    self.current = Some(Current { entries: part.all()?, file });
                    self.turned = wanted;
                    return Ok(true);
                }
                // Not made yet.
                None if wanted == 0 => return Ok(false),
                // Somebody took it away.
                None => wanted -= 1,
            }
        }
    }

    /// The number of the file after the present one; the first one's, if there was none. Of those
    /// that are gone already, the next that is kept.
    fn following(&self) -> u32 {
        let next = if self.current.is_some() { self.turned.saturating_sub(1) } else { self.turned };
        // Where one file is kept there is an older one all the same.
        next.min(self.log.max_files.saturating_sub(1).max(1))
    }

    /// A dockerd that keeps one file only cuts it when it is full.
    fn begin_anew_if_cut(&mut self) -> io::Result<bool> {
        let Some(current) = &mut self.current else { return Ok(false) };
        if current.file.metadata()?.len() >= current.file.stream_position()? {
            return Ok(false);
        }
        current.file.rewind()?;
        let part = Part::of(current.file.try_clone()?, self.log.form);
        current.entries = part.all()?;
        Ok(true)
    }

    fn take_changes(&mut self) -> io::Result<()> {
        let current = self.log.path.file_name().unwrap_or_default();
        for change in self.watch.changes().map_err(io::Error::other)? {
            match change {
                Change::Renamed(name) | Change::Removed(name) if name == current => {
                    self.turned += 1;
                    self.turning = false;
                }
                Change::Renamed(name) => self.turning |= is_older(&name, current),
                Change::Come(name) => self.record_changed |= is_record(&name),
                Change::Removed(_) | Change::Written(_) => {}
                Change::Missed => self.look_again()?,
            }
        }
        Ok(())
    }

    /// What happened is not known: either we are still in the newest file, or go on with that.
    fn look_again(&mut self) -> io::Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        let number = current.file.metadata()?.ino();
        let still = std::fs::metadata(&self.log.path).is_ok_and(|now| now.ino() == number);
        (self.turned, self.turning, self.record_changed) = (u32::from(!still), false, true);
        Ok(())
    }
}

/// Whether it is `container.log.1` or the like.
fn is_older(name: &OsStr, current: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.strip_prefix(current.as_encoded_bytes()).is_some_and(|rest| rest.starts_with(b"."))
}
