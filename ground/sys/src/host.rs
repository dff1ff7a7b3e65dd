//! What this kernel and its file systems are. Only asks.

use std::path::Path;

use rustix::{
    fs::{CWD, Dir, FileType, Mode, OFlags, openat},
    system::uname,
};

use crate::error::{Result, at};

/// Bytes of a page of memory; mount(2) takes less than one of options.
#[allow(unsafe_code)]
pub fn page_size() -> usize {
    // SAFETY: sysconf only reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// The kernel's version, major and minor; 0.0 when it says nothing like that.
pub fn kernel_version() -> (u32, u32) {
    let uname = uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Whether this process acts as root, of whatever user namespace.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this process's root is not the host's: its user ids are mapped.
pub fn in_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let numbers: Vec<_> = map.split_ascii_whitespace().collect();
    !map.is_empty() && numbers != ["0", "0", "4294967295"]
}

/// The magic number of the file system that holds `path`, as statfs(2) tells it.
///
/// # Errors
/// As statfs(2).
pub fn file_system(path: impl AsRef<Path>) -> Result<u64> {
    let path = path.as_ref();
    let found = rustix::fs::statfs(path).map_err(at("statfs", path))?;
    // Signed, and of 32 bits, on some machines.
    Ok(found.f_type as u64 & 0xffff_ffff)
}

/// Whether the kernel lists a type of file system, as `aufs`.
pub fn knows_file_system(kind: &str) -> bool {
    let list = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    list.lines().any(|line| line.split('\t').next_back() == Some(kind))
}

/// Whether a directory's entries come with their type. `.` is one, so an empty directory tells
/// as well.
///
/// # Errors
/// When it cannot be read.
pub fn tells_entry_types(dir: impl AsRef<Path>) -> Result<bool> {
    let path = dir.as_ref();
    let dir = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(at("open", path))?;
    let mut entries = Dir::read_from(dir).map_err(at("readdir", path))?;
    match entries.next() {
        None => Ok(true),
        Some(Err(errno)) => Err(at("readdir", path)(errno)),
        Some(Ok(entry)) => Ok(entry.file_type() != FileType::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_tells_about_itself() {
        assert!(page_size().is_power_of_two());
        assert!(kernel_version() > (3, 0));
        assert_eq!(file_system("/proc").ok(), Some(0x9fa0));
        assert!(knows_file_system("proc") && !knows_file_system("nosuchfs"));
        assert!(tells_entry_types("/proc").expect("/proc can be read"));
    }
}
