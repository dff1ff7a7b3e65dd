//! The way down a tree and back, however deep it is: with a few directories open, not all.
//!
//! An archive or a container can make directories deeper than a process has descriptors, or a
//! thread has stack. So nobody calls himself for a sub-directory: he goes down, and up again
//! through `..`, which must lead to where he came from.

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{Mode, OFlags, fstat, openat},
    io::Errno,
};

/// So many directories stay open; the others are found again through `..`.
const OPEN: usize = 64;

/// A directory and those it was reached through.
#[derive(Debug)]
pub(crate) struct Way {
    here: OwnedFd,
    /// The nearest last.
    above: Vec<Above>,
}

#[derive(Debug)]
enum Above {
    Open(OwnedFd),
    /// Device and inode.
    Closed(u64, u64),
}

impl Way {
    pub(crate) fn new(top: OwnedFd) -> Self {
        Self { here: top, above: Vec::new() }
    }

    /// The directory we are in.
    pub(crate) fn here(&self) -> &OwnedFd {
        &self.here
    }

    /// Goes into a sub-directory.
    pub(crate) fn down(&mut self, sub: OwnedFd) -> Result<(), Errno> {
        self.above.push(Above::Open(std::mem::replace(&mut self.here, sub)));
        let far = self.above.len().checked_sub(OPEN).and_then(|at| self.above.get_mut(at));
        if let Some(far) = far
            && let Above::Open(fd) = far
        {
            let stat = fstat(fd)?;
            *far = Above::Closed(stat.st_dev, stat.st_ino);
        }
        Ok(())
    }

    /// Goes back up; `ESTALE` when `..` leads elsewhere by now. Nothing happens at the top.
    pub(crate) fn up(&mut self) -> Result<(), Errno> {
        let above = match self.above.pop() {
            None => return Ok(()),
            Some(Above::Open(fd)) => fd,
            Some(Above::Closed(device, inode)) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let fd = openat(self.here.as_fd(), "..", flags, Mode::empty())?;
                let stat = fstat(&fd)?;
                if (stat.st_dev, stat.st_ino) != (device, inode) {
                    return Err(Errno::STALE);
                }
                fd
            }
        };
        self.here = above;
        Ok(())
    }
}

/// How many directories in each other cannot all be open at once, or are too many for a stack.
#[cfg(test)]
pub(crate) fn deeper_than_descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    usize::try_from(limit.unwrap_or(0)).unwrap_or(0).clamp(2000, 4000) + 500
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn open(dir: impl AsFd, name: &str) -> OwnedFd {
        openat(dir, OsStr::new(name), OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .expect("open")
    }

    #[test]
    fn who_was_moved_meanwhile_does_not_go_up_elsewhere() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let deep = ["d"; OPEN + 1].join("/");
        crate::create_dir_all(home.path().join(&deep), 0o755).expect("mkdir");
        let mut way = Way::new(open(rustix::fs::CWD, &home.path().to_string_lossy()));
        for _ in 0..=OPEN {
            way.down(open(way.here(), "d")).expect("down");
        }
        crate::rename(home.path().join("d/d"), home.path().join("moved")).expect("rename");
        let ups: Vec<_> = (0..OPEN).map(|_| way.up()).collect();
        assert!(ups[..OPEN - 1].iter().all(Result::is_ok), "{ups:?}");
        assert_eq!(ups.last(), Some(&Err(Errno::STALE)), "`..` is the top, not the first directory below it");
    }
}
