//! Writing tar-split.json.gz while the archive passes by.

use std::io::{self, Write};

use base::{NameSet, gojson, gopath};
use flate2::{Compression, write::GzEncoder};

use crate::{base64, sum::Sum};

/// Why an archive's description could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The archive has two entries of one name.
    #[error("duplicates of file paths not supported")]
    Duplicate,
    /// The description could not be written.
    #[error("tar-split.json.gz could not be written")]
    Write(#[from] io::Error),
}

/// Writes the description of an archive, entry by entry.
///
/// For each entry the archive reader's raw bytes as a [`Packer::segment`], then the
/// [`Packer::file`]; at the end the tail in segments.
///
/// ```
/// let mut packer = tarsplit::Packer::new(Vec::new());
/// packer.segment(b"the header block")?;
/// packer.file(b"./hello", 5, Some(tarsplit::Sum::of(b"hello")))?;
/// packer.segment(b"padding and end")?;
/// let gz: Vec<u8> = packer.finish()?;
/// # Ok::<_, tarsplit::PackError>(())
/// ```
#[derive(Debug)]
pub struct Packer<W: Write> {
    to: GzEncoder<W>,
    line: Vec<u8>,
    position: u64,
    seen: NameSet,
}

impl<W: Write> Packer<W> {
    /// Writes to this file, in large pieces.
    pub fn new(to: W) -> Self {
        Self { to: GzEncoder::new(to, Compression::default()), line: Vec::new(), position: 0, seen: NameSet::default() }
    }

    /// Bytes of the archive that are no file's content. Without bytes nothing is written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn segment(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        if bytes.is_empty() { Ok(()) } else { self.segment_line(bytes) }
    }

    /// An entry: its name as the archive has it, the size its header says and, if that is more
    /// than 0, the sum of its content (which is nothing for a hard link that claims a size).
    ///
    /// # Errors
    /// [`PackError::Duplicate`] when the archive had that name before.
    pub fn file(&mut self, name: &[u8], size: i64, sum: Option<Sum>) -> Result<(), PackError> {
        if !self.seen.insert(&gopath::clean(name)) {
            return Err(PackError::Duplicate);
        }
        self.line.extend_from_slice(b"{\"type\":1");
        match std::str::from_utf8(name) {
            Ok("") => {}
            Ok(name) => {
                self.line.extend_from_slice(b",\"name\":");
                self.line.extend(gojson::to_vec(name).expect("a string is JSON"));
            }
            Err(_) => {
                self.line.extend_from_slice(b",\"name_raw\":\"");
                base64::encode(name, &mut self.line);
                self.line.push(b'"');
            }
        }
        if size != 0 {
            self.line.extend(format!(",\"size\":{size}").bytes());
        }
        match sum.filter(|_| size > 0) {
            Some(sum) => self.end_line(Some(&sum.bytes())),
            None => self.end_line(None),
        }
    }

    /// Ends the description; the archive has no more bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<W, PackError> {
        // dockerd 20.10 ends with an empty segment, 28.5 does not; both read either.
        self.segment_line(b"")?;
        Ok(self.to.finish()?)
    }

    fn segment_line(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.line.extend_from_slice(b"{\"type\":2");
        self.end_line(Some(bytes))
    }

    fn end_line(&mut self, payload: Option<&[u8]>) -> Result<(), PackError> {
        self.line.extend_from_slice(b",\"payload\":");
        match payload {
            None => self.line.extend_from_slice(b"null"),
            Some(bytes) => {
                self.line.push(b'"');
                base64::encode(bytes, &mut self.line);
                self.line.push(b'"');
            }
        }
        self.line.extend(format!(",\"position\":{}}}\n", self.position).bytes());
        self.position += 1;
        self.to.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }
}
