//! Archives from a stream, entry by entry, with every byte that is no payload.
//!
//! What an entry is, and what is an error, is Go's archive/tar's to say (Go 1.19, with which
//! dockerd 20.10.24 is built), in its words. The raw bytes are what tar-split keeps to write the
//! archive again (moby 20.10, vendor/github.com/vbatts/tar-split/archive/tar `RawBytes`).
//!
//! Nothing is allocated because a header claims a size: memory is one buffer, the extended
//! headers of one entry (each 1 MiB at most, as Go has it) and the map of a sparse file.

pub(crate) mod block;
mod input;
pub(crate) mod pax;
mod sparse;

use std::io::{self, BufRead, Read};

use self::{
    block::{BLOCK, Block},
    input::{Found, Input},
    sparse::{Holes, Next},
};
use crate::header::{
    EXTENDED, GLOBAL, GNU_LONG_LINK, GNU_LONG_NAME, GNU_SPARSE, Header, REGULAR, REGULAR_V7, is_header_only,
};

/// The most an extended header or a long name may take, as in Go.
pub(crate) const MAX_SPECIAL: i64 = 1 << 20;
/// The most all headers of one entry may take together. Go has no such limit.
const MAX_RAW: usize = 8 << 20;
/// The most [`Reader::tail`] returns at once, tar-split's chunk.
const TAIL: usize = 1 << 20;

/// Why an archive cannot be read, in Go's words.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A header that is none: bad checksum, bad number, bad extended header.
    #[error("archive/tar: invalid tar header")]
    Header,
    /// The stream ends inside a header or payload.
    #[error("unexpected EOF")]
    Truncated,
    /// Extended headers beyond all measure.
    #[error("archive/tar: header field too long")]
    TooLong,
    /// A sparse file with less data than its map says.
    #[error("archive/tar: sparse file references non-existent data")]
    MissingData,
    /// A sparse file with more data than its map says.
    #[error("archive/tar: sparse file contains unreferenced data")]
    UnreferencedData,
    /// The stream could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::Truncated => Self::new(io::ErrorKind::UnexpectedEof, error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Reads an archive from a stream.
///
/// Call [`Reader::next_entry`] until it says `None`, then [`Reader::tail`] until that does: all
/// `raw` bytes and payloads on the way, in order, are the whole stream.
#[derive(Debug)]
pub struct Reader<R> {
    input: Input<R>,
    raw: Vec<u8>,
    header: Header,
    body: Body,
    padding: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Entries,
    /// No more entries; `raw` is still to be handed out.
    Ended,
    Tail,
    Failed,
}

/// One entry of an archive.
#[derive(Debug)]
pub struct Entry<'a, R> {
    /// The bytes since the last payload: its padding, extended headers, this header. For
    /// tar-split these are one segment.
    pub raw: &'a [u8],
    /// What they say.
    pub header: &'a Header,
    /// The file's bytes; what is left of them unread is skipped by the next call.
    pub payload: Payload<'a, R>,
}

/// The bytes of one file, the holes of a sparse one as zeros.
#[derive(Debug)]
pub struct Payload<'a, R> {
    input: &'a mut Input<R>,
    body: &'a mut Body,
}

/// What is left of the current payload.
#[derive(Debug, Default)]
struct Body {
    /// Bytes in the archive.
    stored: u64,
    sparse: Option<Sparse>,
}

#[derive(Debug)]
struct Sparse {
    holes: Holes,
    at: usize,
    position: u64,
}

impl<R: Read> Reader<R> {
    /// Reads from this stream, which needs no buffer of its own.
    pub fn new(source: R) -> Self {
        Self {
            input: Input::new(source),
            raw: Vec::new(),
            header: Header::default(),
            body: Body::default(),
            padding: 0,
            state: State::Entries,
        }
    }

