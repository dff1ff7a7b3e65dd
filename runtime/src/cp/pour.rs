//! An archive on its way: packed by one thread, unpacked by another, never whole anywhere.

use std::io::{self, BufWriter, Read, Write};

use archive::{PackError, ReadError, Reader, UnpackError, Unpacker, header::LINK};

use super::{host::Renaming, names};

/// Why an archive did not arrive.
#[derive(Debug)]
pub(super) enum Spilt {
    /// It could not be packed.
    Pack(PackError),
    /// It is none, or could not be read.
    Read(ReadError),
    /// What it holds could not be put down.
    Unpack(UnpackError),
}

impl Spilt {
    /// What docker's unpacking says, or why nothing came to it.
    pub fn words(self) -> Result<String, PackError> {
        match self {
            Self::Pack(error) => Err(error),
            Self::Read(error) => Ok(error.to_string()),
            Self::Unpack(error) => Ok(error.words()),
        }
    }
}

/// Puts down what an archive holds, names changed on the way. It is read to its very end.
pub(super) fn unpack(from: impl Read, renamings: &[Renaming], mut to: Unpacker) -> Result<(), Spilt> {
    let mut reader = Reader::new(from);
    while let Some(mut entry) = reader.next_entry().map_err(Spilt::Read)? {
        let mut header = entry.header.clone();
        for (old, new) in renamings {
            // A directory's root has no name of its own.
            let old: &[u8] = if old == b"/" { b"" } else { old };
            header.name = names::replaced(&header.name, old, new);
            if header.typeflag == LINK {
                header.linkname = names::replaced(&header.linkname, old, new);
            }
        }
        to.entry(&header, &mut entry.payload).map_err(Spilt::Unpack)?;
    }
    while reader.tail().map_err(Spilt::Read)?.is_some() {}
    to.finish().map(drop).map_err(Spilt::Unpack)
}

/// Unpacks what `pack` writes.
pub(super) fn pour(
    pack: impl FnOnce(&mut dyn Write) -> Result<(), PackError> + Send,
    renamings: &[Renaming],
    to: Unpacker,
) -> Result<(), Spilt> {
    let piped = |error| Spilt::Pack(sys::Error::new("pipe", "", error).into());
    let (read, write) = io::pipe().map_err(piped)?;
    std::thread::scope(|scope| {
        let packing = scope.spawn(move || {
            let mut out = BufWriter::with_capacity(256 << 10, write);
            pack(&mut out)?;
            out.flush().map_err(|error| archive::WriteError::Write(error).into())
        });
        let unpacked = unpack(read, renamings, to);
        let packed = packing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match (unpacked, packed) {
            // Half an archive says less than why it is half.
            (Err(Spilt::Read(_)) | Ok(()), Err(error)) => Err(Spilt::Pack(error)),
            (unpacked, _) => unpacked,
        }
    })
}
