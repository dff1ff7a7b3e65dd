//! The container's output on its way to `<id>-json.log`.

use std::{fs::File, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use base::Time;
use containers::json_log::{Splitter, Stream};

/// The open log and what has not yet become a line.
pub(super) struct LogFile {
    file: File,
    splitters: [Splitter; 2],
    failing: bool,
}

impl LogFile {
    /// Opens the log for appending; dockerd's mode if it is made.
    pub fn open(path: &Path) -> sys::Result<Self> {
        let file = File::options().append(true).create(true).mode(0o640).open(path);
        let file = file.map_err(|error| sys::Error::new("open", path, error))?;
        let splitters = [Splitter::new(Stream::Stdout), Splitter::new(Stream::Stderr)];
        Ok(Self { file, splitters, failing: false })
    }

    /// Takes what one of the streams (0 stdout, 1 stderr) said.
    pub fn write(&mut self, stream: usize, bytes: &[u8]) {
        let mut lines = Vec::new();
        if let Some(splitter) = self.splitters.get_mut(stream) {
            splitter.feed(bytes, Time::now(), &mut lines);
        }
        self.append(&lines);
    }

    /// Both streams have ended.
    pub fn finish(&mut self) {
        let mut lines = Vec::new();
        self.splitters.iter_mut().for_each(|splitter| splitter.finish(Time::now(), &mut lines));
        self.append(&lines);
    }

    /// A full disk must not stop the container: what cannot be written is lost, and that said once.
    fn append(&mut self, lines: &[u8]) {
        match self.file.write_all(lines) {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                super::eprintln_once(&format!("the container's output is being lost: {error}"));
            }
            Err(_) => {}
        }
    }
}
