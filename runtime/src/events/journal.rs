//! The journal: a file that many processes add lines to, and the one before it.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::Event;

/// Beside the directories of running containers, whose names are ids.
pub(super) const NAME: &str = "events";
const BEFORE: &str = "events.1";

/// At this size another file is begun, in bytes: some thousands of events. dockerd keeps 256.
const FULL: u64 = 1 << 20;

/// Adds an event. A line is one write at the file's end: none is torn by another.
pub(super) fn add(exec_root: &Path, event: &Event) {
    // Nobody to be told: the exec root is not writable, or its disk is full.
    drop(try_add(exec_root, event));
}

fn try_add(exec_root: &Path, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let path = exec_root.join(NAME);
    let mut options = File::options();
    options.append(true).create(true).mode(0o600);
    let mut file = match options.open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            sys::create_dir_all(exec_root, 0o711).map_err(|error| io::Error::other(error.to_string()))?;
            options.open(&path)?
        }
        other => other?,
    };
    if file.metadata()?.len() >= FULL {
        begin_another(exec_root, &file)?;
        file = options.open(&path)?;
    }
    file.write_all(&line)
}

/// One of those who see that it is full renames it.
fn begin_another(exec_root: &Path, full: &File) -> io::Result<()> {
    let path = exec_root.join(NAME);
    let failed = |error: sys::Error| io::Error::other(error.to_string());
    let _lock = sys::wait_exclusive(full.try_clone()?, &path).map_err(failed)?;
    if same(full, &path) {
        sys::rename(&path, exec_root.join(BEFORE)).map_err(failed)?;
    }
    Ok(())
}

fn same(file: &File, path: &Path) -> bool {
    let identity = |data: std::fs::Metadata| (data.dev(), data.ino());
    let ours = file.metadata().map(identity);
    ours.is_ok_and(|ours| std::fs::metadata(path).is_ok_and(|there| identity(there) == ours))
}

/// Reads the journal from its oldest line, and later what has come since.
pub(super) struct Reader {
    exec_root: PathBuf,
    open: Option<BufReader<File>>,
    /// Comes after that.
    then: Option<File>,
    /// The beginning of a line whose end has not come.
    half: Vec<u8>,
}

impl Reader {
    pub fn new(exec_root: &Path) -> Self {
        // The newer first: whatever is renamed meanwhile, none lies between the two.
        let now = File::open(exec_root.join(NAME)).ok();
        let before = File::open(exec_root.join(BEFORE)).ok();
        let is_same = now.as_ref().is_some_and(|now| same(now, &exec_root.join(BEFORE)));
        let before = before.filter(|_| !is_same).map(BufReader::new);
        Self { exec_root: exec_root.to_owned(), open: before, then: now, half: Vec::new() }
    }

    /// The next event, if there is one by now. A line that is none is left out.
    pub fn next(&mut self) -> Option<Event> {
        loop {
            let Some(open) = &mut self.open else {
                let next = self.then.take().or_else(|| File::open(self.exec_root.join(NAME)).ok());
                self.open = Some(BufReader::new(next?));
                continue;
            };
            let read = open.read_until(b'\n', &mut self.half).unwrap_or(0);
            if read == 0 {
                if same(open.get_ref(), &self.exec_root.join(NAME)) || !self.exec_root.join(NAME).exists() {
                    return None;
                }
                // Another was begun; whoever had this one open may have added a last line meanwhile.
                if open.read_until(b'\n', &mut self.half).unwrap_or(0) == 0 {
                    self.open = None;
                    self.half.clear();
                    continue;
                }
            }
            if self.half.ends_with(b"\n")
                && let Ok(event) = serde_json::from_slice(&std::mem::take(&mut self.half))
            {
                return Some(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn event(number: usize) -> Event {
        let text = "x".repeat(200);
        Event::new("container", "start", &number.to_string(), BTreeMap::from([("image".to_owned(), text)]))
    }

    #[test]
    fn many_add_at_once_and_no_line_is_torn() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let dir = dir.path();
                scope.spawn(move || (0..200).for_each(|number| add(dir, &event(worker * 200 + number))));
            }
        });
        let mut reader = Reader::new(dir.path());
        let mut ids: Vec<usize> =
            std::iter::from_fn(|| reader.next()).map(|event| event.actor.id.parse().expect("a number")).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..800).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_renamed_while_the_older_file_is_read_is_read_too() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        add(dir.path(), &event(0));
        sys::rename(dir.path().join(NAME), dir.path().join(BEFORE)).expect("renamed");
        add(dir.path(), &event(1));
        let mut reader = Reader::new(dir.path());
        sys::rename(dir.path().join(NAME), dir.path().join(BEFORE)).expect("renamed");
        add(dir.path(), &event(2));
        let seen: Vec<String> = std::iter::from_fn(|| reader.next()).map(|event| event.actor.id).collect();
        assert_eq!(seen, ["0", "1", "2"]);
    }

    #[test]
    fn a_reader_goes_on_over_a_new_file_and_bad_lines() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        add(dir.path(), &event(0));
        let mut reader = Reader::new(dir.path());
        assert_eq!(reader.next().expect("the first").actor.id, "0");
        assert!(reader.next().is_none());
        File::options()
            .append(true)
            .open(dir.path().join(NAME))
            .and_then(|mut file| file.write_all(b"no event\n"))
            .expect("written");
        // More than one file holds, less than two.
        let many = usize::try_from(FULL / 400).expect("few");
        (1..=many).for_each(|number| add(dir.path(), &event(number)));
        let seen: Vec<usize> =
            std::iter::from_fn(|| reader.next()).map(|event| event.actor.id.parse().expect("a number")).collect();
        assert_eq!(seen, (1..=many).collect::<Vec<_>>());
        assert!(dir.path().join(BEFORE).exists(), "another was begun");
    }
}
