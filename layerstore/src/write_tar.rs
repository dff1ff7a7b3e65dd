//! A layer's tar again, byte for byte, from its description and its files.

use std::io::{self, Write};

use base::{ChainId, LayerId, Sha256Writer};

use crate::{Error, LayerStore, Result, layerdb::layer_dir};

impl LayerStore {
    /// Writes the very tar a layer was registered from, and says how long it was. Files are read below the layer's own
    /// directory, whatever their names and links say.
    ///
    /// # Errors
    /// [`Error::NoLayer`]; a file that was changed or is gone, in dockerd's words;
    /// [`Error::NotVerified`] when all was written and the digest is another. What was written
    /// until then is useless.
    pub fn write_tar(&self, chain: &ChainId, out: &mut dyn Write) -> Result<u64> {
        let layer = self.layer(chain)?.ok_or(Error::NoLayer(*chain))?;
        let path = self.layer_dir(chain).join(layer_dir::TAR_SPLIT);
        let mut hashed = Sha256Writer::new(out);
        self.assemble(layer.cache_id.layer(), &path, &mut hashed)?;
        let (_, digest, written) = hashed.finish();
        if digest == *layer.diff.digest() { Ok(written) } else { Err(Error::NotVerified(layer.diff)) }
    }

    /// How many bytes [`LayerStore::write_tar`] will write, from the layer's description alone.
    ///
    /// # Errors
    /// [`Error::NoLayer`], or when the description cannot be read.
    pub fn tar_size(&self, chain: &ChainId) -> Result<u64> {
        let path = self.layer_dir(chain).join(layer_dir::TAR_SPLIT);
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(_) if self.layer(chain)?.is_none() => return Err(Error::NoLayer(*chain)),
            Err(source) => return Err(sys::Error::new("open", &path, source).into()),
        };
        let mut size = 0_u64;
        let mut has_payload = true;
        for entry in tarsplit::Entries::new(file) {
            size = size.saturating_add(match entry.map_err(tarsplit::AssembleError::<sys::Error>::from)? {
                tarsplit::Entry::Segment(bytes) => {
                    has_payload = archive::header::may_have_payload(&bytes);
                    bytes.len() as u64
                }
                tarsplit::Entry::File { size, .. } if has_payload => u64::try_from(size).unwrap_or(0),
                tarsplit::Entry::File { .. } => 0,
            });
        }
        Ok(size)
    }

    /// Puts a tar together from the description at `tar_split` and the files of a driver layer.
    pub(crate) fn assemble(&self, id: &LayerId, tar_split: &std::path::Path, out: &mut impl Write) -> Result<()> {
        let file = std::fs::File::open(tar_split).map_err(|source| sys::Error::new("open", tar_split, source))?;
        let (files, _) = self.driver().unpack_target(id)?;
        let files = self.see(&files)?;
        let root = sys::Dir::open(files.path())?.shown_as("/");
        let mut out = io::BufWriter::with_capacity(64 << 10, out);
        let open = |name: &[u8]| root.open_below(&base::gopath::in_root(name));
        tarsplit::assemble(tarsplit::Entries::new(file), open, &mut out)?;
        out.flush().map_err(Error::WriteTar)
    }
}
