//! Lines of the log file in, entries out: forwards, or the last few.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read, Seek, SeekFrom},
};

use base::Time;
use serde::Deserialize;

use super::Stream;

/// One entry. Entries of one stream, put together, are what was said, but for bytes that were not
/// UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The text; with its newline, unless the line goes on.
    #[serde(default, deserialize_with = "bytes")]
    pub log: Vec<u8>,
    /// Who said it.
    pub stream: Stream,
    /// `--log-opt labels` and the like.
    #[serde(default)]
    pub attrs: BTreeMap<String, String>,
    /// When it was read.
    pub time: Time,
}

fn bytes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(from).map(String::into_bytes)
}

/// Why a line is no entry.
#[derive(Debug, thiserror::Error)]
pub enum BadEntry {
    /// The log could not be read on.
    #[error("the log cannot be read")]
    Read(#[source] io::Error),
    /// The line's number since the reader began, from 1, and what is wrong with it.
    #[error("line {line} of the log is damaged")]
    Damaged {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A frame of the driver `local` that is none; where the next begins cannot be told.
    #[error("entry {0} of the log is damaged, and what follows cannot be read")]
    Frame(u64),
}

/// The entries of a log, in order. A last line without a newline is not an entry yet: whoever
/// writes it is not done, or died. A damaged line in the middle is an error, and the next call
/// goes on behind it.
#[derive(Debug)]
pub struct Entries<R> {
    from: R,
    line: Vec<u8>,
    count: u64,
}

impl<R: BufRead> Entries<R> {
    /// Reads from the beginning of a line on.
    pub fn new(from: R) -> Self {
        Self { from, line: Vec::new(), count: 0 }
    }

    /// Where it reads from.
    pub fn into_inner(self) -> R {
        self.from
    }
}

/// After the end, a call looks again whether more was written, which `logs -f` needs.
impl<R: BufRead> Iterator for Entries<R> {
    type Item = Result<Entry, BadEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.from.read_until(b'\n', &mut self.line) {
            return Some(Err(BadEntry::Read(error)));
        }
        // What is there of an unfinished line stays for the next call.
        if self.line.last() != Some(&b'\n') {
            return None;
        }
        self.count += 1;
        let entry = crate::from_json(&self.line);
        self.line.clear();
        Some(entry.map_err(|source| BadEntry::Damaged { line: self.count, source }))
    }
}

/// Moves to where the last `lines` entries begin (to the end for none), reading backwards, and
/// returns that offset. An unfinished last line counts as none.
///
/// # Errors
/// When the log cannot be read.
pub fn tail(log: &mut (impl Read + Seek), lines: u64) -> io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    let mut end = log.seek(SeekFrom::End(0))?;
    let mut newlines = 0;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        log.seek(SeekFrom::Start(start))?;
        block.resize((end - start) as usize, 0);
        log.read_exact(&mut block)?;
        for at in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at) {
            newlines += 1;
            if newlines > lines {
                return log.seek(SeekFrom::Start(start + at as u64 + 1));
            }
        }
        end = start;
    }
    log.seek(SeekFrom::Start(0))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::json_log::Splitter;

    fn log(texts: &[&str]) -> Vec<u8> {
        let (mut splitter, mut lines) = (Splitter::new(Stream::Stdout), Vec::new());
        texts.iter().for_each(|text| splitter.feed(text.as_bytes(), Time::NEVER, &mut lines));
        lines
    }

    fn texts(entries: impl Iterator<Item = Result<Entry, BadEntry>>) -> Vec<String> {
        entries
            .map(|entry| {
                entry.map_or_else(|bad| bad.to_string(), |entry| String::from_utf8_lossy(&entry.log).into_owned())
            })
            .collect()
    }

    #[test]
    fn a_torn_last_line_is_not_an_entry_until_it_is_whole() {
        let bytes = log(&["a\n", "b\n"]);
        let cut = bytes.len() - 5;
        let mut entries = Entries::new(Cursor::new(bytes[..cut].to_vec()));
        assert_eq!(texts(entries.by_ref()), ["a\n"]);
        entries.from.get_mut().extend_from_slice(&bytes[cut..]);
        assert_eq!(texts(entries), ["b\n"]);
    }

    #[test]
    fn a_damaged_line_does_not_hide_the_next() {
        let mut bytes = log(&["a\n"]);
        bytes.extend_from_slice(b"\0\0\0{\"log\":\n");
        bytes.extend_from_slice(&log(&["b\n"]));
        assert_eq!(texts(Entries::new(&bytes[..])), ["a\n", "line 2 of the log is damaged", "b\n"]);
    }

    #[test]
    fn the_tail_is_found_from_the_end() {
        let bytes = log(&["a\n", "b\n", "c\n", "torn"]);
        let mut torn = bytes.clone();
        torn.extend_from_slice(b"{\"log\":\"to");
        for (lines, expected) in [(0, &[][..]), (1, &["c\n"]), (2, &["b\n", "c\n"]), (9, &["a\n", "b\n", "c\n"])] {
            for bytes in [&bytes, &torn] {
                let mut file = Cursor::new(bytes);
                tail(&mut file, lines).expect("memory can be read");
                assert_eq!(texts(Entries::new(file)), expected);
            }
        }
    }

    #[test]
    fn the_tail_of_a_log_larger_than_a_block_is_found() {
        let many: Vec<_> = (0..9000).map(|number| format!("{number}\n")).collect();
        let bytes = log(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let mut file = Cursor::new(&bytes);
        tail(&mut file, 8000).expect("memory can be read");
        assert_eq!(texts(Entries::new(file)), many[1000..]);
    }

    proptest! {
        #[test]
        fn what_was_said_is_read_back(pieces in proptest::collection::vec(".{0,40}\n?", 0..40), long in 0..40_000usize) {
            let (mut splitter, mut lines) = (Splitter::new(Stream::Stderr), Vec::new());
            // Cuts of long lines fall among the y, never into a character.
            let said = pieces.concat() + &"y".repeat(long);
            for piece in said.as_bytes().chunks(700) {
                splitter.feed(piece, Time::NEVER, &mut lines);
            }
            splitter.finish(Time::NEVER, &mut lines);
            let entries: Vec<_> = Entries::new(&lines[..]).collect::<Result<_, _>>().expect("we read what we write");
            let fits = |entry: &Entry| entry.stream == Stream::Stderr && entry.log.len() <= crate::json_log::CHUNK;
            prop_assert!(entries.iter().all(fits));
            prop_assert_eq!(entries.into_iter().flat_map(|entry| entry.log).collect::<Vec<u8>>(), said.into_bytes());
        }
    }
}
