//! The stream under the reader, with one buffer of fixed size.

use std::io::{self, Read};

use super::{ReadError, block::Block};

const CAPACITY: usize = 256 << 10;

/// A source and what was read ahead of it.
#[derive(Debug)]
pub(super) struct Input<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// What [`Input::block`] found.
pub(super) enum Found {
    /// A whole block.
    Block,
    /// The end of the stream, with nothing before it.
    End,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) fn into_source(self) -> R {
        self.source
    }

    /// What is there to read without waiting, after reading some if there was nothing; empty
    /// only at the end of the stream.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end {
            match self.source.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => (self.start, self.end) = (0, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Reads up to `count` bytes and appends them to `to`; fewer only at the end of the stream.
    pub(super) fn append(&mut self, mut count: u64, to: &mut Vec<u8>) -> io::Result<u64> {
        let wanted = count;
        while count > 0 {
            let there = self.fill()?;
            if there.is_empty() {
                break;
            }
            let taken = there.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            to.extend_from_slice(&there[..taken]);
            self.consume(taken);
            count -= taken as u64;
        }
        Ok(wanted - count)
    }

    /// Leaves `count` bytes out.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), ReadError> {
        while count > 0 {
            let there = self.fill()?.len();
            if there == 0 {
                return Err(ReadError::Truncated);
            }
            let taken = there.min(usize::try_from(count).unwrap_or(usize::MAX));
            self.consume(taken);
            count -= taken as u64;
        }
        Ok(())
    }

    /// Reads a block.
    pub(super) fn block(&mut self, block: &mut Block) -> Result<Found, ReadError> {
        let mut filled = 0;
        while filled < block.len() {
            let there = self.fill()?;
            if there.is_empty() {
                return if filled == 0 { Ok(Found::End) } else { Err(ReadError::Truncated) };
            }
            let taken = there.len().min(block.len() - filled);
            block[filled..filled + taken].copy_from_slice(&there[..taken]);
            self.consume(taken);
            filled += taken;
        }
        Ok(Found::Block)
    }
}
