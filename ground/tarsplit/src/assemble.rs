//! The archive again, from its description and the unpacked files.

use std::io::{self, Read, Write};

use base::gopath;

use crate::{
    entries::{Entry, EntryError},
    sum::Summing,
};

/// Why an archive could not be written again.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError<E: std::error::Error + 'static> {
    /// The description is damaged.
    #[error(transparent)]
    Entries(#[from] EntryError),
    /// A file is not there, or cannot be opened.
    #[error("{} could not be opened", .name.escape_ascii())]
    Open {
        /// The file, as the archive named it.
        name: Vec<u8>,
        /// What opening it said.
        source: E,
    },
    /// A file cannot be read.
    #[error("{} could not be read", .name.escape_ascii())]
    Read {
        /// The file, as the archive named it.
        name: Vec<u8>,
        /// What reading it said.
        source: io::Error,
    },
    /// A file has other content than when the layer was made.
    #[error("file integrity checksum failed for {}", gopath::quote(.0))]
    Changed(Vec<u8>),
    /// The archive could not be written.
    #[error("the archive could not be written")]
    Write(#[source] io::Error),
}

/// Writes the archive that `entries` describe. `open` opens a file of the layer by its name in
/// the archive, which may lead out of the layer if followed carelessly (`../x`).
///
/// Each file goes in whole, as it is now; one that was changed since is found by its sum, after
/// its content went out. Only the digest of what was written tells that the archive is the old
/// one: mode and such come from the description and are not looked at in the layer.
///
/// # Errors
/// As [`AssembleError`]; what was written until then is useless.
pub fn assemble<F: Read, E: std::error::Error + 'static>(
    entries: impl IntoIterator<Item = Result<Entry, EntryError>>,
    mut open: impl FnMut(&[u8]) -> Result<F, E>,
    out: &mut impl Write,
) -> Result<(), AssembleError<E>> {
    let mut buffer = vec![0; 128 << 10];
    for entry in entries {
        match entry? {
            Entry::Segment(bytes) => out.write_all(&bytes).map_err(AssembleError::Write)?,
            Entry::File { size: 0, .. } => {}
            Entry::File { name, sum, .. } => {
                let file = match open(&name) {
                    Ok(file) => file,
                    Err(source) => return Err(AssembleError::Open { name, source }),
                };
                if copy_summed(file, &name, &mut buffer, out)? != sum {
                    return Err(AssembleError::Changed(name));
                }
            }
        }
    }
    Ok(())
}

fn copy_summed<E: std::error::Error + 'static>(
    mut file: impl Read,
    name: &[u8],
    buffer: &mut [u8],
    out: &mut impl Write,
) -> Result<Vec<u8>, AssembleError<E>> {
    let mut summing = Summing::new();
    loop {
        let count = match file.read(buffer) {
            Ok(0) => return Ok(summing.sum().bytes().to_vec()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(AssembleError::Read { name: name.to_owned(), source }),
        };
        summing.update(&buffer[..count]);
        out.write_all(&buffer[..count]).map_err(AssembleError::Write)?;
    }
}
