//! `info` and `version`: what this machine and this data root have.

use std::path::PathBuf;

use crate::{
    home::{Home, HomeError},
    host::HostFacts,
    network, truth,
};

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

/// Why this cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// The data root cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its images cannot be read.
    #[error(transparent)]
    Images(#[from] images::Error),
    /// Its containers cannot be read.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Looks at this machine and this data root. Writes nothing.
///
/// # Errors
/// [`InfoError`]; damaged containers are warnings.
pub fn info(home: &Home) -> Result<Info, InfoError> {
    let facts = HostFacts::of_this_host();
    let mut listing = home.containers().load_all()?;
    let mut counts = (0, 0, 0);
    for container in &mut listing.containers {
        truth::correct(home, container);
        let state = &container.record.state;
        match (state.running, state.paused) {
            (true, true) => counts.1 += 1,
            (true, false) => counts.0 += 1,
            _ => counts.2 += 1,
        }
    }
    let mut warnings: Vec<_> = listing.findings.iter().map(|finding| crate::words::chain(finding)).collect();
    let missing = [(facts.memory, "memory limit"), (facts.swap, "swap limit"), (facts.pids, "pids limit")];
    warnings.extend(missing.iter().filter(|(there, _)| !there).map(|(_, what)| format!("No {what} support")));
    let kernel = nix::sys::utsname::uname().ok();
    let word = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    Ok(Info {
        data_root: home.data_root().to_owned(),
        exec_root: home.exec_root().to_owned(),
        driver: home.driver_name().to_owned(),
        driver_status: home.layers()?.driver().status(),
        containers: counts,
        images: home.images().ids()?.len(),
        kernel: kernel.as_ref().map(|kernel| word(kernel.release())).unwrap_or_default(),
        system: system_name(),
        architecture: std::env::consts::ARCH.to_owned(),
        processors: facts.processors,
        memory: total_memory(),
        cgroup_version: if facts.cgroup_v2 { 2 } else { 1 },
        name: network::host_name(),
        live_dockerd: home.live_dockerd()?,
        warnings,
    })
}

/// `PRETTY_NAME` of os-release.
fn system_name() -> String {
    let text = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| std::fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "Linux".to_owned(), |name| name.trim_matches(['"', '\'']).to_owned())
}

/// Bytes, of `/proc/meminfo`, which counts in units of 1024.
pub(crate) fn total_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}
