//! `--mount`, checked and read as dockerd does it. Pure.
//!
//! moby 20.10, volume/mounts/linux_parser.go `validateMountConfigImpl`, `parseMountSpec`.

use base::gopath;
use containers::{MountPoint, config_v2::Mount};

/// Why a `--mount` is refused. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid mount config for type \"{kind}\": {reason}")]
pub struct BadMount {
    /// `bind`, `volume` or `tmpfs`; or what was given in their place.
    pub kind: String,
    /// What is wrong.
    pub reason: String,
}

const PROPAGATIONS: [&str; 6] = ["private", "rprivate", "slave", "rslave", "shared", "rshared"];

/// The mount point that a `--mount` asks for. A volume without a name has none yet. `exists` says
/// whether a path of the host is there.
///
/// # Errors
/// [`BadMount`].
pub fn parse_mount(mount: &Mount, exists: &dyn Fn(&str) -> bool) -> Result<MountPoint, BadMount> {
    check(mount, exists).map_err(|reason| BadMount { kind: mount.kind.clone(), reason })?;
    let point = MountPoint {
        rw: !mount.read_only,
        destination: clean(&mount.target),
        kind: mount.kind.clone(),
        spec: mount.clone(),
        ..MountPoint::default()
    };
    Ok(match mount.kind.as_str() {
        "volume" => {
            let driver = mount.volume_options.as_ref().and_then(|options| options.driver_config.as_ref());
            let driver = driver.map(|driver| driver.name.clone()).unwrap_or_default();
            MountPoint { name: mount.source.clone(), driver, ..point }
        }
        "bind" => {
            let wanted = mount.bind_options.as_ref().map(|options| options.propagation.clone());
            let propagation = wanted.filter(|mode| !mode.is_empty()).unwrap_or_else(|| "rprivate".to_owned());
            MountPoint { source: clean(&mount.source), propagation, skip_mountpoint_creation: true, ..point }
        }
        _ => point,
    })
}

fn check(mount: &Mount, exists: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let empty = |field: &str| Err(format!("field {field} must not be empty"));
    let extra = |field: &str| Err(format!("field {field} must not be specified"));
    let absolute = |path: &str| match path.starts_with('/') {
        true => Ok(()),
        false => Err(format!("invalid mount path: '{path}' mount path must be absolute")),
    };
    if mount.target.is_empty() {
        return empty("Target");
    }
    if clean(&mount.target) == "/" {
        return Err("invalid specification: destination can't be '/'".to_owned());
    }
    absolute(&mount.target)?;
    match mount.kind.as_str() {
        "bind" => {
            if mount.source.is_empty() {
                return empty("Source");
            }
            let propagation = mount.bind_options.as_ref().map_or("", |options| &options.propagation);
            if !propagation.is_empty() && !PROPAGATIONS.contains(&propagation) {
                return Err(format!("invalid propagation mode: {propagation}"));
            }
            if mount.volume_options.is_some() {
                return extra("VolumeOptions");
            }
            absolute(&mount.source)?;
            if !exists(&mount.source) {
                return Err(format!("bind source path does not exist: {}", mount.source));
            }
        }
        "volume" => {
            if mount.bind_options.is_some() {
                return extra("BindOptions");
            }
            if mount.source.is_empty() && mount.read_only {
                return Err("must not set ReadOnly mode when using anonymous volumes".to_owned());
            }
        }
        "tmpfs" => {
            if mount.bind_options.is_some() {
                return extra("BindOptions");
            }
            if !mount.source.is_empty() {
                return extra("Source");
            }
        }
        _ => return Err("mount type unknown".to_owned()),
    }
    Ok(())
}

fn clean(path: &str) -> String {
    String::from_utf8_lossy(&gopath::clean(path.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<MountPoint, BadMount> {
        let mount = crate::flags::mount(text).expect("a flag");
        parse_mount(&mount, &|path| path == "/there")
    }

    #[test]
    fn a_bind_must_be_there_and_a_volume_may_be_named() {
        let point = parsed("type=bind,src=/there,dst=/in//x,ro").expect("a bind");
        assert_eq!((point.source.as_str(), point.destination.as_str(), point.rw), ("/there", "/in/x", false));
        assert!(point.skip_mountpoint_creation && point.propagation == "rprivate");
        let point = parsed("src=v1,dst=/d").expect("a volume");
        assert_eq!((point.name.as_str(), point.kind.as_str()), ("v1", "volume"));
        assert_eq!(parsed("type=tmpfs,dst=/t").expect("a tmpfs").kind, "tmpfs");
    }

    #[test]
    fn what_means_nothing_is_refused_in_dockerds_words() {
        let words = |text| parsed(text).expect_err(text).to_string();
        let begin = "invalid mount config for type \"bind\":";
        assert_eq!(words("type=bind,src=/no,dst=/x"), format!("{begin} bind source path does not exist: /no"));
        assert_eq!(words("type=bind,dst=/x"), format!("{begin} field Source must not be empty"));
        assert_eq!(words("type=bogus,dst=/x"), "invalid mount config for type \"bogus\": mount type unknown");
        assert!(words("type=tmpfs,src=a,dst=/x").ends_with("field Source must not be specified"));
        assert!(words("dst=/x,ro").ends_with("must not set ReadOnly mode when using anonymous volumes"));
    }
}
