//! A stretch of a file as a stream. Several can be read at once: the file's own position counts
//! for none of them.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
};

/// Bytes `at..end` of a file.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl<'a> Section<'a> {
    pub(super) fn new(file: &'a File, at: u64, end: u64) -> Self {
        Self { file, at, end }
    }
}

impl Read for Section<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = to.len().min(left);
        let read = self.file.read_at(&mut to[..wanted], self.at)?;
        self.at += read as u64;
        if read == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into()); // somebody cut the file short
        }
        Ok(read)
    }
}

/// Tells how far a stream was read.
pub(super) struct Watched<'a, R> {
    pub(super) inner: R,
    pub(super) read: u64,
    pub(super) watch: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to)?;
        self.read += read as u64;
        (self.watch)(self.read);
        Ok(read)
    }
}
