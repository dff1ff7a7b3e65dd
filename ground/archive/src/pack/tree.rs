//! The way down a tree and back: a few directories stay open, however deep it is, and nobody
//! calls himself.

use std::io::Write;

use rustix::{fs::FileType, io::Errno};
use sys::{Dir, Listed};

use super::{PackError, Packing, resource::is_elsewhere};
use crate::Whiteouts;

/// So many directories stay open; those above are opened again when we are back there.
const OPEN: usize = 64;

/// A directory on the way.
struct Level {
    /// `None` while it is too far above.
    dir: Option<Dir>,
    /// Device and inode, by which it is known again.
    id: (u64, u64),
    /// Its path in the tree.
    inside: Vec<u8>,
    /// Its path in the archive.
    name: Vec<u8>,
    /// What is in it and was not packed yet.
    rest: std::vec::IntoIter<Listed>,
}

impl Level {
    fn new(dir: Dir, inside: Vec<u8>, name: Vec<u8>) -> sys::Result<Self> {
        let stat = dir.stat_self()?;
        let rest = dir.list()?.into_iter();
        Ok(Self { dir: Some(dir), id: (stat.st_dev, stat.st_ino), inside, name, rest })
    }

    /// Opens it again. One that is another by now is an error, or, of a tree that changes
    /// meanwhile, has nothing left to pack.
    fn reopen(&mut self, top: &Dir, moving: bool) -> sys::Result<()> {
        if self.dir.is_some() {
            return Ok(());
        }
        let again = top.below(&self.inside).and_then(|dir| {
            let stat = dir.stat_self()?;
            match (stat.st_dev, stat.st_ino) == self.id {
                true => Ok(dir),
                false => Err(sys::Error::new("open", dir.path(), Errno::STALE)),
            }
        });
        match again {
            Ok(dir) => self.dir = Some(dir),
            Err(error) if moving && (is_elsewhere(&error) || error.errno() == Some(Errno::STALE)) => {
                self.rest = Vec::new().into_iter();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<W: Write> Packing<'_, W> {
    /// Writes all that is in a directory, whose name in the archive is given.
    pub(super) fn tree(&mut self, top: &Dir, name: &[u8], whiteouts: Whiteouts) -> Result<(), PackError> {
        let mut way = vec![Level::new(top.below(b"")?, Vec::new(), name.to_vec())?];
        while let Some(level) = way.last_mut() {
            level.reopen(top, self.moving)?;
            let (Some(dir), Some(listed)) = (&level.dir, level.rest.next()) else {
                way.pop();
                continue;
            };
            let bare = level.name.is_empty() && !self.moving;
            let below = |path: &[u8], bare| match bare {
                true => listed.name.clone(),
                false => [path, b"/", &listed.name].concat(),
            };
            let name = below(&level.name, bare);
            if self.file(dir, &listed.name, name.clone(), whiteouts)? != Some(FileType::Directory) {
                continue;
            }
            let inside = below(&level.inside, level.inside.is_empty());
            match dir.sub(&listed.name).and_then(|sub| Level::new(sub, inside, name)) {
                Ok(sub) => way.push(sub),
                Err(error) if error.is_not_found() || (self.moving && is_elsewhere(&error)) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(far) = way.len().checked_sub(OPEN).and_then(|at| way.get_mut(at)) {
                far.dir = None;
            }
        }
        Ok(())
    }
}
