//! Devices of the host, looked up when a container starts: those of `--device`, all for a
//! privileged container, and those whose use is limited.
//!
//! moby 20.10, oci/devices_linux.go `DevicesFromPath`, daemon/oci_linux.go `WithDevices`.

use std::{
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

use containers::HostConfig;
use serde_json::json;

use crate::spec::{Device, Throttles};

/// A device that cannot be given. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
#[error("error gathering device information while adding custom device \"{path}\": {reason}")]
pub struct BadDevice {
    /// On the host.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// A limit on a device that is not there. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
#[error("stat {path}: {reason}")]
pub struct BadThrottle {
    /// On the host.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// The devices a container asks for. A directory stands for the devices in it. A privileged
/// container has all of the host's, and of `--device` those that it sees under another name.
///
/// # Errors
/// [`BadDevice`] for the first that is not there, or is none.
pub(crate) fn look_up(host: &HostConfig) -> Result<Vec<Device>, BadDevice> {
    let mut found = Vec::new();
    if host.privileged {
        of_dir(Path::new("/dev"), Path::new("/dev"), "rwm", &mut found);
    }
    for wanted in host.devices.iter().flatten() {
        if host.privileged && wanted.path_on_host == wanted.path_in_container {
            continue;
        }
        let access = if host.privileged { "rwm" } else { wanted.cgroup_permissions.as_str() };
        let (path, inside) = (Path::new(&wanted.path_on_host), Path::new(&wanted.path_in_container));
        let bad = |reason: &str| BadDevice { path: wanted.path_on_host.clone(), reason: reason.to_owned() };
        let metadata = std::fs::metadata(path).map_err(|error| bad(&why(&error)))?;
        if metadata.is_dir() {
            let before = found.len();
            of_dir(path, inside, access, &mut found);
            if found.len() == before {
                return Err(bad("not a device node"));
            }
        } else {
            found.push(of(&metadata, inside, access).ok_or_else(|| bad("not a device node"))?);
        }
    }
    Ok(found)
}

fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}

/// Those below a directory, but for what is no device of the host's own (runc 1.1,
/// libcontainer/devices `GetDevices`).
fn of_dir(dir: &Path, inside: &Path, access: &str, found: &mut Vec<Device>) {
    const OTHERS: [&str; 7] = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"];
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let (path, inside) = (dir.join(&name), inside.join(&name));
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            if !OTHERS.iter().any(|other| name == *other) {
                of_dir(&path, &inside, access, found);
            }
        } else if name != "console" {
            found.extend(of(&metadata, &inside, access));
        }
    }
}

fn of(metadata: &std::fs::Metadata, inside: &Path, access: &str) -> Option<Device> {
    let kind = match metadata.file_type() {
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => return None,
    };
    Some(Device {
        path: inside.to_owned(),
        kind,
        major: i64::from(libc::major(metadata.rdev())),
        minor: i64::from(libc::minor(metadata.rdev())),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        access: access.to_owned(),
    })
}

/// The limits on block devices, with the devices' numbers (moby 20.10, daemon_unix.go
/// `getBlkioThrottleDevices`, `getBlkioWeightDevices`).
///
/// # Errors
/// [`BadThrottle`] for the first device that is not there.
pub(crate) fn throttles(host: &HostConfig) -> Result<Throttles, BadThrottle> {
    let numbers = |path: &str| {
        let found = std::fs::metadata(path);
        let found = found.map_err(|error| BadThrottle { path: path.to_owned(), reason: why(&error) })?;
        Ok((libc::major(found.rdev()), libc::minor(found.rdev())))
    };
    let mut all = Throttles::default();
    let weights = host.blkio_weight_device.iter().flatten().map(|limit| {
        let (major, minor) = numbers(&limit.path)?;
        Ok(json!({"major": major, "minor": minor, "weight": limit.weight}))
    });
    let weights = weights.collect::<Result<Vec<_>, BadThrottle>>()?;
    let lists = [
        ("throttleReadBpsDevice", &host.blkio_device_read_bps),
        ("throttleWriteBpsDevice", &host.blkio_device_write_bps),
        ("throttleReadIOPSDevice", &host.blkio_device_read_iops),
        ("throttleWriteIOPSDevice", &host.blkio_device_write_iops),
    ];
    if !weights.is_empty() {
        all.0.push(("weightDevice", weights));
    }
    for (key, list) in lists {
        let limits = list.iter().flatten().map(|limit| {
            let (major, minor) = numbers(&limit.path)?;
            Ok(json!({"major": major, "minor": minor, "rate": limit.rate}))
        });
        let limits = limits.collect::<Result<Vec<_>, BadThrottle>>()?;
        if !limits.is_empty() {
            all.0.push((key, limits));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use containers::hostconfig::DeviceMapping;

    use super::*;

    fn of(path: &str) -> Result<Vec<Device>, BadDevice> {
        let mapping = DeviceMapping {
            path_on_host: path.to_owned(),
            path_in_container: "/dev/x".to_owned(),
            cgroup_permissions: "rw".to_owned(),
            ..DeviceMapping::default()
        };
        look_up(&HostConfig { devices: Some(vec![mapping]), ..HostConfig::new() })
    }

    #[test]
    fn a_device_has_its_numbers_and_the_rights_asked_for() {
        let found = of("/dev/null").expect("a device");
        assert_eq!((found[0].kind, found[0].major, found[0].minor), ('c', 1, 3));
        assert_eq!((found[0].access.as_str(), found[0].mode), ("rw", 0o666));
    }

    #[test]
    fn what_is_no_device_is_refused_in_dockerds_words() {
        let words = |path| of(path).expect_err(path).to_string();
        let begin = "error gathering device information while adding custom device";
        assert_eq!(words("/dev/nosuch"), format!("{begin} \"/dev/nosuch\": no such file or directory"));
        assert_eq!(words("/etc/passwd"), format!("{begin} \"/etc/passwd\": not a device node"));
    }

    #[test]
    fn a_privileged_container_has_the_hosts_devices_but_not_its_terminals() {
        let found = look_up(&HostConfig { privileged: true, ..HostConfig::new() }).expect("devices");
        let has = |path: &str| found.iter().any(|device| device.path == Path::new(path));
        assert!(has("/dev/null") && !has("/dev/console"));
        assert!(!found.iter().any(|device| device.path.starts_with("/dev/pts")));
    }

    #[test]
    fn a_limit_has_its_devices_numbers() {
        let limit = |path: &str| containers::hostconfig::ThrottleDevice {
            path: path.to_owned(),
            rate: 7,
            ..Default::default()
        };
        let of = |path| throttles(&HostConfig { blkio_device_read_bps: Some(vec![limit(path)]), ..HostConfig::new() });
        let expected = json!({"major": 1, "minor": 3, "rate": 7});
        assert_eq!(of("/dev/null").expect("a device").0, [("throttleReadBpsDevice", vec![expected])]);
        assert_eq!(of("/dev/nosuch").expect_err("none").to_string(), "stat /dev/nosuch: no such file or directory");
    }
}
