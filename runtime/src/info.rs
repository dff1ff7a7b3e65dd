//! `info` and `version`: what this machine and this data root have.

use std::path::PathBuf;

/// What `info` tells.
#[derive(Debug, Clone)]
pub struct Info {
    /// The data root.
    pub data_root: PathBuf,
    /// Where running containers are.
    pub exec_root: PathBuf,
    /// The storage driver.
    pub driver: String,
    /// The driver's own lines, name and value.
    pub driver_status: Vec<(&'static str, String)>,
    /// How many containers there are: running, paused, stopped.
    pub containers: (usize, usize, usize),
    /// How many images.
    pub images: usize,
    /// Kernel release.
    pub kernel: String,
    /// The operating system's name.
    pub system: String,
    /// `x86_64` and so on.
    pub architecture: String,
    /// Processors.
    pub processors: usize,
    /// Bytes of memory.
    pub memory: u64,
    /// `1` or `2`.
    pub cgroup_version: u8,
    /// Host name.
    pub name: String,
    /// Whether a dockerd holds the data root now.
    pub live_dockerd: bool,
    /// What the user should know, one line each.
    pub warnings: Vec<String>,
}