    /// The next entry, `None` at the end of the archive: two blocks of zeros, or the end of the
    /// stream where a header could begin.
    ///
    /// # Errors
    /// As [`ReadError`]. After an error every call is one.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_, R>>, ReadError> {
        match self.state {
            State::Entries => {}
            State::Failed => return Err(ReadError::Header),
            State::Ended | State::Tail => return Ok(None),
        }
        self.state = State::Failed;
        let found = self.advance()?;
        self.state = if found { State::Entries } else { State::Ended };
        let payload = Payload { input: &mut self.input, body: &mut self.body };
        Ok(found.then_some(Entry { raw: &self.raw, header: &self.header, payload }))
    }

    /// What follows the last entry, in pieces of at most 1 MiB; `None` at the end of the stream.
    /// The first piece is the end of the archive proper.
    ///
    /// # Errors
    /// When the stream cannot be read, or there are entries left.
    pub fn tail(&mut self) -> Result<Option<&[u8]>, ReadError> {
        match self.state {
            State::Entries | State::Failed => return Err(ReadError::Header),
            State::Ended => self.state = State::Tail,
            State::Tail => self.raw.clear(),
        }
        if self.raw.is_empty() {
            self.input.append(TAIL as u64, &mut self.raw)?;
        }
        Ok(Some(self.raw.as_slice()).filter(|bytes| !bytes.is_empty()))
    }

    /// Reads to the end of the stream.
    ///
    /// # Errors
    /// As [`Reader::next_entry`] and [`Reader::tail`].
    pub fn drain(&mut self) -> Result<(), ReadError> {
        while self.next_entry()?.is_some() {}
        while self.tail()?.is_some() {}
        Ok(())
    }

    /// The stream, at an unspecified position.
    pub fn into_source(self) -> R {
        self.input.into_source()
    }

    /// Goes to the next entry; whether there is one.
    fn advance(&mut self) -> Result<bool, ReadError> {
        self.raw.clear();
        let mut records = None;
        let (mut long_name, mut long_link) = (Vec::new(), Vec::new());
        let mut block = [0; BLOCK];
        loop {
            if !self.next_block(&mut block)? {
                return Ok(false);
            }
            let (mut header, layout) = block::parse(&block)?;
            self.set_body(&header)?;
            match header.typeflag {
                EXTENDED => records = Some(pax::parse(&self.special(&header)?)?),
                GNU_LONG_NAME => long_name = block::text(&self.special(&header)?),
                GNU_LONG_LINK => long_link = block::text(&self.special(&header)?),
                GLOBAL => {
                    let records = pax::parse(&self.special(&header)?)?;
                    self.header = global(header, records);
                    return Ok(true);
                }
                _ => {
                    pax::merge(&mut header, records.unwrap_or_default())?;
                    replace_unless_empty(&mut header.name, long_name);
                    replace_unless_empty(&mut header.linkname, long_link);
                    if header.typeflag == REGULAR_V7 {
                        header.typeflag = if header.name.ends_with(b"/") { b'5' } else { REGULAR };
                    }
                    self.set_body(&header)?;
                    self.set_holes(&mut header, &mut block, layout)?;
                    self.header = header;
                    return Ok(true);
                }
            }
        }
    }

    /// Leaves the rest of the last payload out and reads the next header block; `false` at the
    /// end of the archive.
    fn next_block(&mut self, block: &mut Block) -> Result<bool, ReadError> {
        self.input.skip(std::mem::take(&mut self.body.stored))?;
        let padding = std::mem::take(&mut self.padding);
        // unlike moby: padding that the stream's end cuts short is kept. tar-split forgets it, so
        // that dockerd loads such an archive and can never save it.
        if self.input.append(padding, &mut self.raw)? < padding {
            return Ok(false);
        }
        if self.raw.len() > MAX_RAW {
            return Err(ReadError::TooLong);
        }
        for zeros_before in [false, true] {
            match self.input.block(block)? {
                Found::End => return Ok(false),
                Found::Block => self.raw.extend_from_slice(block),
            }
            if block.iter().any(|byte| *byte != 0) {
                return if zeros_before { Err(ReadError::Header) } else { Ok(true) };
            }
        }
        Ok(false)
    }

    /// What payload follows a header.
    fn set_body(&mut self, header: &Header) -> Result<(), ReadError> {
        let stored = if is_header_only(header.typeflag) { 0 } else { header.size };
        let stored = u64::try_from(stored).map_err(|_| ReadError::Header)?;
        self.body = Body { stored, sparse: None };
        self.padding = stored.wrapping_neg() % BLOCK as u64;
        Ok(())
    }

    /// The payload of a header that describes the next one.
    fn special(&mut self, header: &Header) -> Result<Vec<u8>, ReadError> {
        if header.size > MAX_SPECIAL {
            return Err(ReadError::TooLong);
        }
        let start = self.raw.len();
        let stored = std::mem::take(&mut self.body.stored);
        if self.input.append(stored, &mut self.raw)? < stored {
            return Err(ReadError::Truncated);
        }
        Ok(self.raw[start..].to_vec())
    }

    fn set_holes(&mut self, header: &mut Header, block: &mut Block, layout: block::Layout) -> Result<(), ReadError> {
        let holes = match (header.typeflag, layout) {
            (GNU_SPARSE, block::Layout::Gnu) => Some(sparse::old_gnu(header, block, &mut self.input, &mut self.raw)?),
            (GNU_SPARSE, _) => return Err(ReadError::Header),
            _ => sparse::from_records(header, &mut self.input, &mut self.body.stored)?,
        };
        if holes.is_some() && is_header_only(header.typeflag) {
            return Err(ReadError::Header);
        }
        self.body.sparse = holes.map(|holes| {
            let at = holes.advance(0, 0);
            Sparse { holes, at, position: 0 }
        });
        Ok(())
    }
}

