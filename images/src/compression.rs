//! What an archive is compressed with, seen from its first bytes, and undone.

use std::io::{self, Read};

/// Compressions that dockerd tells apart, and zstd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Other(&'static str),
}

/// How many bytes tell.
pub(crate) const MAGIC: usize = 6;

impl Compression {
    /// moby 20.10, pkg/archive/archive.go `DetectCompression`.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [b'B', b'Z', b'h', ..] => Self::Other("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Other("xz"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Other("zstd"),
            _ => Self::None,
        }
    }
}

/// An archive whose compression we do not know how to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the archive is compressed with {0}, which is not supported: unpack it first, or use gzip")]
pub struct Unsupported(pub(crate) &'static str);

/// The first bytes of a stream, at most [`MAGIC`] of them.
pub(crate) fn peek(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(MAGIC);
    stream.take(MAGIC as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// A stream with its gzip undone, if it is any.
///
/// # Errors
/// When its beginning cannot be read; within, for a compression that we cannot undo.
pub fn inflate<'a>(mut stream: impl Read + 'a) -> io::Result<Result<Box<dyn Read + 'a>, Unsupported>> {
    let start = peek(&mut stream)?;
    let compression = Compression::of(&start);
    let whole = io::Cursor::new(start).chain(stream);
    Ok(match compression {
        Compression::None => Ok(Box::new(whole)),
        Compression::Gzip => {
            let buffered = io::BufReader::with_capacity(128 << 10, whole);
            Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)))
        }
        Compression::Other(name) => Err(Unsupported(name)),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<u8>, Unsupported> {
        let mut found = Vec::new();
        let mut stream = inflate(bytes).expect("memory can be read")?;
        stream.read_to_end(&mut found).expect("it inflates");
        Ok(found)
    }

    #[test]
    fn gzip_is_undone_also_in_several_members() {
        let mut bytes = Vec::new();
        for part in ["hello ", "world"] {
            let mut to = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::default());
            to.write_all(part.as_bytes()).expect("memory can be written");
            to.finish().expect("memory can be written");
        }
        assert_eq!(read(&bytes), Ok(b"hello world".to_vec()));
    }

    #[test]
    fn plain_streams_pass_however_short() {
        for plain in [&b""[..], b"a", b"hello world"] {
            assert_eq!(read(plain), Ok(plain.to_vec()));
        }
    }

    #[test]
    fn what_cannot_be_undone_is_named() {
        assert_eq!(read(b"\xfd7zXZ\0..."), Err(Unsupported("xz")));
        assert_eq!(read(b"BZh9..."), Err(Unsupported("bzip2")));
        assert_eq!(read(b"\x28\xb5\x2f\xfd"), Err(Unsupported("zstd")));
    }
}
