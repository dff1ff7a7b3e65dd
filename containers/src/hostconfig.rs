//! `hostconfig.json`: what depends on the host: limits, mounts, namespaces, capabilities. One
//! line of JSON and a newline.
//!
//! dockerd fills in its defaults when it *creates* a container and never again, so most fields
//! mean what they say: no `MaskedPaths` (null) is the default list, an empty list masks nothing.
//! The order is 20.10.24's; keys that only 28 and 29 know stay where they were read.

use std::collections::BTreeMap;

use base::gojson;
use serde_json::Value;

use crate::{
    config_v2::{Mount, PortMap},
    go_object::go_object,
};

/// What a file `hostconfig.json` has that no host config has.
#[derive(Debug, thiserror::Error)]
pub enum BadHostConfig {
    /// It is not JSON, or a value has the wrong type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A dockerd that reads this crashes.
    #[error("it is null")]
    Null,
}

go_object! {
    /// What depends on the host (moby 20.10, api/types/container `HostConfig`).
    pub struct HostConfig {
        /// `-v` as typed, `SOURCE:DESTINATION[:MODE]`, binds and named volumes.
        pub binds: Option<Vec<String>> = "Binds",
        /// `--cidfile`.
        pub container_id_file: String = "ContainerIDFile",
        /// Where the output goes.
        pub log_config: LogConfig = "LogConfig",
        /// `none`, `host`, `default`, `bridge`, `container:ID` or a network's name.
        pub network_mode: String = "NetworkMode",
        /// `-p`.
        pub port_bindings: Option<PortMap> = "PortBindings",
        /// `--restart`.
        pub restart_policy: RestartPolicy = "RestartPolicy",
        /// `--rm`: whoever sees it end removes it.
        pub auto_remove: bool = "AutoRemove",
        /// Of anonymous volumes.
        pub volume_driver: String = "VolumeDriver",
        /// `--volumes-from`.
        pub volumes_from: Option<Vec<String>> = "VolumesFrom",
        /// Given to the runtime (24.0).
        pub annotations: Option<BTreeMap<String, String>> = "Annotations" omit,
        /// `--cap-add`, with or without `CAP_`.
        pub cap_add: Option<Vec<String>> = "CapAdd",
        /// `--cap-drop`.
        pub cap_drop: Option<Vec<String>> = "CapDrop",
        /// `host` or `private`.
        pub cgroupns_mode: String = "CgroupnsMode",
        /// `--dns`.
        pub dns: Option<Vec<String>> = "Dns",
        /// `--dns-option`.
        pub dns_options: Option<Vec<String>> = "DnsOptions",
        /// `--dns-search`.
        pub dns_search: Option<Vec<String>> = "DnsSearch",
        /// `--add-host`, `NAME:ADDRESS`.
        pub extra_hosts: Option<Vec<String>> = "ExtraHosts",
        /// `--group-add`.
        pub group_add: Option<Vec<String>> = "GroupAdd",
        /// `private`, `shareable`, `host`, `none`, `container:ID`.
        pub ipc_mode: String = "IpcMode",
        /// Unused.
        pub cgroup: String = "Cgroup",
        /// `--link`.
        pub links: Option<Vec<String>> = "Links",
        /// `--oom-score-adj`.
        pub oom_score_adj: i64 = "OomScoreAdj",
        /// Empty, `host`, `container:ID`.
        pub pid_mode: String = "PidMode",
        /// `--privileged`.
        pub privileged: bool = "Privileged",
        /// `-P`.
        pub publish_all_ports: bool = "PublishAllPorts",
        /// `--read-only`.
        pub readonly_rootfs: bool = "ReadonlyRootfs",
        /// `--security-opt`.
        pub security_opt: Option<Vec<String>> = "SecurityOpt",
        /// `--storage-opt`.
        pub storage_opt: Option<BTreeMap<String, String>> = "StorageOpt" omit,
        /// `--tmpfs`: options by destination.
        pub tmpfs: Option<BTreeMap<String, String>> = "Tmpfs" omit,
        /// Empty or `host`.
        pub uts_mode: String = "UTSMode",
        /// Empty or `host`.
        pub userns_mode: String = "UsernsMode",
        /// Bytes of `/dev/shm`.
        pub shm_size: i64 = "ShmSize",
        /// `--sysctl`.
        pub sysctls: Option<BTreeMap<String, String>> = "Sysctls" omit,
        /// `runc`.
        pub runtime: String = "Runtime" omit,
        /// Height and width of the terminal at first.
        pub console_size: [u64; 2] = "ConsoleSize",
        /// Windows only.
        pub isolation: String = "Isolation",
        /// `--cpu-shares`.
        pub cpu_shares: i64 = "CpuShares",
        /// Bytes; 0 for no limit.
        pub memory: i64 = "Memory",
        /// `--cpus`, in billionths of a processor.
        pub nano_cpus: i64 = "NanoCpus",
        /// `--cgroup-parent`.
        pub cgroup_parent: String = "CgroupParent",
        /// `--blkio-weight`.
        pub blkio_weight: u16 = "BlkioWeight",
        /// `--blkio-weight-device`.
        pub blkio_weight_device: Option<Vec<WeightDevice>> = "BlkioWeightDevice",
        /// `--device-read-bps`.
        pub blkio_device_read_bps: Option<Vec<ThrottleDevice>> = "BlkioDeviceReadBps",
        /// `--device-write-bps`.
        pub blkio_device_write_bps: Option<Vec<ThrottleDevice>> = "BlkioDeviceWriteBps",
        /// `--device-read-iops`.
        pub blkio_device_read_iops: Option<Vec<ThrottleDevice>> = "BlkioDeviceReadIOps",
        /// `--device-write-iops`.
        pub blkio_device_write_iops: Option<Vec<ThrottleDevice>> = "BlkioDeviceWriteIOps",
        /// `--cpu-period`, microseconds.
        pub cpu_period: i64 = "CpuPeriod",
        /// `--cpu-quota`, microseconds.
        pub cpu_quota: i64 = "CpuQuota",
        /// `--cpu-rt-period`, microseconds.
        pub cpu_realtime_period: i64 = "CpuRealtimePeriod",
        /// `--cpu-rt-runtime`, microseconds.
        pub cpu_realtime_runtime: i64 = "CpuRealtimeRuntime",
        /// `--cpuset-cpus`.
        pub cpuset_cpus: String = "CpusetCpus",
        /// `--cpuset-mems`.
        pub cpuset_mems: String = "CpusetMems",
        /// `--device`.
        pub devices: Option<Vec<DeviceMapping>> = "Devices",
        /// `--device-cgroup-rule`.
        pub device_cgroup_rules: Option<Vec<String>> = "DeviceCgroupRules",
        /// `--gpus`.
        pub device_requests: Option<Vec<Value>> = "DeviceRequests",
        /// Bytes; gone in 28.
        pub kernel_memory: i64 = "KernelMemory",
        /// Bytes; gone in 28.
        pub kernel_memory_tcp: i64 = "KernelMemoryTCP",
        /// Bytes.
        pub memory_reservation: i64 = "MemoryReservation",
        /// Memory and swap together, bytes; -1 for no limit.
        pub memory_swap: i64 = "MemorySwap",
        /// 0 to 100; none or -1 for the kernel's default.
        pub memory_swappiness: Option<i64> = "MemorySwappiness",
        /// `--oom-kill-disable`.
        pub oom_kill_disable: Option<bool> = "OomKillDisable",
        /// 0 or -1 for no limit.
        pub pids_limit: Option<i64> = "PidsLimit",
        /// `--ulimit`.
        pub ulimits: Option<Vec<Ulimit>> = "Ulimits",
        /// Windows only.
        pub cpu_count: i64 = "CpuCount",
        /// Windows only.
        pub cpu_percent: i64 = "CpuPercent",
        /// Windows only.
        pub io_maximum_iops: u64 = "IOMaximumIOps",
        /// Windows only.
        pub io_maximum_bandwidth: u64 = "IOMaximumBandwidth",
        /// `--mount`.
        pub mounts: Option<Vec<Mount>> = "Mounts" omit,
        /// Null for the default, empty for none.
        pub masked_paths: Option<Vec<String>> = "MaskedPaths",
        /// Null for the default, empty for none.
        pub readonly_paths: Option<Vec<String>> = "ReadonlyPaths",
        /// `--init`.
        pub init: Option<bool> = "Init" omit,
    }

    /// Where the output goes.
    pub struct LogConfig {
        /// `json-file`; empty, 28 and 29 cannot start the container.
        pub kind: String = "Type",
        /// `--log-opt`.
        pub config: Option<BTreeMap<String, String>> = "Config",
    }

    /// When it is started again.
    pub struct RestartPolicy {
        /// `no`, `always`, `on-failure`, `unless-stopped`; empty counts as `no`.
        pub name: String = "Name",
        /// Of `on-failure`; 0 for no limit.
        pub maximum_retry_count: i64 = "MaximumRetryCount",
    }

    /// Share of a block device.
    pub struct WeightDevice {
        /// `/dev/sda`.
        pub path: String = "Path",
        /// 10 to 1000.
        pub weight: u16 = "Weight",
    }

    /// Limit on a block device.
    pub struct ThrottleDevice {
        /// `/dev/sda`.
        pub path: String = "Path",
        /// Bytes or operations per second.
        pub rate: u64 = "Rate",
    }

    /// A device of the host in the container.
    pub struct DeviceMapping {
        /// `/dev/fuse`.
        pub path_on_host: String = "PathOnHost",
        /// `/dev/fuse`.
        pub path_in_container: String = "PathInContainer",
        /// Of `rwm`.
        pub cgroup_permissions: String = "CgroupPermissions",
    }

    /// A limit of the process, see setrlimit(2).
    pub struct Ulimit {
        /// `nofile`.
        pub name: String = "Name",
        /// -1 for none.
        pub hard: i64 = "Hard",
        /// -1 for none.
        pub soft: i64 = "Soft",
    }
}

