//! `config.v2.json`: a container's record. One line of JSON and a newline.
//!
//! What dockerd 20.10.24 writes for a new container, [`Record::to_bytes`] writes byte for byte.
//! A record that was read, of any version since 1.10, goes back in its own spelling. What makes
//! a whole dockerd crash cannot be written: `State` is never null, `Config` and
//! `NetworkSettings` never missing, an endpoint never `{}`.

mod config;
mod mount_point;
mod network;
mod state;

use std::collections::BTreeMap;

use base::{ContainerId, ImageId, Time, gojson};
use serde_json::Value;

pub use self::{
    config::{Config, HealthConfig},
    mount_point::{BindOptions, Mount, MountPoint, TmpfsOptions, VolumeDriver, VolumeOptions},
    network::{Endpoint, IpamConfig, NetworkSettings, PortBinding, PortMap},
    state::{Health, Probe, State},
};
use crate::go_object::{Empty, go_object};

/// What a file `config.v2.json` has that no record has.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// It is not JSON, or a value has the wrong type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A dockerd that reads this crashes.
    #[error("it has no Config")]
    NoConfig,
    /// dockerd: `Container X is stored at Y`.
    #[error("container {0} is stored in it")]
    OtherContainer(String),
}

/// Why a new record must not be written: dockerd would not list or not start it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A field that dockerd needs is empty.
    #[error("the record of a container must have {0}")]
    Missing(&'static str),
    /// `ps` would cut off the first character.
    #[error("the name {0:?} must begin with a slash")]
    Name(String),
}

go_object! {
    /// A container's record (moby 20.10, container/container.go `Container`).
    pub struct Record {
        /// Always `{}`.
        pub stream_config: Empty = "StreamConfig",
        /// Whether it runs, and how it last ended.
        pub state: State = "State" always,
        /// Equal to the directory's name.
        pub id: String = "ID",
        /// When it was created.
        pub created: Time = "Created",
        /// Whether swarm made it.
        pub managed: bool = "Managed",
        /// The executable.
        pub path: String = "Path",
        /// Its arguments, without the executable.
        pub args: Option<Vec<String>> = "Args",
        /// What is the same on every host.
        pub config: Config = "Config" always,
        /// `sha256:…` of the image's config; with a containerd store, of its manifest. See
        /// [`Record::image_id`].
        pub image: String = "Image",
        /// Which networks it is on.
        pub network_settings: NetworkSettings = "NetworkSettings" always,
        /// Path of the log, from the first start on.
        pub log_path: String = "LogPath",
        /// With a leading slash. See [`Record::name`].
        pub stored_name: String = "Name",
        /// The storage driver. dockerd does not see containers of another.
        pub driver: String = "Driver",
        /// `linux`; empty before 17.11.
        pub os: String = "OS",
        /// SELinux label of its files.
        pub mount_label: String = "MountLabel",
        /// SELinux label of its processes.
        pub process_label: String = "ProcessLabel",
        /// How often its restart policy has started it.
        pub restart_count: i64 = "RestartCount",
        /// With a restart policy, this makes dockerd start it at its own start.
        pub has_been_started_before: bool = "HasBeenStartedBefore",
        /// For `unless-stopped`.
        pub has_been_manually_stopped: bool = "HasBeenManuallyStopped",
        /// By destination.
        pub mount_points: Option<BTreeMap<String, MountPoint>> = "MountPoints",
        /// Swarm's.
        pub secret_references: Option<Vec<Value>> = "SecretReferences",
        /// Swarm's.
        pub config_references: Option<Vec<Value>> = "ConfigReferences",
        /// Empty for the default, or `unconfined`.
        pub app_armor_profile: String = "AppArmorProfile",
        /// Path of the file mounted on `/etc/hostname`, from the first start on.
        pub hostname_path: String = "HostnamePath",
        /// Path of the file mounted on `/etc/hosts`.
        pub hosts_path: String = "HostsPath",
        /// Path of what is mounted on `/dev/shm`, if others may share it.
        pub shm_path: String = "ShmPath",
        /// Path of the file mounted on `/etc/resolv.conf`.
        pub resolv_conf_path: String = "ResolvConfPath",
        /// Empty for the default, `unconfined`, or the profile itself.
        pub seccomp_profile: String = "SeccompProfile",
        /// `--security-opt no-new-privileges`.
        pub no_new_privileges: bool = "NoNewPrivileges",
        /// Of log drivers that cannot be read back.
        pub local_log_cache_meta: LocalLogCacheMeta = "LocalLogCacheMeta",
    }

    /// State of the cache for log drivers that cannot be read back.
    pub struct LocalLogCacheMeta {
        /// Unused by us.
        pub have_notify_enabled: bool = "HaveNotifyEnabled",
    }
}

