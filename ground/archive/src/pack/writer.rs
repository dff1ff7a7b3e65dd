//! Archives onto a stream, byte for byte as Go's archive/tar writes them (Go 1.19, writer.go,
//! `allowedFormats`): the ustar format where it can say everything, else PAX.

use std::io::{self, BufRead, Write};

use base::gopath;

use crate::{
    header::{EXTENDED, Header, Moment, is_header_only},
    read::{
        MAX_SPECIAL,
        block::{BLOCK, Block, checksums},
        pax::is_text_field,
    },
};

const NAME: usize = 100;
const PREFIX: usize = 155;

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The stream takes no more.
    #[error("the archive could not be written")]
    Write(#[source] io::Error),
    /// The file could not be read.
    #[error("{} could not be read", gopath::quote(.name))]
    Read {
        /// The entry's name.
        name: Vec<u8>,
        /// What reading it said.
        source: io::Error,
    },
    /// A file became shorter while it was read.
    #[error("{} became shorter while it was read", gopath::quote(.0))]
    Short(Vec<u8>),
    /// A header that no format can say.
    #[error("archive/tar: cannot encode header of {}", gopath::quote(.0))]
    Header(Vec<u8>),
}

/// Writes an archive to a stream.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Writes to this stream, mostly in large pieces but for headers.
    pub fn new(to: W) -> Self {
        Self { to }
    }

    /// Writes an entry. Of the payload, exactly as many bytes as the header's size says are
    /// read, none for links and the like. Names, numbers and times that ustar cannot hold, and
    /// extended attributes, go into a PAX header; access times are not written.
    ///
    /// # Errors
    /// As [`WriteError`].
    pub fn entry(&mut self, header: &Header, payload: &mut dyn BufRead) -> Result<(), WriteError> {
        let plan = Plan::of(header);
        if plan.is_ustar {
            self.put(&ustar_block(header))?;
        } else {
            self.extended(header, &plan.records)?;
            self.put(&finished(template(header, |text| text.iter().copied().filter(u8::is_ascii).collect())))?;
        }
        let size = if is_header_only(header.typeflag) { 0 } else { u64::try_from(header.size).unwrap_or(0) };
        self.payload(&header.name, size, payload)
    }

    /// Ends the archive and gives the stream back.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.put(&[0; 2 * BLOCK])?;
        Ok(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.to.write_all(bytes).map_err(WriteError::Write)
    }

    fn payload(&mut self, name: &[u8], size: u64, payload: &mut dyn BufRead) -> Result<(), WriteError> {
        let mut left = size;
        while left > 0 {
            let bytes = payload.fill_buf().map_err(|source| WriteError::Read { name: name.to_vec(), source })?;
            if bytes.is_empty() {
                return Err(WriteError::Short(name.to_vec()));
            }
            let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.to.write_all(&bytes[..count]).map_err(WriteError::Write)?;
            payload.consume(count);
            left -= count as u64;
        }
        let padding = size.wrapping_neg() % BLOCK as u64;
        self.put(&[0; BLOCK][..usize::try_from(padding).expect("less than a block")])
    }

    /// Writes the PAX header of an entry.
    fn extended(&mut self, header: &Header, records: &[(Vec<u8>, Vec<u8>)]) -> Result<(), WriteError> {
        let bad = || WriteError::Header(header.name.clone());
        if records.is_empty() {
            return Ok(());
        }
        let mut payload = Vec::new();
        for (key, value) in records {
            record(key, value, &mut payload).ok_or_else(bad)?;
        }
        if payload.len() as u64 > MAX_SPECIAL.unsigned_abs() {
            return Err(bad());
        }
        let mut block = [0; BLOCK];
        put_text(&mut block[..NAME], &extended_name(&header.name));
        block[156] = EXTENDED;
        for (range, number) in [(100..108, 0), (108..116, 0), (116..124, 0), (136..148, 0)] {
            put_octal(&mut block[range], number);
        }
        put_octal(&mut block[124..136], payload.len() as i64);
        self.put(&finished(block))?;
        self.payload(&header.name, payload.len() as u64, &mut payload.as_slice())
    }
}

