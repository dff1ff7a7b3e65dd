//! What docker has no word for: a volume copied, renamed, carried out and in as a tar.
//!
//! A copy of what is being written to would be torn, so it is refused while a running container
//! may write; a name is only changed while no container, running or not, refers to it.

use std::io::{Read, Write};

use archive::{PackError, ReadError, Reader, UnpackError, Unpacker, Whiteouts};
use base::gopath;
use sys::Dir;
use volumes::{NewVolume, VolumeError, Volumes};

use crate::{
    home::{Home, HomeError},
    truth,
};

/// Why a volume could not be copied, renamed or carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A volume that is not there, or is there already; a bad name.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// A running container may write to it.
    #[error("the running container {container} may write to volume {name}")]
    Written {
        /// The volume.
        name: String,
        /// The container.
        container: String,
    },
    /// A container refers to it.
    #[error("container {container} refers to volume {name}")]
    Referred {
        /// The volume.
        name: String,
        /// The container.
        container: String,
    },
    /// It could not be made a tar.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The tar cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tar cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A name that means a deletion in layers: unpacked it would remove something.
    #[error("the archive has the name {0}, which cannot be imported")]
    Whiteout(String),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Copies a volume with its labels under another name, blocks shared where the file system can.
///
/// # Errors
/// [`CarryError`].
pub fn clone(home: &Home, from: &str, to: &str) -> Result<(), CarryError> {
    let _writer = home.writer()?;
    let volumes = home.volumes();
    let held = volumes.hold_alone()?;
    let (source, _) = volumes.source(from, "local")?;
    nobody_writes(home, from)?;
    // A copy has its files in a directory of its own, whatever the first is bound to.
    let labels = volumes.get(from)?.labels;
    let new = NewVolume { name: to.to_owned(), labels, options: Some([].into()), ..NewVolume::default() };
    volumes.fill_new(new, &held, |data| Ok(sys::copy_tree_whole(&source, data)?))
}

/// Gives a volume another name.
///
/// # Errors
/// [`CarryError`].
pub fn rename(home: &Home, from: &str, to: &str) -> Result<(), CarryError> {
    let _writer = home.writer()?;
    let volumes = home.volumes();
    let held = volumes.hold_alone()?;
    for container in home.containers().load_all()?.containers {
        if container.record.mounts().any(|point| point.volume() == Some(from)) {
            let container = container.record.name().to_owned();
            return Err(CarryError::Referred { name: from.to_owned(), container });
        }
    }
    Ok(volumes.rename(from, to, &held)?)
}

/// Writes a volume as a tar, with all extended attributes and the mode of its own directory.
///
/// # Errors
/// [`CarryError`].
pub fn export(home: &Home, name: &str, out: impl Write) -> Result<(), CarryError> {
    let (source, _) = home.volumes().source(name, "local")?;
    nobody_writes(home, name)?;
    Ok(archive::pack_whole(&Dir::open(source)?, out)?)
}

/// Makes a new volume of a tar; a part of one leaves no volume.
///
/// # Errors
/// [`CarryError`].
pub fn import(home: &Home, name: &str, tar: impl Read) -> Result<(), CarryError> {
    let _writer = home.writer()?;
    let volumes: Volumes = home.volumes();
    let held = volumes.hold_alone()?;
    let empty = || Some([].into());
    let new = NewVolume { name: name.to_owned(), labels: empty(), options: empty(), ..NewVolume::default() };
    volumes.fill_new(new, &held, |data| unpack(&Dir::open(data)?, tar))
}

fn unpack(root: &Dir, tar: impl Read) -> Result<(), CarryError> {
    let mut reader = Reader::new(tar);
    let mut unpacker = Unpacker::new(Dir::open(root.path())?, Whiteouts::Applied)?;
    let mut own = None;
    while let Some(mut entry) = reader.next_entry()? {
        let cleaned = gopath::clean(&entry.header.name);
        if cleaned == b"." || cleaned == b"/" {
            own = Some(entry.header.clone());
            continue;
        }
        if cleaned.split(|byte| *byte == b'/').any(|part| part.starts_with(b".wh.")) {
            return Err(CarryError::Whiteout(String::from_utf8_lossy(&cleaned).into_owned()));
        }
        unpacker.entry(entry.header, &mut entry.payload)?;
    }
    unpacker.finish()?;
    let Some(own) = own else { return Ok(()) };
    let number = |id: i64| u32::try_from(id).unwrap_or(u32::MAX);
    root.chown_self(number(own.uid), number(own.gid))?;
    for (key, value) in &own.xattrs {
        root.set_xattr(b".", key, value)?;
    }
    Ok(root.chmod_self(number(own.mode & 0o7777))?)
}

/// Whether no running container may write to the volume.
fn nobody_writes(home: &Home, name: &str) -> Result<(), CarryError> {
    for mut container in home.containers().load_all()?.containers {
        if !container.record.mounts().any(|point| point.rw && point.volume() == Some(name)) {
            continue;
        }
        truth::correct(home, &mut container);
        if container.record.state.running {
            let container = container.record.name().to_owned();
            return Err(CarryError::Written { name: name.to_owned(), container });
        }
    }
    Ok(())
}
