//! `MountPoints`: volumes, binds and tmpfs by destination; and `Mount`, the request for one, as
//! it also stands in `hostconfig.json`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::go_object::go_object;

go_object! {
    /// One volume, bind or tmpfs of a container (moby 20.10, volume/mounts/mounts.go).
    pub struct MountPoint {
        /// Path on the host; of a volume, empty until the first start.
        pub source: String = "Source",
        /// Path in the container. This counts, not the key it is stored under.
        pub destination: String = "Destination",
        /// Whether it may be written to.
        pub rw: bool = "RW",
        /// The volume's name; empty for binds and tmpfs.
        pub name: String = "Name",
        /// The volume's driver, `local`: without it the container cannot start.
        pub driver: String = "Driver",
        /// `volume`, `bind` or `tmpfs`; empty in old records.
        pub kind: String = "Type" omit,
        /// The third part of `-v`, as typed: `ro,z`. Called `Relabel` on disk.
        pub mode: String = "Relabel" omit,
        /// Of binds: `rprivate`.
        pub propagation: String = "Propagation" omit,
        /// 64 hex digits, made at the first use; volume drivers count users by it.
        pub id: String = "ID" omit,
        /// What was asked for. With an empty `Source` here, `rm -v` deletes the volume.
        pub spec: Mount = "Spec",
        /// Whether a missing source of a bind is an error (`--mount`), not made (`-v`).
        pub skip_mountpoint_creation: bool = "SkipMountpointCreation",
    }

    /// A mount as the API asks for it (moby 20.10, api/types/mount).
    pub struct Mount {
        /// `volume`, `bind` or `tmpfs`.
        pub kind: String = "Type" omit,
        /// A volume's name or a path on the host.
        pub source: String = "Source" omit,
        /// Path in the container.
        pub target: String = "Target" omit,
        /// Whether it must not be written to.
        pub read_only: bool = "ReadOnly" omit,
        /// For Docker Desktop.
        pub consistency: String = "Consistency" omit,
        /// Of `bind`.
        pub bind_options: Option<BindOptions> = "BindOptions" omit,
        /// Of `volume`.
        pub volume_options: Option<VolumeOptions> = "VolumeOptions" omit,
        /// Of `tmpfs`.
        pub tmpfs_options: Option<TmpfsOptions> = "TmpfsOptions" omit,
    }

    /// Options of a bind.
    pub struct BindOptions {
        /// `rprivate` and its five fellows.
        pub propagation: String = "Propagation" omit,
        /// Whether mounts below the source stay behind.
        pub non_recursive: bool = "NonRecursive" omit,
    }

    /// Options of a volume.
    pub struct VolumeOptions {
        /// Whether an empty volume stays empty.
        pub no_copy: bool = "NoCopy" omit,
        /// Labels, if this makes the volume.
        pub labels: Option<BTreeMap<String, String>> = "Labels" omit,
        /// Driver, if this makes the volume.
        pub driver_config: Option<VolumeDriver> = "DriverConfig" omit,
    }

    /// A volume's driver and its options.
    pub struct VolumeDriver {
        /// `local`.
        pub name: String = "Name" omit,
        /// As `volume create -o`.
        pub options: Option<BTreeMap<String, String>> = "Options" omit,
    }

    /// Options of a tmpfs.
    pub struct TmpfsOptions {
        /// Bytes; 0 for the kernel's default.
        pub size_bytes: i64 = "SizeBytes" omit,
        /// Permission bits.
        pub mode: u32 = "Mode" omit,
        /// Further options (28).
        pub options: Option<Value> = "Options" omit,
    }
}

impl MountPoint {
    /// The volume's name, if this is a volume: an entry without a type is one if it has a driver.
    ///
    /// moby 20.10, daemon/volumes.go `backportMountSpec` and volume/mounts.
    pub fn volume(&self) -> Option<&str> {
        let is_volume = self.kind == "volume" || (self.kind.is_empty() && !self.driver.is_empty());
        (is_volume && !self.name.is_empty()).then_some(self.name.as_str())
    }

    /// Whether `rm -v` deletes the volume: nobody named it when asking for it.
    ///
    /// moby 20.10, daemon/mounts.go `removeMountPoints`.
    pub fn is_anonymous_volume(&self) -> bool {
        self.volume().is_some() && self.spec.source.is_empty()
    }
}