/// How a header is written.
struct Plan {
    is_ustar: bool,
    /// What ustar cannot hold, sorted by key.
    records: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Plan {
    fn of(header: &Header) -> Self {
        let mut plan = Self { is_ustar: true, records: Vec::new() };
        let text = |plan: &mut Self, key: &str, text: &[u8], width: usize| {
            if text.len() > width || !text.is_ascii() {
                plan.records.push((key.into(), text.to_vec()));
                plan.is_ustar &= key == "path" && split(text).is_some();
            }
        };
        text(&mut plan, "gname", &header.gname, 32);
        text(&mut plan, "linkpath", &header.linkname, NAME);
        text(&mut plan, "path", &header.name, NAME);
        text(&mut plan, "uname", &header.uname, 32);
        for (key, number, width) in [("gid", header.gid, 8), ("size", header.size, 12), ("uid", header.uid, 8)] {
            if !fits_octal(width, number) {
                plan.needs(key.as_bytes(), number.to_string().into_bytes());
            }
        }
        if !header.mtime.is_never() && (!fits_octal(12, header.mtime.seconds) || header.mtime.nanos != 0) {
            plan.needs(b"mtime", decimal_time(header.mtime));
        }
        for (key, value) in &header.xattrs {
            plan.needs(&[b"SCHILY.xattr.", key.as_slice()].concat(), value.clone());
        }
        plan.records.sort();
        plan
    }

    fn needs(&mut self, key: &[u8], value: Vec<u8>) {
        self.is_ustar = false;
        self.records.push((key.to_vec(), value));
    }
}

/// Seconds since 1970 with as many digits of a fraction as needed.
fn decimal_time(time: Moment) -> Vec<u8> {
    if time.nanos == 0 {
        return time.seconds.to_string().into_bytes();
    }
    let (sign, seconds, nanos) = match time.seconds {
        seconds @ ..0 => ("-", (seconds + 1).unsigned_abs(), 1_000_000_000 - time.nanos),
        seconds => ("", seconds.unsigned_abs(), time.nanos),
    };
    format!("{sign}{seconds}.{nanos:09}").trim_end_matches('0').to_owned().into_bytes()
}

/// Appends `LENGTH KEY=VALUE\n`, the length with all digits; `None` for what is no record.
fn record(key: &[u8], value: &[u8], to: &mut Vec<u8>) -> Option<()> {
    let checked = if is_text_field(key) { value } else { key };
    if key.is_empty() || key.contains(&b'=') || checked.contains(&0) {
        return None;
    }
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() != rest.to_string().len() {
        length = rest + length.to_string().len();
    }
    to.extend(length.to_string().bytes());
    to.extend_from_slice(&[b" ", key, b"=", value, b"\n"].concat());
    Some(())
}

/// `dir/PaxHeaders.0/file`, cut to what the field holds.
fn extended_name(name: &[u8]) -> Vec<u8> {
    let file = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let joined = gopath::clean(&[&name[..file], b"PaxHeaders.0/", &name[file..]].concat());
    let mut plain: Vec<u8> = joined.into_iter().filter(u8::is_ascii).take(NAME).collect();
    while plain.last() == Some(&b'/') {
        plain.pop();
    }
    plain
}

fn ustar_block(header: &Header) -> Block {
    let Some((prefix, suffix)) = split(&header.name) else {
        return finished(template(header, <[u8]>::to_vec));
    };
    let mut block = template(header, <[u8]>::to_vec);
    block[..NAME].fill(0);
    put_text(&mut block[..NAME], suffix);
    put_text(&mut block[345..500], prefix);
    finished(block)
}

/// The fields all formats share; what does not fit is cut, or 0.
fn template(header: &Header, plain: impl Fn(&[u8]) -> Vec<u8>) -> Block {
    let mut block = [0; BLOCK];
    block[156] = header.typeflag;
    for (range, text) in
        [(0..NAME, &header.name), (157..257, &header.linkname), (265..297, &header.uname), (297..329, &header.gname)]
    {
        put_text(&mut block[range], &plain(text));
    }
    let mtime = if header.mtime.is_never() { 0 } else { header.mtime.seconds };
    for (range, number) in [
        (100..108, header.mode),
        (108..116, header.uid),
        (116..124, header.gid),
        (124..136, header.size),
        (136..148, mtime),
        (329..337, header.devmajor),
        (337..345, header.devminor),
    ] {
        put_octal(&mut block[range], number);
    }
    block
}

/// The block with ustar's magic and the checksum.
fn finished(mut block: Block) -> Block {
    block[257..265].copy_from_slice(b"ustar\x0000");
    let (sum, _) = checksums(&block);
    put_octal(&mut block[148..155], sum);
    block[155] = b' ';
    block
}

/// A name longer than its field, in the two parts ustar has; `None` for a short one, or where no
/// slash is in the right place.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME || !name.is_ascii() {
        return None;
    }
    let searched = match name.len() {
        length if length > PREFIX + 1 => PREFIX + 1,
        length if name.ends_with(b"/") => length - 1,
        length => length,
    };
    let slash = name[..searched].iter().rposition(|byte| *byte == b'/').filter(|slash| *slash > 0)?;
    let (prefix, suffix) = (&name[..slash], &name[slash + 1..]);
    (!suffix.is_empty() && suffix.len() <= NAME && prefix.len() <= PREFIX).then_some((prefix, suffix))
}

