//! Reading tar-split.json.gz, line by line.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use base::{NameSet, gopath};
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use crate::base64;

/// The longest line we take. dockerd's longest are segments of 1 MiB, and headers of as much.
const MAX_LINE: u64 = 64 << 20;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Bytes of the archive that are no file's content.
    Segment(Vec<u8>),
    /// Where an entry's content was.
    File {
        /// Its name, verbatim.
        name: Vec<u8>,
        /// Its size as the header said; 0 when there was no content.
        size: i64,
        /// The CRC-64 of the content, empty when there was none.
        sum: Vec<u8>,
    },
}

/// Why tar-split.json.gz cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The stream could not be read or inflated.
    #[error("tar-split.json.gz could not be read")]
    Read(#[from] io::Error),
    /// A line is no entry.
    #[error("line {line} of tar-split.json.gz is no entry")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it, if it is its JSON.
        source: Option<serde_json::Error>,
    },
    /// Two files of one name, which no archive of dockerd's has.
    #[error("duplicates of file paths not supported")]
    Duplicate,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name_raw: Option<Cow<'a, str>>,
    #[serde(default)]
    size: Option<i64>,
    #[serde(borrow, default)]
    payload: Option<Cow<'a, str>>,
}

/// The entries of a description, in order. Holds one line at a time.
pub struct Entries<R> {
    lines: BufReader<MultiGzDecoder<BufReader<R>>>,
    line: Vec<u8>,
    number: u64,
    seen: NameSet,
}

impl<R> std::fmt::Debug for Entries<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").field("line", &self.number).finish_non_exhaustive()
    }
}

impl<R: Read> Entries<R> {
    /// Reads this file.
    pub fn new(gz: R) -> Self {
        let inflated = MultiGzDecoder::new(BufReader::with_capacity(32 << 10, gz));
        let lines = BufReader::with_capacity(64 << 10, inflated);
        Self { lines, line: Vec::new(), number: 0, seen: NameSet::default() }
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, EntryError> {
        loop {
            self.line.clear();
            self.number += 1;
            let read = (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                return self.entry().map(Some);
            }
        }
    }

    fn entry(&mut self) -> Result<Entry, EntryError> {
        let number = self.number;
        let bad = |source| EntryError::Line { line: number, source };
        let line: Line<'_> = serde_json::from_slice(&self.line).map_err(|error| bad(Some(error)))?;
        let bytes = |text: Option<Cow<'_, str>>| {
            base64::decode(text.as_deref().unwrap_or_default().as_bytes()).ok_or_else(|| bad(None))
        };
        let payload = bytes(line.payload)?;
        match line.kind {
            1 => {
                let raw = bytes(line.name_raw)?;
                let name = if raw.is_empty() { line.name.unwrap_or_default().into_owned().into_bytes() } else { raw };
                if !self.seen.insert(&gopath::clean(&name)) {
                    return Err(EntryError::Duplicate);
                }
                Ok(Entry::File { name, size: line.size.unwrap_or(0), sum: payload })
            }
            2 => Ok(Entry::Segment(payload)),
            _ => Err(bad(None)),
        }
    }
}

impl<R: Read> Iterator for Entries<R> {
    type Item = Result<Entry, EntryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().transpose()
    }
}
