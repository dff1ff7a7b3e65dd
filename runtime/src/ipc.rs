//! `--ipc shareable` and `--ipc container:NAME`: shared memory of several containers.
//!
//! A shareable container's `/dev/shm` is mounted in its directory, from where others get it too.
//! moby 20.10, daemon/container_operations_unix.go `setupIpcDirs`, `getIpcContainer`.

use std::path::PathBuf;

use containers::{Container, LookupError};
use rustix::mount::MountFlags;

use crate::{
    home::Home,
    shim::{self, Release, State},
};

/// Why a container cannot share another one's memory. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// No such container.
    #[error("can't join IPC of container {name}: {reason}")]
    Lookup {
        /// As recorded.
        name: String,
        /// Why not.
        reason: LookupError,
    },
    /// It does not run.
    #[error("can't join IPC of container {name}: container {id} is not running")]
    NotRunning {
        /// As recorded.
        name: String,
        /// Which it is.
        id: base::ContainerId,
    },
    /// It keeps its memory to itself.
    #[error("can't join IPC of container {0}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)")]
    NotShareable(String),
    /// Whether it runs cannot be seen.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// What a container has for `/dev/shm` beside what its own spec mounts.
#[derive(Debug, Default)]
pub(crate) struct Shm {
    /// Where it is on the host.
    pub path: Option<PathBuf>,
    /// The namespace it belongs to, if it is another one's.
    pub namespace: Option<PathBuf>,
    /// Options, if it is to be mounted.
    options: Option<String>,
}

/// Looks at what is to be shared. Mounts nothing yet.
pub(crate) fn of(home: &Home, container: &Container) -> Result<Shm, IpcError> {
    let host = &container.host_config;
    let path_of = |id: &base::ContainerId| home.container_dir(id).join("mounts/shm");
    if host.ipc_mode == "shareable" {
        if container.record.mounts().any(|point| point.destination == "/dev/shm") {
            return Ok(Shm::default());
        }
        let mut options = format!("mode=1777,size={}", host.shm_size);
        if !container.record.mount_label.is_empty() {
            options += &format!(",context=\"{}\"", container.record.mount_label);
        }
        return Ok(Shm { path: Some(path_of(&container.id)), namespace: None, options: Some(options) });
    }
    let Some(name) = host.ipc_mode.strip_prefix("container:") else { return Ok(Shm::default()) };
    let found = home.containers().lookup(name);
    let id = found.map_err(|reason| IpcError::Lookup { name: name.to_owned(), reason })?;
    let State::Running(running) = shim::state(&home.run_dir(&id))? else {
        return Err(IpcError::NotRunning { name: name.to_owned(), id });
    };
    let path = path_of(&id);
    if !sys::exists(&path)? {
        return Err(IpcError::NotShareable(name.to_owned()));
    }
    let namespace = Some(format!("/proc/{}/ns/ipc", running.pid).into());
    Ok(Shm { path: Some(path), namespace, options: None })
}

impl Shm {
    /// Mounts a shareable container's own; what a crash left there goes. To be released when the
    /// container has ended.
    pub(crate) fn mount(&self) -> sys::Result<Option<Release>> {
        let (Some(path), Some(options)) = (&self.path, &self.options) else { return Ok(None) };
        sys::create_dir_all(path, 0o700)?;
        while sys::unmount_detach(path).is_ok() {}
        let flags = MountFlags::NOEXEC | MountFlags::NOSUID | MountFlags::NODEV;
        sys::mount_string("shm", path, "tmpfs", flags, options)?;
        Ok(Some(Release { path: path.clone(), remove_dir: false }))
    }
}
