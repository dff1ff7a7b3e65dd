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

#[cfg(test)]
mod tests {
    use containers::json_log::{Splitter, Stream};

    use super::*;

    /// A log, and how it is written to and turned over.
    struct Written {
        dir: tempfile::TempDir,
        log: Log,
    }

    impl Written {
        fn new(max_files: u32) -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            let log = Log { max_files, ..Log::plain(dir.path().join("l")) };
            Self { dir, log }
        }

        fn say(&self, lines: &[&str]) {
            let mut splitter = Splitter::new(Stream::Stdout);
            let mut bytes = std::fs::read(&self.log.path).unwrap_or_default();
            for line in lines {
                splitter.feed(format!("{line}\n").as_bytes(), base::Time::NEVER, &mut bytes);
            }
            // As a writer that appends: the same file, and more in it.
            let mut file = File::options().create(true).append(true).open(&self.log.path).expect("a log");
            let old = usize::try_from(file.metadata().expect("its size").len()).expect("small");
            io::Write::write_all(&mut file, &bytes[old..]).expect("written");
        }

        fn turn(&self) {
            for number in (1..self.log.max_files.saturating_sub(1)).rev() {
                let older = self.log.older(number, false);
                if older.exists() {
                    sys::rename(older, self.log.older(number + 1, false)).expect("renamed");
                }
            }
            sys::rename(&self.log.path, self.log.older(1, false)).expect("renamed");
        }

        fn follow(&self) -> Follower<'_> {
            let mut follower = Follower::new(&self.log, self.dir.path()).expect("watched");
            let mut parts = follower.open().expect("opened");
            if let Some(part) = parts.pop() {
                let file = part.file().expect("a file");
                follower.begin(part.all().expect("entries"), file);
            }
            follower
        }
    }

    fn told(follower: &mut Follower<'_>) -> String {
        let mut all = String::new();
        while let Some(entry) = follower.next().expect("it can be read") {
            all += String::from_utf8_lossy(&entry.expect("whole").log).trim();
        }
        all
    }

    #[test]
    fn each_file_is_read_to_its_end_however_many_there_were() {
        let written = Written::new(5);
        written.say(&["a"]);
        let mut follower = written.follow();
        assert_eq!(told(&mut follower), "a");
        written.say(&["b"]);
        written.turn();
        written.say(&["c"]);
        written.turn();
        written.say(&["d"]);
        written.turn();
        assert_eq!(told(&mut follower), "bcd");
        written.say(&["e"]);
        assert_eq!(told(&mut follower), "e");
    }

    #[test]
    fn of_files_that_are_gone_the_next_that_is_kept_is_read() {
        let written = Written::new(3);
        written.say(&["a"]);
        let mut follower = written.follow();
        assert_eq!(told(&mut follower), "a");
        for line in ["b", "c", "d", "e"] {
            written.turn();
            written.say(&[line]);
        }
        assert_eq!(told(&mut follower), "cde");
    }

    #[test]
    fn names_in_motion_are_waited_for() {
        let written = Written::new(5);
        written.say(&["a"]);
        let mut follower = written.follow();
        assert_eq!(told(&mut follower), "a");
        written.turn();
        written.say(&["b"]);
        written.turn();
        written.say(&["c"]);
        // The first half of the third turn: what was .1 is .2, and ours .3.
        sys::rename(written.log.older(2, false), written.log.older(3, false)).expect("renamed");
        sys::rename(written.log.older(1, false), written.log.older(2, false)).expect("renamed");
        assert_eq!(told(&mut follower), "");
        sys::rename(&written.log.path, written.log.older(1, false)).expect("renamed");
        assert_eq!(told(&mut follower), "bc");
    }

    #[test]
    fn a_log_that_comes_late_or_is_cut_is_read_from_its_beginning() {
        let written = Written::new(1);
        let mut follower = written.follow();
        assert_eq!(told(&mut follower), "");
        written.say(&["a", "b"]);
        assert_eq!(told(&mut follower), "ab");
        sys::truncate_write(&written.log.path, b"", 0o600).expect("cut");
        assert_eq!(told(&mut follower), "");
        written.say(&["c"]);
        assert_eq!(told(&mut follower), "c");
    }

    /// A line that is half there is not told, whatever happens around it.
    #[test]
    fn half_a_line_is_told_when_it_is_whole() {
        let written = Written::new(2);
        written.say(&["a"]);
        let whole = std::fs::read(&written.log.path).expect("a log");
        let (first, rest) = whole.split_at(9);
        let mut file = File::options().append(true).open(&written.log.path).expect("a log");
        let mut follower = written.follow();
        io::Write::write_all(&mut file, first).expect("written");
        assert_eq!(told(&mut follower), "a");
        io::Write::write_all(&mut file, rest).expect("written");
        written.turn();
        written.say(&["b"]);
        assert_eq!(told(&mut follower), "ab");
    }
}