/// A global header as an entry: Go keeps its name and records only.
fn global(header: Header, records: pax::Records) -> Header {
    let name = match pax::value(&records, b"path") {
        b"" => header.name,
        path => path.to_vec(),
    };
    Header { name, typeflag: GLOBAL, records, ..Header::default() }
}

fn replace_unless_empty(field: &mut Vec<u8>, value: Vec<u8>) {
    if !value.is_empty() {
        *field = value;
    }
}

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

fn at_most(bytes: &[u8], count: u64) -> &[u8] {
    &bytes[..bytes.len().min(usize::try_from(count).unwrap_or(usize::MAX))]
}

impl<R: Read> BufRead for Payload<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let stored = self.body.stored;
        let wanted = match &self.body.sparse {
            None => stored,
            Some(sparse) => match sparse.holes.next(sparse.at, sparse.position) {
                Next::Data(_) if stored == 0 => return Err(ReadError::MissingData.into()),
                Next::Data(count) => count.min(stored),
                Next::Zeros(count) => return Ok(at_most(&ZEROS, count)),
                Next::End if stored > 0 => return Err(ReadError::UnreferencedData.into()),
                Next::End => return Ok(&[]),
            },
        };
        if wanted == 0 {
            return Ok(&[]);
        }
        match self.input.fill()? {
            [] => Err(ReadError::Truncated.into()),
            bytes => Ok(at_most(bytes, wanted)),
        }
    }

    fn consume(&mut self, count: usize) {
        let mut from_archive = true;
        if let Some(sparse) = &mut self.body.sparse {
            from_archive = matches!(sparse.holes.next(sparse.at, sparse.position), Next::Data(_));
            sparse.position += count as u64;
            sparse.at = sparse.holes.advance(sparse.at, sparse.position);
        }
        if from_archive {
            self.input.consume(count);
            self.body.stored = self.body.stored.saturating_sub(count as u64);
        }
    }
}

impl<R: Read> Read for Payload<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let count = there.len().min(to.len());
        to[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}
