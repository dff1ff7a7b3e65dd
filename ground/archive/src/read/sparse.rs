//! Files with holes: GNU's own format and its three PAX formats, as Go's archive/tar reads them
//! (Go 1.19, archive/tar `readOldGNUSparseMap`, `readGNUSparsePAXHeaders`, `sparseFileReader`).
//!
//! dockerd refuses GNU's own (`unhandled tar header type 83`), but only after reading its map.

use std::io::Read;

use super::{
    MAX_RAW, ReadError,
    block::{BLOCK, Block, numeric},
    input::{Found, Input},
    pax,
};
use crate::header::Header;

/// The most a map of format 1.0 may take, which sits in the payload. Go has no limit but memory.
const MAX_MAP: u64 = 16 << 20;

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    start: i64,
    length: i64,
}

impl Stretch {
    fn end(self) -> i64 {
        self.start + self.length
    }
}

/// The holes of a file, in order; the last one may be empty and ends at the file's size.
#[derive(Debug)]
pub(super) struct Holes(Vec<Stretch>);

/// What comes next in a file with holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes from the archive.
    Data(u64),
    /// So many zeros.
    Zeros(u64),
    /// Nothing.
    End,
}

impl Holes {
    /// The holes between stretches of data. An error where Go's `validateSparseEntries` has one:
    /// stretches out of order, overlapping or beyond the size.
    fn between(data: &[Stretch], size: i64) -> Result<Self, ReadError> {
        if size < 0 {
            return Err(ReadError::Header);
        }
        let mut holes = Vec::new();
        let (mut end, mut last) = (0, 0);
        for stretch in data {
            let stop = stretch.start.checked_add(stretch.length).filter(|stop| *stop <= size);
            let Some(stop) = stop.filter(|_| stretch.length >= 0 && stretch.start >= last) else {
                return Err(ReadError::Header);
            };
            last = stop;
            if stretch.length == 0 {
                continue;
            }
            if stretch.start > end {
                holes.push(Stretch { start: end, length: stretch.start - end });
            }
            end = stop;
        }
        holes.push(Stretch { start: end, length: size - end });
        Ok(Self(holes))
    }

    /// What comes at `position`, the hole being at index `at`.
    pub(super) fn next(&self, at: usize, position: u64) -> Next {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        match self.0.get(at) {
            Some(hole) if position < hole.start => Next::Data((hole.start - position).unsigned_abs()),
            Some(hole) if position < hole.end() => Next::Zeros((hole.end() - position).unsigned_abs()),
            _ => Next::End,
        }
    }

    /// The index of the hole at or after `position`.
    pub(super) fn advance(&self, mut at: usize, position: u64) -> usize {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        while at + 1 < self.0.len() && self.0.get(at).is_some_and(|hole| position >= hole.end()) {
            at += 1;
        }
        at
    }
}

/// Reads the map that a GNU sparse header and the blocks after it hold. Sets the header's size
/// to that of the file with its holes; the extra blocks are appended to `raw`.
pub(super) fn old_gnu<R: Read>(
    header: &mut Header,
    block: &mut Block,
    input: &mut Input<R>,
    raw: &mut Vec<u8>,
) -> Result<Holes, ReadError> {
    header.size = numeric(&block[483..495])?;
    let mut data = Vec::new();
    let mut entries = 386..482;
    loop {
        for entry in block[entries.clone()].chunks_exact(24) {
            if entry[0] == 0 {
                break;
            }
            data.push(Stretch { start: numeric(&entry[..12])?, length: numeric(&entry[12..])? });
        }
        if block[entries.end] == 0 {
            return Holes::between(&data, header.size);
        }
        if raw.len() > MAX_RAW {
            return Err(ReadError::TooLong);
        }
        match input.block(block)? {
            Found::Block => raw.extend_from_slice(block),
            Found::End => return Err(ReadError::Truncated),
        }
        entries = 0..504;
    }
}

/// Reads the map of a PAX sparse file and sets the header's name and size to the file's, `None`
/// when this is no such file. A map of format 1.0 is taken from the payload, of which `stored`
/// bytes are left.
pub(super) fn from_records<R: Read>(
    header: &mut Header,
    input: &mut Input<R>,
    stored: &mut u64,
) -> Result<Option<Holes>, ReadError> {
    let value = |key: &[u8]| pax::value(&header.records, key);
    let in_payload = match (value(b"GNU.sparse.major"), value(b"GNU.sparse.minor")) {
        (b"0", b"0" | b"1") => false,
        (b"1", b"0") => true,
        (b"", b"") if !value(pax::SPARSE_MAP).is_empty() => false,
        _ => return Ok(None),
    };
    let name = value(b"GNU.sparse.name").to_vec();
    let size = match (value(b"GNU.sparse.size"), value(b"GNU.sparse.realsize")) {
        (b"", b"") => None,
        (b"", size) | (size, _) => Some(pax::decimal(size).ok_or(ReadError::Header)?),
    };
    let data = if in_payload { map_in_payload(input, stored)? } else { map_in_records(header)? };
    if !name.is_empty() {
        header.name = name;
    }
    header.size = size.unwrap_or(header.size);
    Holes::between(&data, header.size).map(Some)
}

fn map_in_records(header: &Header) -> Result<Vec<Stretch>, ReadError> {
    let count = pax::decimal(pax::value(&header.records, b"GNU.sparse.numblocks")).ok_or(ReadError::Header)?;
    let map = pax::value(&header.records, pax::SPARSE_MAP);
    let numbers: Vec<_> = map.split(|byte| *byte == b',').filter(|_| !map.is_empty()).collect();
    if i64::try_from(numbers.len()).ok() != count.checked_mul(2) {
        return Err(ReadError::Header);
    }
    let number = |text: &[u8]| pax::decimal(text).ok_or(ReadError::Header);
    numbers.chunks_exact(2).map(|pair| Ok(Stretch { start: number(pair[0])?, length: number(pair[1])? })).collect()
}

/// Lines of a number each in whole blocks at the start of the payload: how many stretches, then
/// start and length of each.
fn map_in_payload<R: Read>(input: &mut Input<R>, stored: &mut u64) -> Result<Vec<Stretch>, ReadError> {
    let mut lines = Lines { input, stored, taken: 0, block: [0; BLOCK], at: BLOCK };
    let count = lines.number()?;
    if count < 0 || count.checked_mul(2).is_none() {
        return Err(ReadError::Header);
    }
    let mut data = Vec::new();
    for _ in 0..count {
        data.push(Stretch { start: lines.number()?, length: lines.number()? });
    }
    Ok(data)
}

struct Lines<'a, R> {
    input: &'a mut Input<R>,
    stored: &'a mut u64,
    taken: u64,
    block: Block,
    at: usize,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> Result<i64, ReadError> {
        let mut line = Vec::new();
        loop {
            if self.at == BLOCK {
                self.more()?;
            }
            let byte = self.block[self.at];
            self.at += 1;
            if byte == b'\n' {
                return pax::decimal(&line).ok_or(ReadError::Header);
            }
            line.push(byte);
        }
    }

    fn more(&mut self) -> Result<(), ReadError> {
        let block = BLOCK as u64;
        if self.taken >= MAX_MAP {
            return Err(ReadError::TooLong);
        }
        if *self.stored < block {
            return Err(ReadError::Truncated);
        }
        match self.input.block(&mut self.block)? {
            Found::Block => {}
            Found::End => return Err(ReadError::Truncated),
        }
        *self.stored -= block;
        self.taken += block;
        self.at = 0;
        Ok(())
    }
}