impl Record {
    /// The record of a container that nobody has started, as `docker create` makes it.
    ///
    /// The caller fills in `path`, `args`, `config`, `image`, `network_settings`,
    /// `mount_points`; see [`Record::fit_to_write`].
    pub fn new(id: &ContainerId, name: &str, driver: &str, created: Time) -> Self {
        Self {
            id: id.to_string(),
            stored_name: format!("/{name}"),
            driver: driver.to_owned(),
            created,
            os: "linux".to_owned(),
            args: Some(Vec::new()),
            mount_points: Some(BTreeMap::new()),
            ..Self::default()
        }
    }

    /// Reads `config.v2.json` of the container whose directory is called `id`.
    ///
    /// As dockerd does: bytes after the first JSON value are not looked at, what is not UTF-8
    /// becomes U+FFFD, an absent ID is the directory's name.
    ///
    /// # Errors
    /// [`BadRecord`] for what dockerd would not load, or would crash on.
    pub fn parse(bytes: &[u8], id: &ContainerId) -> Result<Self, BadRecord> {
        let mut record: Self = crate::from_json(bytes)?;
        let has =
            |key: &str| Self::KEYS.iter().position(|known| *known == key).is_some_and(|at| record.spelling.knows(at));
        if !has("Config") {
            return Err(BadRecord::NoConfig);
        }
        if record.id.is_empty() {
            record.id = id.to_string();
        }
        if record.id != id.as_str() {
            return Err(BadRecord::OtherContainer(record.id));
        }
        Ok(record)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        gojson::to_line(self).expect("a record has string keys only")
    }

    /// Whether dockerd would list and start a container with this record. For new ones: an old
    /// record that is no better must still be saved when its container stops.
    ///
    /// # Errors
    /// [`Unfit`] names the field.
    pub fn fit_to_write(&self) -> Result<(), Unfit> {
        let needed = [
            ("an ID", &self.id),
            ("a Path", &self.path),
            ("a Driver", &self.driver),
            ("an Image", &self.image),
            ("a Config.Image", &self.config.image),
        ];
        if let Some((what, _)) = needed.iter().find(|(_, value)| value.is_empty()) {
            return Err(Unfit::Missing(what));
        }
        if !self.stored_name.starts_with('/') || self.stored_name.len() < 2 {
            return Err(Unfit::Name(self.stored_name.clone()));
        }
        Ok(())
    }

    /// The name without its slash; empty if there is none.
    pub fn name(&self) -> &str {
        self.stored_name.strip_prefix('/').unwrap_or(&self.stored_name)
    }

    /// The image's id, if `image` is one.
    pub fn image_id(&self) -> Option<ImageId> {
        self.image.parse().ok()
    }

    /// Executable and arguments as `docker ps` shows them: an argument with a space in single
    /// quotes, nothing escaped.
    ///
    /// moby 20.10, container/view.go `transform`.
    pub fn command(&self) -> String {
        let quoted = |arg: &String| if arg.contains(' ') { format!(" '{arg}'") } else { format!(" {arg}") };
        self.args.iter().flatten().map(quoted).fold(self.path.clone(), |shown, arg| shown + &arg)
    }

    /// The mount points in order of their keys.
    pub fn mounts(&self) -> impl Iterator<Item = &MountPoint> {
        self.mount_points.iter().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_as_docker_ps_does() {
        let args = ["-c", "echo 'a b'", "", "x"].map(str::to_owned);
        let record = Record { path: "sh".to_owned(), args: Some(args.into()), ..Record::default() };
        assert_eq!(record.command(), "sh -c 'echo 'a b''  x");
    }

    #[test]
    fn what_crashes_dockerd_cannot_be_written() {
        let id = "ab".parse().expect("it is an id");
        let text = br#"{"State":null,"Config":{},"NetworkSettings":{"Networks":{"none":{},"x":null}}}"#;
        let record = Record::parse(text, &id).expect("we can live with it");
        let written: Value = serde_json::from_slice(&record.to_bytes()).expect("we write JSON");
        assert!(written["State"].is_object() && written["Config"].is_object(), "{written}");
        for network in ["none", "x"] {
            assert_eq!(written["NetworkSettings"]["Networks"][network]["NetworkID"], "", "{written}");
        }
        let bare = Record::parse(br#"{"Config":{}}"#, &id).expect("we can live with it");
        let written: Value = serde_json::from_slice(&bare.to_bytes()).expect("we write JSON");
        assert!(written["NetworkSettings"].is_object(), "{written}");
    }

    #[test]
    fn bytes_that_are_not_utf8_and_bytes_behind_the_record_do_no_harm() {
        let id = "ab".parse().expect("it is an id");
        let record = Record::parse(b"{\"Config\":{},\"Path\":\"a\xffb\"}\n}garbage", &id).expect("dockerd reads it");
        assert_eq!(record.path, "a\u{fffd}b");
    }
}
