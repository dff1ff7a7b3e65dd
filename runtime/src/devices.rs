//! `--device`: devices of the host, looked up when a container starts.
//!
//! moby 20.10, oci/devices_linux.go `DevicesFromPath`.

use std::os::unix::fs::{FileTypeExt, MetadataExt};

use containers::HostConfig;

use crate::spec::Device;

/// A device that cannot be given. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
#[error("error gathering device information while adding custom device \"{path}\": {reason}")]
pub struct BadDevice {
    /// On the host.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// The devices a container asks for.
///
/// # Errors
/// [`BadDevice`] for the first that is not there, or is none.
pub(crate) fn look_up(host: &HostConfig) -> Result<Vec<Device>, BadDevice> {
    host.devices.iter().flatten().map(device).collect()
}

fn device(wanted: &containers::hostconfig::DeviceMapping) -> Result<Device, BadDevice> {
    let bad = |reason: &str| BadDevice { path: wanted.path_on_host.clone(), reason: reason.to_owned() };
    let found = std::fs::metadata(&wanted.path_on_host).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => bad("no such file or directory"),
        _ => bad(&error.to_string()),
    })?;
    let kind = match found.file_type() {
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => return Err(bad("not a device node")),
    };
    Ok(Device {
        path: wanted.path_in_container.clone().into(),
        kind,
        major: i64::from(libc::major(found.rdev())),
        minor: i64::from(libc::minor(found.rdev())),
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        access: wanted.cgroup_permissions.clone(),
    })
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
        assert_eq!(words("/etc"), format!("{begin} \"/etc\": not a device node"));
    }
}
