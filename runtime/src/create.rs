//! `create`: a container's layer, its volumes and its two files. Nothing runs yet.

use base::ContainerId;
use containers::{Config, HostConfig};

/// What a container shall be. As over docker's API: what is empty is taken from the image or
/// from the defaults.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// Its name; one is made up if there is none.
    pub name: Option<String>,
    /// What is the same on every host; `config.image` says which image.
    pub config: Config,
    /// What depends on the host.
    pub host_config: HostConfig,
}

/// A container that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: ContainerId,
    /// What the user should know, one line each, without `WARNING:`.
    pub warnings: Vec<String>,
}
