//! `ps`: one row per container.

use base::{ContainerId, Time};

/// What `ps` knows of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsRow {
    /// Its id.
    pub id: ContainerId,
    /// The image as the user named it, or its id if that name means another image now.
    pub image: String,
    /// Executable and arguments in one line, as docker writes them (without quotes around).
    pub command: String,
    /// When it was made.
    pub created: Time,
    /// `Up 3 seconds`, `Exited (0) 2 days ago`, …
    pub status: String,
    /// `created`, `running`, `paused`, `restarting`, `exited`, `removing` or `dead`.
    pub state: &'static str,
    /// Exposed and published ports, as docker writes them.
    pub ports: String,
    /// The name, without slash.
    pub name: String,
    /// Labels, sorted by key.
    pub labels: Vec<(String, String)>,
    /// Volumes' names and binds' sources.
    pub mounts: Vec<String>,
    /// How many of `mounts` are volumes of the local driver.
    pub local_volumes: usize,
    /// Names of its networks.
    pub networks: Vec<String>,
    /// Bytes in its own layer, and with its image; only if asked for.
    pub size: Option<(u64, u64)>,
}
