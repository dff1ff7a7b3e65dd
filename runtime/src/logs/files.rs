//! The files of a log, as a container's shim or a dockerd rotates them: `PATH.2.gz`, `PATH.1`,
//! `PATH`. They are turned over while we read; what is open stays what it was.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use containers::{
    json_log::{self, BadEntry, Entry},
    local_log,
};
use flate2::read::MultiGzDecoder;

use crate::logging::{Form, Log};

/// How often the files may be turned over while we open them.
pub(super) const TRIES: usize = 10;

/// One of a log's files.
pub(super) struct Part {
    file: File,
    packed: bool,
    form: Form,
}

/// The entries of a file. After the end, a call looks again whether more was written.
pub(super) type Entries = Box<dyn Iterator<Item = Result<Entry, BadEntry>>>;

/// The files that are there, the oldest first; the last one is that which is written to.
pub(super) fn open(log: &Log) -> io::Result<Vec<Part>> {
    let mut last = Vec::new();
    for _ in 0..TRIES {
        let Some(current) = open_opt(&log.path)? else { return Ok(last) };
        let number = current.metadata()?.ino();
        last = older(log)?;
        last.push(Part::of(current, log.form));
        // Turned over in between, the older ones were those of another moment.
        if std::fs::metadata(&log.path).is_ok_and(|now| now.ino() == number) {
            break;
        }
    }
    Ok(last)
}

/// moby 20.10, logfile.go `openRotatedFiles`.
fn older(log: &Log) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    for number in (1..log.max_files).rev() {
        parts.extend(Part::open(log, number)?);
    }
    Ok(parts)
}

fn open_opt(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// All entries, or so many of the last ones, file by file. Of the last file always, if only what
/// is still to be written to it.
pub(super) fn entries(parts: Vec<Part>, tail: Option<u64>) -> io::Result<Vec<Entries>> {
    let mut missing = tail;
    let mut chosen = Vec::new();
    for part in parts.into_iter().rev() {
        let (entries, found) = match missing {
            None => (part.all()?, 0),
            Some(0) if !chosen.is_empty() => break,
            Some(lines) => part.last(lines)?,
        };
        missing = missing.map(|lines| lines - found);
        chosen.push(entries);
    }
    chosen.reverse();
    Ok(chosen)
}

impl Part {
    /// The log's file of this number, 0 being that which is written to. The one that is not
    /// compressed is looked for first, since it goes only when the other is whole.
    pub(super) fn open(log: &Log, number: u32) -> io::Result<Option<Self>> {
        if number == 0 {
            return Ok(open_opt(&log.path)?.map(|file| Self::of(file, log.form)));
        }
        for packed in [false, true] {
            if let Some(file) = open_opt(&log.older(number, packed))? {
                return Ok(Some(Self { file, packed, form: log.form }));
            }
        }
        Ok(None)
    }

    /// A file that is written to, from where it is.
    pub(super) fn of(file: File, form: Form) -> Self {
        Self { file, packed: false, form }
    }

    /// Another descriptor of the same open file, with the same place in it.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// All entries from where the file is.
    pub(super) fn all(self) -> io::Result<Entries> {
        let reader: Box<dyn BufRead> = match self.packed {
            true => Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(self.file)))),
            false => Box::new(BufReader::new(self.file)),
        };
        Ok(match self.form {
            Form::Json => Box::new(until_unreadable(json_log::Entries::new(reader))),
            Form::Local => Box::new(until_unreadable(local_log::Entries::new(reader))),
        })
    }

    /// The last `lines` entries, or all, and how many they are.
    fn last(mut self, lines: u64) -> io::Result<(Entries, u64)> {
        if self.form == Form::Json && !self.packed {
            let start = json_log::tail(&mut self.file, lines)?;
            let found = if start > 0 { lines } else { self.count()? };
            self.file.seek(SeekFrom::Start(start))?;
            return Ok((self.all()?, found));
        }
        // From the front only: once to count, once to read.
        let count = self.count()?;
        let skipped = usize::try_from(count.saturating_sub(lines)).unwrap_or(usize::MAX);
        Ok((Box::new(self.all()?.skip(skipped)), count.min(lines)))
    }

    /// How many entries there are. Leaves the file at its beginning.
    fn count(&mut self) -> io::Result<u64> {
        self.file.rewind()?;
        let part = Self { file: self.file.try_clone()?, packed: self.packed, form: self.form };
        let count = match (self.form, self.packed) {
            (Form::Json, false) => newlines(&mut self.file)?,
            _ => part.all()?.count() as u64,
        };
        self.file.rewind()?;
        Ok(count)
    }
}

fn newlines(file: &mut File) -> io::Result<u64> {
    let mut block = vec![0; 64 << 10];
    let mut count = 0;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(count),
            length => count += block[..length].iter().filter(|byte| **byte == b'\n').count() as u64,
        }
    }
}

/// What cannot be read once cannot be read again: the error is told, and is the end.
fn until_unreadable(
    entries: impl Iterator<Item = Result<Entry, BadEntry>>,
) -> impl Iterator<Item = Result<Entry, BadEntry>> {
    let mut over = false;
    entries.take_while(move |entry| !std::mem::replace(&mut over, matches!(entry, Err(BadEntry::Read(_)))))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use containers::json_log::{Splitter, Stream};

    use super::*;

    fn write(path: &Path, form: Form, packed: bool, lines: std::ops::Range<u32>) {
        let mut splitter = match form {
            Form::Json => Splitter::new(Stream::Stdout),
            Form::Local => Splitter::local(Stream::Stdout, String::new),
        };
        let mut bytes = Vec::new();
        lines.for_each(|line| splitter.feed(format!("{line}\n").as_bytes(), base::Time::NEVER, &mut bytes));
        if packed {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&bytes).expect("memory takes all");
            bytes = gzip.finish().expect("memory takes all");
        }
        sys::write_new(path, &bytes, 0o600).expect("a file");
    }

    fn read(form: Form, tail: Option<u64>) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a directory");
        let log = Log { form, max_files: 4, ..Log::plain(dir.path().join("l")) };
        write(&log.older(3, true), form, true, 0..3);
        write(&log.older(2, true), form, true, 3..5);
        write(&log.older(1, false), form, false, 5..6);
        // Not yet taken away by who compresses it.
        write(&log.older(1, true), form, true, 5..6);
        write(&log.path, form, false, 6..8);
        let parts = open(&log).expect("they open");
        let text =
            |entry: Result<Entry, BadEntry>| String::from_utf8_lossy(&entry.expect("whole").log).trim().to_owned();
        entries(parts, tail).expect("they can be read").into_iter().flatten().map(text).collect()
    }

    #[test]
    fn the_older_files_come_first_compressed_or_not() {
        for form in [Form::Json, Form::Local] {
            assert_eq!(read(form, None), ["0", "1", "2", "3", "4", "5", "6", "7"]);
        }
    }

    #[test]
    fn the_tail_goes_back_over_files() {
        for form in [Form::Json, Form::Local] {
            assert_eq!(read(form, Some(0)), [""; 0]);
            assert_eq!(read(form, Some(1)), ["7"]);
            assert_eq!(read(form, Some(2)), ["6", "7"]);
            assert_eq!(read(form, Some(4)), ["4", "5", "6", "7"]);
            assert_eq!(read(form, Some(99)).len(), 8);
        }
    }
}
