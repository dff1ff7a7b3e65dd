//! `local-logs/container.log`: what a container said, in the form of the log driver `local`.
//!
//! Frames one after another: the length of a message as four bytes, most significant first, the
//! message, its length again (for reading backwards). The message is protobuf's `LogEntry`:
//! `source`, `time_nano`, `line` without its newline, and of a long line's parts `partial` and
//! which one it is. Bytes are kept as they are.
//!
//! moby 20.10, daemon/logger/local/local.go and api/types/plugins/logdriver/entry.proto.

use std::io::Read;

use base::Time;

use crate::json_log::{BadEntry, Entry, Stream};

/// The longest message that is believed. dockerd's lines are cut at 16 KiB.
const LONGEST: usize = 4 << 20;

/// Which part of a long line it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Common to all parts.
    pub id: String,
    /// From 1.
    pub ordinal: u64,
    /// The line ends here.
    pub last: bool,
}

/// Appends one frame to `to`.
pub fn append(line: &[u8], stream: Stream, part: Option<&Part>, time: Time, to: &mut Vec<u8>) {
    let start = to.len();
    to.extend_from_slice(&[0; 4]);
    put_bytes(1, stream.as_str().as_bytes(), to);
    put_number(2, u64::try_from(time.unix_nanos()).unwrap_or_default(), to);
    put_bytes(3, line, to);
    if let Some(part) = part {
        put_number(4, 1, to);
        let mut inner = Vec::new();
        put_number(1, u64::from(part.last), &mut inner);
        put_bytes(2, part.id.as_bytes(), &mut inner);
        put_number(3, part.ordinal, &mut inner);
        put_bytes(5, &inner, to);
    }
    let length = u32::try_from(to.len() - start - 4).unwrap_or(u32::MAX).to_be_bytes();
    to[start..start + 4].copy_from_slice(&length);
    to.extend_from_slice(&length);
}

/// The length of the frame that these bytes begin with.
pub fn frame_len(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?);
    usize::try_from(length).ok()?.checked_add(8)
}

/// Nothing for zero and the empty text, as proto3 wants it.
fn put_number(field: u8, number: u64, to: &mut Vec<u8>) {
    if number != 0 {
        to.push(field << 3);
        put_varint(number, to);
    }
}

fn put_bytes(field: u8, bytes: &[u8], to: &mut Vec<u8>) {
    if !bytes.is_empty() {
        to.push(field << 3 | 2);
        put_varint(bytes.len() as u64, to);
        to.extend_from_slice(bytes);
    }
}

fn put_varint(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// The entries of a log, in order. An unfinished last frame is not an entry yet; after the end a
/// call looks again whether more was written. A damaged frame is an error and the end.
#[derive(Debug)]
pub struct Entries<R> {
    from: R,
    frame: Vec<u8>,
    count: u64,
    lost: bool,
}

impl<R: Read> Entries<R> {
    /// Reads from the beginning of a frame on.
    pub fn new(from: R) -> Self {
        Self { from, frame: Vec::new(), count: 0, lost: false }
    }

    /// Whether there are `length` bytes of the frame now.
    fn fill(&mut self, length: usize) -> std::io::Result<bool> {
        let missing = length.saturating_sub(self.frame.len());
        self.from.by_ref().take(missing as u64).read_to_end(&mut self.frame)?;
        Ok(self.frame.len() >= length)
    }

    fn frame(&mut self) -> std::io::Result<Option<Option<Entry>>> {
        if !self.fill(4)? {
            return Ok(None);
        }
        let length = frame_len(&self.frame).filter(|length| *length <= LONGEST);
        let Some(length) = length else { return Ok(Some(None)) };
        if !self.fill(length)? {
            return Ok(None);
        }
        let (head, tail) = (&self.frame[..4], &self.frame[length - 4..]);
        Ok(Some((head == tail).then(|| entry(&self.frame[4..length - 4])).flatten()))
    }
}

impl<R: Read> Iterator for Entries<R> {
    type Item = Result<Entry, BadEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.lost {
            return None;
        }
        let frame = match self.frame() {
            Ok(frame) => frame?,
            Err(error) => return Some(Err(BadEntry::Read(error))),
        };
        self.frame.clear();
        self.count += 1;
        self.lost = frame.is_none();
        Some(frame.ok_or(BadEntry::Frame(self.count)))
    }
}

