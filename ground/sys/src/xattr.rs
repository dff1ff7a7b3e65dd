//! Extended attributes of files, symlinks never followed.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, path::Path};

use rustix::{
    fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr},
    io::Errno,
};

use crate::{
    error::{Result, at},
    steps::step,
};

/// An attribute's value, `None` when the file has none of that name or cannot have any.
///
/// # Errors
/// Any other failure of lgetxattr(2).
pub fn get(path: impl AsRef<Path>, name: &str) -> Result<Option<Vec<u8>>> {
    let path = path.as_ref();
    let mut value = vec![0; 256];
    loop {
        match lgetxattr(path, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                return Ok(Some(value));
            }
            Err(Errno::RANGE) if value.len() < 1 << 16 => value.resize(1 << 16, 0),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
            Err(errno) => return Err(at("lgetxattr", path)(errno)),
        }
    }
}

/// Sets an attribute, made or replaced.
///
/// # Errors
/// As lsetxattr(2).
pub fn set(path: impl AsRef<Path>, name: &str, value: &[u8]) -> Result<()> {
    let path = path.as_ref();
    step("lsetxattr", path)?;
    lsetxattr(path, name, value, XattrFlags::empty()).map_err(at("lsetxattr", path))
}

/// The names of all attributes; none where the file system has none.
///
/// # Errors
/// As llistxattr(2).
pub fn names(path: impl AsRef<Path>) -> Result<Vec<OsString>> {
    let path = path.as_ref();
    let mut list = vec![0_u8; 1 << 10];
    let length = loop {
        match llistxattr(path, &mut list[..]) {
            Ok(length) => break length,
            Err(Errno::RANGE) if list.len() < 1 << 17 => list.resize(1 << 17, 0),
            Err(Errno::OPNOTSUPP) => break 0,
            Err(errno) => return Err(at("llistxattr", path)(errno)),
        }
    };
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| std::ffi::OsStr::from_bytes(name).to_owned()).collect())
}
