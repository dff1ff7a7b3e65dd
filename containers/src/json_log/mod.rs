//! `<id>-json.log`: what a container said, one JSON object per line.
//!
//! `{"log":"hello\n","stream":"stdout","time":"2026-11-22T06:51:07.16660869Z"}`: the text has its
//! own newline; one without goes on in the stream's next entry (a line of more than 16 KiB, or
//! the last words before the end). Bytes that are not UTF-8 are lost: each becomes U+FFFD.
//!
//! moby 20.10, daemon/logger/copier.go and jsonfilelog/jsonlog/jsonlogbytes.go.

mod reader;
mod writer;

use std::{fmt, str::FromStr};

use serde::Deserialize;

pub use self::{
    reader::{BadEntry, Entries, Entry, tail},
    writer::{CHUNK, Splitter, append},
};

/// Which of the two streams said it. With a terminal there is only [`Stream::Stdout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is neither `stdout` nor `stderr`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a stream")]
pub struct BadStream(pub String);

impl FromStr for Stream {
    type Err = BadStream;

    fn from_str(text: &str) -> Result<Self, BadStream> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            _ => Err(BadStream(text.to_owned())),
        }
    }
}
