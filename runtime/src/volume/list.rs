//! `volume ls`: the volumes, who uses them and, if wished, how big they are.

use std::{collections::BTreeMap, os::unix::fs::MetadataExt as _, path::Path};

use base::Time;
use containers::{Container, MountPoint};
use volumes::{Volume, VolumeError};

use super::filter::VolumeFilters;
use crate::home::Home;

/// A container that has a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The container.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whether it may write there.
    pub writes: bool,
}

/// Where a volume that nobody named came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The container it was made for, or one that borrowed it since.
    pub container: String,
    /// That container's image, as it was typed.
    pub image: String,
}

/// A volume and who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVolume {
    /// The volume.
    pub volume: Volume,
    /// The containers, running or not, in the order in which they were made.
    pub users: Vec<User>,
    /// Of one that nobody named.
    pub origin: Option<Origin>,
}

/// What costs a walk through the volume's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Details {
    /// Bytes, as `docker system df -v` counts them.
    pub size: u64,
    /// The newest time of change of anything in it.
    pub last_write: Option<Time>,
}

/// The volumes that the filters take.
///
/// # Errors
/// When volumes or containers cannot be read. A damaged container uses nothing, as for dockerd.
pub fn list(home: &Home, filters: &VolumeFilters) -> Result<Vec<ListedVolume>, VolumeError> {
    let containers = home.containers().load_all()?.containers;
    Ok(list_of(home.volumes().list()?, &containers, filters))
}

/// [`list`] of what was read already.
pub fn list_of(volumes: Vec<Volume>, containers: &[Container], filters: &VolumeFilters) -> Vec<ListedVolume> {
    let mut points: BTreeMap<&str, Vec<(&Container, &MountPoint)>> = BTreeMap::new();
    for container in containers {
        for point in container.record.mounts() {
            if let Some(name) = point.volume() {
                points.entry(name).or_default().push((container, point));
            }
        }
    }
    let listed = volumes.into_iter().map(|volume| {
        let mut used = points.get(volume.name.as_str()).cloned().unwrap_or_default();
        used.sort_by_key(|(container, _)| container.record.created);
        let origin = used.iter().find(|(_, point)| point.is_anonymous_volume()).map(|(container, _)| Origin {
            container: container.record.name().to_owned(),
            image: container.record.config.image.clone(),
        });
        let users = used.iter().map(|(container, point)| User {
            id: container.id.to_string(),
            name: container.record.name().to_owned(),
            writes: point.rw,
        });
        ListedVolume { users: users.collect(), origin, volume }
    });
    listed.filter(|listed| filters.take(&listed.volume, !listed.users.is_empty())).collect()
}

/// How big a volume is, and when it was written to last.
///
/// # Errors
/// What could not be read.
pub fn details(volume: &Volume) -> Result<Details, VolumeError> {
    let size = match sys::tree_size(&volume.mountpoint) {
        Ok(size) => size.bytes,
        Err(error) if error.is_not_found() => 0,
        Err(error) => return Err(error.into()),
    };
    Ok(Details { size, last_write: newest(&volume.mountpoint) })
}

/// The newest change in a tree; symlinks are not followed, what vanishes is left out.
fn newest(top: &Path) -> Option<Time> {
    let mut newest = None;
    let mut left = vec![top.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(seen) = path.symlink_metadata() else { continue };
        let time = Time::from_unix_nanos(i128::from(seen.mtime()) * 1_000_000_000 + i128::from(seen.mtime_nsec()));
        newest = newest.max(Some(time));
        if seen.is_dir() {
            left.extend(sys::list_dir(&path).unwrap_or_default().into_iter().map(|name| path.join(name)));
        }
    }
    newest
}