/// A C string; a name that was cut does not end with a slash, which some take for a directory.
fn put_text(field: &mut [u8], text: &[u8]) {
    let fits = text.len().min(field.len());
    field[..fits].copy_from_slice(&text[..fits]);
    if text.len() > field.len() && field.ends_with(b"/") {
        let end = field.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
        field[end] = 0;
    }
}

fn fits_octal(width: usize, number: i64) -> bool {
    (0..1_i64 << ((width - 1) * 3)).contains(&number)
}

/// Octal digits and a NUL; what does not fit is 0.
fn put_octal(field: &mut [u8], number: i64) {
    let number = if fits_octal(field.len(), number) { number } else { 0 };
    let digits = field.len() - 1;
    field[..digits].copy_from_slice(format!("{number:0digits$o}").as_bytes());
    field[digits] = 0;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Reader;

    fn written(header: &Header) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        writer.entry(header, &mut io::repeat(b'x').take_buffered()).expect("memory takes everything");
        writer.finish().expect("memory takes everything")
    }

    trait TakeBuffered {
        fn take_buffered(self) -> io::BufReader<io::Take<io::Repeat>>;
    }

    impl TakeBuffered for io::Repeat {
        fn take_buffered(self) -> io::BufReader<io::Take<io::Repeat>> {
            io::BufReader::new(io::Read::take(self, 1 << 20))
        }
    }

    #[test]
    fn the_length_of_a_record_counts_itself() {
        for (length, text) in [(3, "8 a=bbb\n"), (4, "9 a=bbbb\n"), (5, "11 a=bbbbb\n"), (6, "12 a=bbbbbb\n")] {
            let mut to = Vec::new();
            record(b"a", &vec![b'b'; length], &mut to).expect("a record");
            assert_eq!(String::from_utf8_lossy(&to), text);
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let header = Header { name: b"f".into(), size: 5, ..Header::default() };
        let error = Writer::new(io::sink()).entry(&header, &mut &b"1234"[..]).expect_err("too short");
        assert_eq!(error.to_string(), "\"f\" became shorter while it was read");
    }

    #[test]
    fn a_long_name_is_split_where_it_can_be() {
        let name = [vec![b'a'; 60], vec![b'b'; 60]].join(&b'/');
        let block = written(&Header { name, ..Header::default() });
        assert_eq!((&block[..60], &block[345..405]), (&[b'b'; 60][..], &[b'a'; 60][..]));
        assert_eq!(block.len(), 3 * BLOCK, "no extended header");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            name in "[a-z/é]{1,300}",
            linkname in "[a-z/é]{0,150}",
            size in 0..2000_i64,
            numbers in (0..1_i64 << 32, 0..1_i64 << 32, -(1_i64 << 34)..1_i64 << 36, 0..3_u32),
            value in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let (uid, gid, seconds, nanos) = numbers;
            let mut header = Header {
                name: name.into_bytes(), linkname: linkname.into_bytes(), size, uid, gid,
                mode: 0o100644, mtime: Moment { seconds, nanos: nanos * 1000 }, ..Header::default()
            };
            if !value.is_empty() {
                header.xattrs.push((b"security.capability".into(), value));
            }
            let bytes = written(&header);
            let mut reader = Reader::new(bytes.as_slice());
            let mut entry = reader.next_entry().expect("a whole archive").expect("an entry");
            let mut payload = Vec::new();
            io::Read::read_to_end(&mut entry.payload, &mut payload).expect("a whole archive");
            prop_assert_eq!(payload.len() as i64, size);
            header.records.clone_from(&entry.header.records);
            prop_assert_eq!(entry.header, &header);
            prop_assert!(reader.next_entry().expect("a whole archive").is_none());
        }
    }
}
