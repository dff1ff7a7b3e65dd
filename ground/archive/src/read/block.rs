//! The 512-byte header block: v7, ustar, GNU and star, as Go's archive/tar tells them apart and
//! reads their fields (Go 1.19, archive/tar `readHeader`, `getFormat`, strconv.go).

use super::ReadError;
use crate::header::{Header, Moment};

/// Bytes in a block of an archive.
pub(crate) const BLOCK: usize = 512;

/// One block.
pub(crate) type Block = [u8; BLOCK];

/// Which layout the fields after the v7 part have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    V7,
    Ustar,
    Gnu,
    Star,
}

/// The layout of a header block; an error when its checksum is wrong.
pub(crate) fn layout(block: &Block) -> Result<Layout, ReadError> {
    let claimed = octal(&block[148..156])?;
    let (unsigned, signed) = checksums(block);
    if claimed != unsigned && claimed != signed {
        return Err(ReadError::Header);
    }
    Ok(match (&block[257..263], &block[263..265], &block[508..512]) {
        (b"ustar\0", _, b"tar\0") => Layout::Star,
        (b"ustar\0", _, _) => Layout::Ustar,
        (b"ustar ", b" \0", _) => Layout::Gnu,
        _ => Layout::V7,
    })
}

/// The sum of the bytes, the checksum field taken as spaces: of unsigned bytes as POSIX has it,
/// of signed ones as old Suns wrote it.
pub(crate) fn checksums(block: &Block) -> (i64, i64) {
    let field = 148..156;
    let bytes = block.iter().enumerate().map(|(at, byte)| if field.contains(&at) { b' ' } else { *byte });
    bytes.fold((0, 0), |(unsigned, signed), byte| (unsigned + i64::from(byte), signed + i64::from(byte.cast_signed())))
}

/// The header a block holds, before any extended header is merged in.
pub(crate) fn parse(block: &Block) -> Result<(Header, Layout), ReadError> {
    let layout = layout(block)?;
    let mut header = Header {
        typeflag: block[156],
        name: text(&block[..100]),
        linkname: text(&block[157..257]),
        size: numeric(&block[124..136])?,
        mode: numeric(&block[100..108])?,
        uid: numeric(&block[108..116])?,
        gid: numeric(&block[116..124])?,
        mtime: Moment::second(numeric(&block[136..148])?),
        ..Header::default()
    };
    if layout == Layout::V7 {
        return Ok((header, layout));
    }
    header.uname = text(&block[265..297]);
    header.gname = text(&block[297..329]);
    header.devmajor = numeric(&block[329..337])?;
    header.devminor = numeric(&block[337..345])?;
    let prefix = match layout {
        Layout::V7 => Vec::new(),
        Layout::Ustar => text(&block[345..500]),
        Layout::Star => {
            header.atime = Moment::second(numeric(&block[476..488])?);
            numeric(&block[488..500])?;
            text(&block[345..476])
        }
        Layout::Gnu => gnu_times(block, &mut header),
    };
    if !prefix.is_empty() {
        header.name = [&prefix, &b"/"[..], &header.name].concat();
    }
    Ok((header, layout))
}

/// Reads GNU's access time, or the prefix that Go before 1.8 wrongly put there (golang/go#12594).
fn gnu_times(block: &Block, header: &mut Header) -> Vec<u8> {
    let time = |field: &[u8]| match field[0] {
        0 => Ok(None),
        _ => numeric(field).map(Some),
    };
    match (time(&block[345..357]), time(&block[357..369])) {
        (Ok(atime), Ok(_)) => {
            header.atime = atime.map_or(Moment::NEVER, Moment::second);
            Vec::new()
        }
        _ => Some(text(&block[345..500])).filter(|prefix| prefix.is_ascii()).unwrap_or_default(),
    }
}

/// A C string: up to the first NUL, or the whole field.
pub(crate) fn text(field: &[u8]) -> Vec<u8> {
    field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// A number: octal digits, or base 256 when the first bit is set (two's complement, big-endian).
pub(crate) fn numeric(field: &[u8]) -> Result<i64, ReadError> {
    let first = *field.first().unwrap_or(&0);
    if first & 0x80 == 0 {
        return octal(field);
    }
    let invert = if first & 0x40 == 0 { 0 } else { 0xff };
    let mut magnitude: u64 = 0;
    for (at, byte) in field.iter().enumerate() {
        let byte = if at == 0 { (byte ^ invert) & 0x7f } else { byte ^ invert };
        if magnitude >> 56 != 0 {
            return Err(ReadError::Header);
        }
        magnitude = magnitude << 8 | u64::from(byte);
    }
    let magnitude = i64::try_from(magnitude).map_err(|_| ReadError::Header)?;
    Ok(if invert == 0 { magnitude } else { !magnitude })
}

/// Octal digits between spaces and NULs; an empty field is 0. Like Go, takes digits up to 64
/// bits and keeps their bits.
fn octal(field: &[u8]) -> Result<i64, ReadError> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !padding(byte));
    let Some(start) = start else { return Ok(0) };
    let end = field.iter().rposition(|byte| !padding(byte)).map_or(start, |last| last + 1);
    let digits = field[start..end].split(|byte| *byte == 0).next().unwrap_or_default();
    let mut value: u64 = 0;
    for digit in digits {
        if !matches!(digit, b'0'..=b'7') || value >> 61 != 0 {
            return Err(ReadError::Header);
        }
        value = value << 3 | u64::from(digit - b'0');
    }
    Ok(value.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_octal_and_in_base_256() {
        let cases: [(&[u8], i64); 9] = [
            (b"0000644\0", 0o644),
            (b" 644 \0\0\0", 0o644),
            (b"\0\0\0\0\0\0\0\0", 0),
            (b"\x80\0\0\0\0\0\x01\0", 256),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", -1),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
            (b"\x80\x7f\xff\xff\xff\xff\xff\xff", 0x7f_ffff_ffff_ffff),
            (b"777\x00777", 0o777),
            (b"1777777777777777777777", -1),
        ];
        for (field, value) in cases {
            assert_eq!(numeric(field).ok(), Some(value), "{field:?}");
        }
        for field in [&b"0000008\0"[..], b"-1", b"7777777777777777777777", b"\x80\x01\0\0\0\0\0\0\0\0\0\0"] {
            assert!(numeric(field).is_err(), "{field:?}");
        }
    }
}
