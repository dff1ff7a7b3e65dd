//! One pass over a layer's tar: its digest, its description and its files at once.
//!
//! moby 20.10, layer/layer_store.go `applyTar`. The stream is read to its very end, also what
//! follows the archive's own end: the digest covers it and the description keeps it.

use std::{
    io::{self, Read},
    path::Path,
};

use base::{DiffId, LayerId, Sha256};

use crate::{Error, LayerStore, Result};

/// What one pass finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ingested {
    pub(crate) diff: DiffId,
    /// Bytes, as dockerd's driver counts them.
    pub(crate) size: u64,
}

impl LayerStore {
    /// Unpacks `tar` into the driver layer `id` and writes its description to `tar_split`.
    pub(crate) fn ingest(
        &self,
        id: &LayerId,
        tar_split: std::fs::File,
        tar: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Ingested> {
        let (target, whiteouts) = self.driver().unpack_target(id)?;
        self.fill(&target, |target| unpack(target, whiteouts, tar_split, Counted::new(tar, progress)))
    }
}

fn unpack(
    target: &Path,
    whiteouts: archive::Whiteouts,
    tar_split: std::fs::File,
    tar: Counted<'_>,
) -> Result<Ingested> {
    let mut reader = archive::Reader::new(tar);
    let mut unpacker = archive::Unpacker::new(sys::Dir::open(target)?, whiteouts)?;
    let mut packer = tarsplit::Packer::new(tar_split);
    while let Some(entry) = reader.next_entry()? {
        packer.segment(entry.raw)?;
        let mut content = tarsplit::Summed::new(entry.payload);
        unpacker.entry(entry.header, &mut content)?;
        let sum = content.finish().map_err(Error::ReadTar)?;
        packer.file(&entry.header.name, entry.header.size, Some(sum))?;
    }
    while let Some(bytes) = reader.tail()? {
        packer.segment(bytes)?;
    }
    packer.finish()?;
    let size = u64::try_from(unpacker.finish()?).unwrap_or(0);
    Ok(Ingested { diff: DiffId::new(reader.into_source().hash.finish()), size })
}

/// Hashes what is read, and tells how much it was.
struct Counted<'a> {
    tar: &'a mut dyn Read,
    hash: Sha256,
    read: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> Counted<'a> {
    fn new(tar: &'a mut dyn Read, progress: &'a mut dyn FnMut(u64)) -> Self {
        Self { tar, hash: Sha256::default(), read: 0, progress }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.tar.read(to)?;
        self.hash.update(&to[..count]);
        self.read += count as u64;
        (self.progress)(self.read);
        Ok(count)
    }
}
