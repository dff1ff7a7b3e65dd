//! The container's output on its way to its log, and the log's rotation.
//!
//! moby 20.10, daemon/logger/loggerutils/logfile.go: a file that is full becomes `.1` before the
//! next entry, `.1` becomes `.2`, and what is compressed is so by a process of its own. Nothing
//! here may stop the container: what cannot be written is lost, and that is said once.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use base::Time;
use containers::json_log::{Splitter, Stream};
use flate2::{Compression, GzBuilder};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::logging::{Form, Log};

/// The open log and what has not yet become an entry.
pub(super) struct LogFile {
    log: Log,
    file: File,
    size: u64,
    splitters: [Splitter; 2],
    failing: bool,
    /// The process that compresses the last file that was full.
    compressing: Option<i32>,
}

impl LogFile {
    /// Opens the log for appending; dockerd's mode if it is made.
    pub fn open(log: &Log) -> sys::Result<Self> {
        let failed = |error| sys::Error::new("open", &log.path, error);
        if let (Form::Local, Some(dir)) = (log.form, log.path.parent()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        }
        let file = File::options().append(true).create(true).mode(0o640).open(&log.path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let splitter = |stream| match log.form {
            Form::Json => Splitter::new(stream).with_attributes(log.attributes.clone()),
            Form::Local => Splitter::local(stream, || base::hex_id(sys::random)),
        };
        let splitters = [splitter(Stream::Stdout), splitter(Stream::Stderr)];
        Ok(Self { log: log.clone(), file, size, splitters, failing: false, compressing: None })
    }

    /// Takes what one of the streams (0 stdout, 1 stderr) said.
    pub fn write(&mut self, stream: usize, bytes: &[u8]) {
        let mut entries = Vec::new();
        if let Some(splitter) = self.splitters.get_mut(stream) {
            splitter.feed(bytes, Time::now(), &mut entries);
        }
        self.append(&entries);
    }

    /// Both streams have ended.
    pub fn finish(&mut self) {
        let mut entries = Vec::new();
        self.splitters.iter_mut().for_each(|splitter| splitter.finish(Time::now(), &mut entries));
        self.append(&entries);
    }

    /// Writes entries, and turns to a new file before each that finds this one full.
    fn append(&mut self, mut entries: &[u8]) {
        let Some(most) = self.log.max_size else { return self.put(entries) };
        while !entries.is_empty() {
            if self.size >= most {
                self.rotate();
            }
            let mut fitting = self.splitters[0].first_entry(entries);
            while fitting < entries.len() && self.size + (fitting as u64) < most {
                fitting += self.splitters[0].first_entry(&entries[fitting..]);
            }
            let (now, later) = entries.split_at(fitting);
            self.put(now);
            entries = later;
        }
    }

    /// A full disk must not stop the container, and must not leave half an entry: what comes when
    /// there is room again could not be read.
    fn put(&mut self, entries: &[u8]) {
        if entries.is_empty() {
            return;
        }
        match self.file.write_all(entries) {
            Ok(()) => {
                self.failing = false;
                self.size += entries.len() as u64;
            }
            Err(error) => {
                // Unless somebody else has cut it meanwhile.
                if self.file.metadata().is_ok_and(|now| now.len() > self.size) {
                    drop(self.file.set_len(self.size));
                }
                if !std::mem::replace(&mut self.failing, true) {
                    super::eprintln_once(&format!("the container's output is being lost: {error}"));
                }
            }
        }
    }

    /// Goes on in a new file. While the last one is still being compressed, and when it cannot be
    /// done, in the old one.
    fn rotate(&mut self) {
        if self.is_compressing() {
            return;
        }
        match self.try_rotate() {
            Ok(file) => (self.file, self.size) = (file, 0),
            Err(error) => return super::eprintln_once(&format!("the log cannot be rotated: {error}")),
        }
        if self.log.compress && self.log.max_files > 1 {
            let log = &self.log;
            self.compressing = sys::process::fork_child(|| {
                sys::process::close_all_but(&[]);
                i32::from(compress(log, Time::now()).is_err())
            })
            .inspect_err(|error| super::eprintln_once(&error.to_string()))
            .ok();
        }
    }

    fn try_rotate(&self) -> io::Result<File> {
        let log = &self.log;
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        if log.max_files > 1 {
            gone(std::fs::remove_file(log.older(log.max_files - 1, log.compress)))?;
        }
        for number in (2..log.max_files).rev() {
            gone(std::fs::rename(log.older(number - 1, log.compress), log.older(number, log.compress)))?;
        }
        gone(std::fs::rename(&log.path, log.older(1, false)))?;
        File::options().append(true).create(true).mode(0o640).open(&log.path)
    }

    fn is_compressing(&mut self) -> bool {
        let pid = self.compressing.and_then(Pid::from_raw);
        // Gone already: the shim's loop has taken it.
        let running = pid.is_some_and(|pid| matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)));
        if !running {
            self.compressing = None;
        }
        running
    }
}