/// A message as an entry, its newline put back.
fn entry(message: &[u8]) -> Option<Entry> {
    let (mut stream, mut nanos, mut log, mut goes_on) = (None, 0, Vec::new(), false);
    fields(message, |field, value| match (field, value) {
        (1, Value::Bytes(name)) => stream = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()),
        (2, Value::Number(number)) => nanos = number,
        (3, Value::Bytes(line)) => log = line.to_vec(),
        (4, Value::Number(number)) => goes_on |= number != 0,
        (5, Value::Bytes(part)) => {
            let mut last = false;
            let whole = fields(part, |field, value| {
                if let (1, Value::Number(number)) = (field, value) {
                    last = number != 0;
                }
            });
            goes_on = whole.is_some() && !last;
        }
        _ => {}
    })?;
    if !goes_on {
        log.push(b'\n');
    }
    let time = Time::from_unix_nanos(i128::from(nanos.cast_signed()));
    Some(Entry { log, stream: stream?, attrs: Default::default(), time })
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Hands a message's fields to `each`; `None` if it is none.
fn fields<'a>(mut rest: &'a [u8], mut each: impl FnMut(u64, Value<'a>)) -> Option<()> {
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut rest)?),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                rest = after;
                Value::Bytes(bytes)
            }
            _ => return None,
        };
        each(tag >> 3, value);
    }
    Some(())
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json_log::{CHUNK, Splitter};

    fn at(nanos: i128) -> Time {
        Time::from_unix_nanos(nanos)
    }

    #[test]
    fn a_frame_is_the_messages_length_on_both_sides() {
        let mut bytes = Vec::new();
        append(b"hi", Stream::Stdout, None, at(300), &mut bytes);
        assert_eq!(bytes, b"\0\0\0\x0f\x0a\x06stdout\x10\xac\x02\x1a\x02hi\0\0\0\x0f");
        assert_eq!(frame_len(&bytes), Some(bytes.len()));
    }

    #[test]
    fn parts_of_a_long_line_are_numbered_and_only_the_last_ends_it() {
        let mut splitter = Splitter::local(Stream::Stderr, || "ab".repeat(32));
        let mut bytes = Vec::new();
        splitter.feed(&[&[b'x'; CHUNK + 5][..], b"\nshort\n"].concat(), at(1), &mut bytes);
        let first = splitter.first_entry(&bytes);
        let entries: Vec<_> = Entries::new(&bytes[..]).map(|entry| entry.expect("whole").log).collect();
        assert_eq!(entries.iter().map(Vec::len).collect::<Vec<_>>(), [CHUNK, 6, 6]);
        assert!(first > CHUNK && first < CHUNK + 200);
        assert_eq!(entries[2], b"short\n");
    }

    #[test]
    fn damage_is_an_error_and_the_end() {
        let mut bytes = Vec::new();
        append(b"one", Stream::Stdout, None, at(1), &mut bytes);
        let end = bytes.len();
        append(b"two", Stream::Stdout, None, at(2), &mut bytes);
        append(b"three", Stream::Stdout, None, at(3), &mut bytes);
        let torn: Vec<_> = Entries::new(&bytes[..end + 7]).collect();
        assert_eq!(torn.len(), 1);
        bytes[end + 3] = 0xff;
        let mut entries = Entries::new(&bytes[..]);
        assert!(entries.next().is_some_and(|entry| entry.is_ok()));
        bytes[end] = 0x7f;
        let mut entries = Entries::new(&bytes[..]).skip(1);
        assert!(matches!(entries.next(), Some(Err(BadEntry::Frame(2)))));
        assert!(entries.next().is_none());
    }

    proptest! {
        #[test]
        fn what_was_said_is_read_back(said in proptest::collection::vec(any::<u8>(), 0..60_000)) {
            let (mut splitter, mut bytes) = (Splitter::local(Stream::Stdout, String::new), Vec::new());
            for piece in said.chunks(700) {
                splitter.feed(piece, at(7), &mut bytes);
            }
            splitter.finish(at(8), &mut bytes);
            let back: Vec<u8> = Entries::new(&bytes[..]).flat_map(|entry| entry.expect("we wrote it").log).collect();
            prop_assert_eq!(back, said);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Entries::new(&bytes[..]).collect::<Vec<_>>());
        }
    }
}
