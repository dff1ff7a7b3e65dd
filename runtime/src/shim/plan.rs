//! `shim.json`: what a shim is told, and what cleaning up after a lost one needs to know.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    path::{Path, PathBuf},
};

use base::ContainerId;
use serde::{Deserialize, Serialize};

use super::{health::HealthPlan, protocol::Attach};
use crate::{logging::Log, policy::Policy};

/// A mount to end when the container ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Where it is mounted.
    pub path: PathBuf,
    /// Whether the mount point goes too (overlay2's `merged`).
    pub remove_dir: bool,
}

/// What a container's networks need as long as it runs, and are taken down by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnNetworks {
    /// Where it is written who is on them.
    pub place: PathBuf,
    /// Ports of the host that lead to it; the shim holds them.
    pub ports: Vec<networks::Published>,
    /// The begin of the sentence, if one of them is gone: `driver failed … on endpoint web (…)`.
    pub blame: String,
}

/// The content of `shim.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub container: ContainerId,
    pub data_root: PathBuf,
    pub storage_driver: String,
    /// Whether containers may be on bridges: for its next start.
    #[serde(default)]
    pub bridge: bool,
    /// Its place on networks.
    #[serde(default)]
    pub network: Option<OnNetworks>,
    pub cgroup: PathBuf,
    /// Its log, if one is kept.
    pub log: Option<Log>,
    /// A pipe, else `/dev/null`.
    pub stdin: bool,
    /// A terminal in place of pipes.
    #[serde(default)]
    pub tty: bool,
    /// The first client that has nothing more to say closes it.
    pub stdin_once: bool,
    /// Who may open `/dev/stdout` in the container.
    pub stdio_owner: u32,
    /// Init is not first in a pid namespace of its own: its end does not end the others.
    pub shares_pids: bool,
    pub release: Vec<Release>,
    pub auto_remove: bool,
    /// Whether it is started again when it has ended.
    #[serde(default)]
    pub restart: Option<Policy>,
    /// How its health is seen, if it is.
    #[serde(default)]
    pub health: Option<HealthPlan>,
    /// A client is connected from the beginning, on descriptor 5.
    pub attached: Option<Attach>,
}

pub(super) const FILE: &str = "shim.json";

impl Plan {
    /// What `dir` says.
    pub fn load(dir: &Path) -> Result<Self, sys::Error> {
        let path = dir.join(FILE);
        let file = File::open(&path).map_err(|error| sys::Error::new("open", &path, error))?;
        Self::read(&file, dir)
    }

    /// What the open `shim.json` of `dir` says.
    pub fn read(mut file: &File, dir: &Path) -> Result<Self, sys::Error> {
        let path = dir.join(FILE);
        let failed = |error| sys::Error::new("read", &path, error);
        file.rewind().map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|bad| failed(bad.into()))
    }

    /// Ends what was mounted for the container, and takes it off its networks. Goes on after an error and returns the first.
    pub fn release(&self) -> sys::Result<()> {
        let mounts = self.release.iter().map(Release::run).fold(Ok(()), Result::and);
        let Some(network) = &self.network else { return mounts };
        let left = networks::Place::at(network.place.clone()).leave(&self.container);
        mounts.and(left.map_err(|error| match error {
            networks::NetworkError::System(error) => error,
            other => sys::Error::new("leave", &network.place, std::io::Error::other(other.to_string())),
        }))
    }
}

impl Release {
    /// Unmounts; what is not mounted, or not there, is fine.
    pub(super) fn run(&self) -> sys::Result<()> {
        use rustix::io::Errno;
        match sys::unmount_detach(&self.path) {
            Err(error) if !matches!(error.errno(), Some(Errno::INVAL | Errno::NOENT)) => return Err(error),
            _ => {}
        }
        if !self.remove_dir {
            return Ok(());
        }
        match sys::remove_dir(&self.path) {
            // Somebody put something there after the mount was gone: it is not ours to remove.
            Err(error) if error.errno() == Some(Errno::NOTEMPTY) => Ok(()),
            other => other,
        }
    }
}