/// Makes `PATH.1.gz` of `PATH.1`. Whatever happens one of the two is whole: the reader takes the
/// first as long as it is there.
fn compress(log: &Log, last: Time) -> io::Result<()> {
    let (plain, packed) = (log.older(1, false), log.older(1, true));
    let done = pack(&plain, &packed, last);
    match done {
        Ok(()) => std::fs::remove_file(plain),
        Err(error) => {
            drop(std::fs::remove_file(packed));
            Err(error)
        }
    }
}

/// With the time of the last entry in gzip's header: a reader may see that it is too old.
fn pack(plain: &Path, packed: &Path, last: Time) -> io::Result<()> {
    let mut from = File::open(plain)?;
    let to = File::options().write(true).create(true).truncate(true).mode(0o640).open(packed)?;
    let extra = format!("{{\"lastTime\":\"{last}\"}}");
    let mut gzip = GzBuilder::new().extra(extra).write(to, Compression::default());
    io::copy(&mut from, &mut gzip)?;
    gzip.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    fn log(dir: &Path, files: u32) -> Log {
        Log { max_size: Some(200), max_files: files, ..Log::plain(dir.join("l")) }
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).expect("it is there").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_becomes_an_older_one_and_the_oldest_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = LogFile::open(&log(dir.path(), 3)).expect("it opens");
        // Three entries of 80 bytes or so fill one.
        (0..30).for_each(|number| file.write(0, format!("line {number:03}\n").as_bytes()));
        assert_eq!(names(dir.path()), ["l", "l.1", "l.2"]);
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).expect("it is text");
        assert!(text("l").contains("line 029"));
        assert!(text("l.1").lines().count() == 3 && text("l.2").lines().count() == 3);
        // The same at once.
        let lines: String = (0..30).map(|number| format!("more {number:03}\n")).collect();
        file.write(0, lines.as_bytes());
        assert_eq!(text("l.1").lines().count(), 3);
    }

    #[test]
    fn a_disk_that_is_full_stops_nobody() {
        let mut file = LogFile::open(&Log::plain(PathBuf::from("/dev/full"))).expect("it opens");
        file.write(0, b"lost\n");
        file.write(1, b"lost, too\n");
        file.finish();
        assert!(file.failing && file.size == 0);
    }

    #[test]
    fn what_is_compressed_is_all_there() {
        use std::io::Read as _;
        let dir = tempfile::tempdir().expect("a directory");
        let log = log(dir.path(), 3);
        sys::write_new(log.older(1, false), b"abc\n", 0o600).expect("a file");
        compress(&log, Time::NEVER).expect("it can be compressed");
        assert_eq!(names(dir.path()), ["l.1.gz"]);
        let mut gzip = flate2::read::GzDecoder::new(File::open(log.older(1, true)).expect("it is there"));
        let mut text = String::new();
        gzip.read_to_string(&mut text).expect("gzip");
        assert_eq!(text, "abc\n");
        let header = gzip.header().and_then(|header| header.extra()).expect("an extra field");
        assert_eq!(header, b"{\"lastTime\":\"0001-01-01T00:00:00Z\"}");
    }
}