/// Paths that dockerd 20.10 hides from a container, in its order.
pub const MASKED_PATHS: [&str; 10] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];

/// Paths that a container may read only.
pub const READONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

impl HostConfig {
    /// What `docker create` of 20.10.24 sends and its dockerd fills in, when no flag is given,
    /// on a host with cgroup v1; on cgroup v2 `cgroupns_mode` is `private`. `network_mode` is
    /// `default`.
    pub fn new() -> Self {
        let paths = |list: &[&str]| Some(list.iter().map(|path| (*path).to_owned()).collect());
        Self {
            log_config: LogConfig {
                kind: "json-file".to_owned(),
                config: Some(BTreeMap::new()),
                ..LogConfig::default()
            },
            network_mode: "default".to_owned(),
            port_bindings: Some(BTreeMap::new()),
            restart_policy: RestartPolicy { name: "no".to_owned(), ..RestartPolicy::default() },
            cgroupns_mode: "host".to_owned(),
            dns: Some(Vec::new()),
            dns_options: Some(Vec::new()),
            dns_search: Some(Vec::new()),
            ipc_mode: "private".to_owned(),
            shm_size: 64 << 20,
            runtime: "runc".to_owned(),
            blkio_weight_device: Some(Vec::new()),
            devices: Some(Vec::new()),
            oom_kill_disable: Some(false),
            masked_paths: paths(&MASKED_PATHS),
            readonly_paths: paths(&READONLY_PATHS),
            ..Self::default()
        }
    }

    /// Reads `hostconfig.json`.
    ///
    /// # Errors
    /// [`BadHostConfig`] for what dockerd would not load, or would crash on.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadHostConfig> {
        crate::from_json::<Option<Self>>(bytes)?.ok_or(BadHostConfig::Null)
    }

    /// What counts for a container without the file: dockerd 20.10 loads it with zeroes and then
    /// fills in the log driver alone.
    pub fn missing() -> Self {
        Self { log_config: LogConfig { kind: "json-file".to_owned(), ..LogConfig::default() }, ..Self::default() }
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        gojson::to_line(self).expect("a host config has string keys only")
    }
}
