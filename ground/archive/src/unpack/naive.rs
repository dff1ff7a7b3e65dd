//! Entries on a copy of the layers below: moby 20.10, pkg/archive `UnpackLayer`.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
};

use base::gopath;
use rustix::fs::FileType;
use sys::Dir;

use super::{UnpackError, Unpacker, is_whiteout};
use crate::header::{Header, LINK, REGULAR, WHITEOUT, WHITEOUT_LINKS, WHITEOUT_META, WHITEOUT_OPAQUE};

impl Unpacker {
    pub(super) fn naive_entry(&mut self, header: &Header, payload: &mut dyn BufRead) -> Result<(), UnpackError> {
        let cleaned = header.clean_name();
        let path = gopath::in_root(&header.name);
        let (above, name) = gopath::split(&path);
        if !path.is_empty() {
            match self.parents.open(&self.root, above, self.style) {
                // The directory is a link to nothing, where there is nothing to delete.
                Err(error) if error.is_not_found() && is_whiteout(name) => return Ok(()),
                other => drop(other.map_err(|error| UnpackError::unreachable(header, &path, error))?),
            }
        }
        if cleaned.starts_with(WHITEOUT_META) && cleaned != WHITEOUT_OPAQUE {
            let is_link_source = cleaned.starts_with(WHITEOUT_LINKS) && header.typeflag == REGULAR;
            return if is_link_source { self.keep_aufs_link(name, header, payload) } else { Ok(()) };
        }
        if name == WHITEOUT_OPAQUE {
            return self.empty_opaque(above);
        }
        if is_whiteout(name) {
            return self.delete(above, &name[WHITEOUT.len()..]);
        }
        let links_to_aufs = header.typeflag == LINK && gopath::clean(&header.linkname).starts_with(WHITEOUT_LINKS);
        if links_to_aufs {
            self.place_aufs_link(&path, header)?;
        } else {
            self.place(&path, header, payload)?;
        }
        self.unpacked.insert(&path);
        Ok(())
    }

    /// Removes what a whiteout names. An odd one (`.wh.`, `.wh..`, `.wh...`) names the directory
    /// or the one above, as in dockerd.
    fn delete(&mut self, above: &[u8], name: &[u8]) -> Result<(), UnpackError> {
        let path = gopath::in_root(&[above, b"/", name].concat());
        if path.is_empty() {
            return Err(self.cannot_remove_root());
        }
        let (above, name) = gopath::split(&path);
        let parent = self.parents.open_existing(&self.root, above)?;
        self.remove(&parent, name)
    }

    /// Removes from a directory what this archive has not put there. A symlink to a directory is
    /// none.
    fn empty_opaque(&mut self, path: &[u8]) -> Result<(), UnpackError> {
        let stat = self.root.stat_below(path)?;
        if stat.is_none_or(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::Directory) {
            return Ok(());
        }
        self.parents.forget();
        self.root_was_emptied |= path.is_empty();
        empty(&self.root.below(path)?, path, &self.unpacked)?;
        Ok(())
    }

    /// Keeps a file that links will want. aufs' links become copies.
    fn keep_aufs_link(&mut self, name: &[u8], header: &Header, payload: &mut dyn BufRead) -> Result<(), UnpackError> {
        let mut kept = self.root.unnamed_file()?;
        loop {
            let bytes = payload.fill_buf().map_err(UnpackError::Payload)?;
            if bytes.is_empty() {
                break;
            }
            let count = bytes.len();
            kept.write_all(bytes).map_err(|error| sys::Error::new("write", self.root.path(), error))?;
            payload.consume(count);
        }
        self.aufs_links.insert(name.to_vec(), (header.clone(), kept));
        Ok(())
    }

    fn place_aufs_link(&mut self, path: &[u8], header: &Header) -> Result<(), UnpackError> {
        let target = gopath::clean(&header.linkname);
        let (_, name) = gopath::split(&target);
        let (source, kept) = self.aufs_links.get(name).ok_or(UnpackError::AufsLink)?;
        let source = source.clone();
        let mut file = copy_of(kept).map_err(UnpackError::Payload)?;
        self.place(path, &source, &mut file)
    }
}

fn copy_of(file: &File) -> std::io::Result<BufReader<File>> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(BufReader::with_capacity(64 << 10, file))
}

fn empty(dir: &Dir, path: &[u8], kept: &base::NameSet) -> sys::Result<()> {
    for listed in dir.list()? {
        let below = if path.is_empty() { listed.name.clone() } else { [path, b"/", &listed.name].concat() };
        if !kept.contains(&below) {
            dir.remove(&listed.name)?;
        } else if dir
            .stat(&listed.name)?
            .is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
        {
            empty(&dir.sub(&listed.name)?, &below, kept)?;
        }
    }
    Ok(())
}
