//! `<data root>/containers/`: which containers there are, and each with its two files.
//!
//! Every directory is a container, whatever it is called; dockerd makes them of 64 hex digits.
//! What is not whole is a [`Finding`] and hides nothing else. Names beginning with `.tmp-` are
//! containers of ours in the making or going (see [`Draft`]); dockerd logs and ignores them.
//!
//! Whether a container's layer is there, the layer store knows; dockerd up to 28 hides one
//! without.

mod draft;
mod error;
mod lookup;
mod write;

use std::{
    collections::BTreeMap,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use base::ContainerId;

pub use self::{
    draft::{Draft, Gone},
    error::{Finding, LoadError, LookupError, NameError, PublishError},
    lookup::Names,
    write::Locked,
};
use crate::{HostConfig, Record};

pub(crate) const RECORD: &str = "config.v2.json";
pub(crate) const HOST_CONFIG: &str = "hostconfig.json";

/// The containers of one data root and one storage driver.
#[derive(Debug, Clone)]
pub struct Containers {
    dir: PathBuf,
    driver: String,
}

/// A container as its two files say.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// The directory's name.
    pub id: ContainerId,
    /// `config.v2.json`.
    pub record: Record,
    /// `hostconfig.json`.
    pub host_config: HostConfig,
}

/// All containers, and what is not as it should be.
#[derive(Debug)]
pub struct Listing {
    /// In order of their ids.
    pub containers: Vec<Container>,
    /// In order of their ids.
    pub findings: Vec<Finding>,
}

impl Containers {
    /// Those that `driver` made under `data_root`. Touches nothing: the directory may be absent.
    pub fn open(data_root: &Path, driver: &str) -> Self {
        Self { dir: data_root.join("containers"), driver: driver.to_owned() }
    }

    /// `containers/`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory of one container.
    pub fn dir_of(&self, id: &ContainerId) -> PathBuf {
        self.dir.join(id)
    }

    /// Where the container's log is, `containers/<id>/<id>-json.log`.
    pub fn log_of(&self, id: &ContainerId) -> PathBuf {
        self.dir_of(id).join(format!("{id}-json.log"))
    }

    /// The ids of all containers, in order, whole or not. Reads no file.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn ids(&self) -> sys::Result<Vec<ContainerId>> {
        let names = sys::list_dir(&self.dir)?;
        let visible = names.iter().filter(|name| !sys::is_temporary(name));
        Ok(visible.filter_map(|name| String::from_utf8_lossy(name.as_bytes()).parse().ok()).collect())
    }

    /// One container.
    ///
    /// # Errors
    /// [`LoadError`] names the file and the cause.
    pub fn load(&self, id: &ContainerId) -> Result<Container, LoadError> {
        let record = self.load_record(id)?;
        let host_config = self.load_host_config(id)?;
        Ok(Container { id: id.clone(), record, host_config })
    }

    /// One container's record alone, at half the cost.
    ///
    /// # Errors
    /// As [`Containers::load`], but for the host config.
    pub fn load_record(&self, id: &ContainerId) -> Result<Record, LoadError> {
        let path = self.dir_of(id).join(RECORD);
        let Some(bytes) = sys::read_opt(&path)? else {
            return Err(if sys::exists(self.dir_of(id))? {
                LoadError::NoRecord(path)
            } else {
                LoadError::NotFound(id.to_string())
            });
        };
        let record = Record::parse(&bytes, id).map_err(|source| LoadError::Record { path, source })?;
        self.sees(id, &record)?;
        Ok(record)
    }

    fn load_host_config(&self, id: &ContainerId) -> Result<HostConfig, LoadError> {
        let path = self.dir_of(id).join(HOST_CONFIG);
        match sys::read_opt(&path)? {
            None => Ok(HostConfig::missing()),
            Some(bytes) => HostConfig::parse(&bytes).map_err(|source| LoadError::HostConfig { path, source }),
        }
    }

    /// moby 20.10, daemon.go `restore`: no driver is aufs, no system is linux.
    fn sees(&self, id: &ContainerId, record: &Record) -> Result<(), LoadError> {
        if !["", "linux"].contains(&record.os.as_str()) {
            return Err(LoadError::OtherOs { id: id.clone(), os: record.os.clone() });
        }
        let driver = if record.driver.is_empty() { "aufs" } else { &record.driver };
        if driver != self.driver {
            return Err(LoadError::OtherDriver { id: id.clone(), driver: driver.to_owned() });
        }
        Ok(())
    }

    /// All containers. A damaged one is a finding.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn load_all(&self) -> sys::Result<Listing> {
        self.load_with(|_| ())
    }

    /// As [`Containers::load_all`], but the host configs are only looked at, not kept: for who has
    /// thousands of containers and asks for their records.
    ///
    /// # Errors
    /// As [`Containers::load_all`].
    pub fn load_records(&self) -> sys::Result<Listing> {
        self.load_with(|container| container.host_config = HostConfig::default())
    }

    fn load_with(&self, slim: impl Fn(&mut Container)) -> sys::Result<Listing> {
        let mut listing = Listing { containers: Vec::new(), findings: Vec::new() };
        for id in self.ids()? {
            match self.load(&id) {
                Ok(mut container) => {
                    slim(&mut container);
                    listing.containers.push(container);
                }
                // Removed since the directory was read.
                Err(LoadError::NotFound(_)) => {}
                Err(source) => listing.findings.push(Finding::Unloadable { name: id.to_string(), source }),
            }
        }
        let doubles = same_names(&listing.containers);
        listing.findings.extend(doubles);
        Ok(listing)
    }
}

/// unlike moby, where chance decides who has the name and the other cannot be seen at all: the
/// older has it.
fn same_names(containers: &[Container]) -> Vec<Finding> {
    let mut owners = BTreeMap::<&str, &Container>::new();
    let mut by_age: Vec<_> = containers.iter().filter(|container| !container.record.name().is_empty()).collect();
    by_age.sort_by_key(|container| container.record.created);
    let mut found = Vec::new();
    for container in by_age {
        let owner = owners.entry(container.record.name()).or_insert(container);
        if owner.id != container.id {
            found.push(Finding::SameName {
                id: container.id.clone(),
                name: container.record.name().to_owned(),
                owner: owner.id.clone(),
            });
        }
    }
    found
}
