//! `network connect` and `disconnect`: a container comes to one more network, or leaves one.
//!
//! moby 20.10, container_operations.go `ConnectToNetwork`, `DisconnectFromNetwork`. What does not run gets
//! its place on record, and its device at the next start.

use base::ContainerId;
use containers::{LookupError, PublishError, Record, config_v2::Endpoint};
use networks::{Network, NetworkError};

use super::{
    attached::wish_on,
    is_container,
    settings::{add_names, note_place},
};
use crate::{
    home::{Home, HomeError},
    recover::{self, SettleError, Settled},
};

/// Why a container was not connected or disconnected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The network's own reason.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// dockerd's words.
    #[error("container cannot be disconnected from host network or connected to host network")]
    Host,
    /// dockerd's words.
    #[error(
        "container sharing network namespace with another container or host cannot be connected to any other network"
    )]
    Shared,
    /// dockerd's words.
    #[error("container cannot be connected to multiple networks with one of the networks in private (none) mode")]
    None,
    /// It runs on loopback alone, since there were no bridges when it was started.
    #[error("container {0} runs without bridge networks: it can be connected when it does not run")]
    Alone(ContainerId),
    /// dockerd's words.
    #[error("container {0} is not connected to the network {1}")]
    NotOn(ContainerId, String),
    /// The record cannot be written.
    #[error(transparent)]
    Save(#[from] PublishError),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

fn short(id: &ContainerId) -> &str {
    id.as_str().get(..12).unwrap_or_default()
}

/// Connects a container to a network, with the addresses and names that it asks for.
///
/// # Errors
/// [`ConnectFailure`].
pub fn connect(home: &Home, network: &str, container: &str, mut wanted: Endpoint) -> Result<(), ConnectFailure> {
    let id = home.containers().lookup(container)?;
    let writer = home.writer()?;
    let Settled { mut container, running, lock: _lock } = recover::settle(home, &writer, &id)?;
    let place = home.network_place();
    let found = match place.find(home.data_root(), network) {
        Ok(found) => found,
        // It may come before the next start.
        Err(NetworkError::NotFound(name)) if !running => {
            let networks = container.record.network_settings.networks.get_or_insert_default();
            networks.insert(name, wanted);
            return Ok(home.containers().save_record(&id, &container.record)?);
        }
        Err(error) => return Err(error.into()),
    };
    if is_container(&container.host_config.network_mode) {
        return Err(ConnectFailure::Shared);
    }
    fits(&container.record, &container.host_config.network_mode, &found)?;
    let wish = wish_on(&container.record, found.clone(), Some(&wanted))?;
    let record = &mut container.record;
    let known = record.network_settings.networks.get_or_insert_default();
    if running {
        let joint = match place.connect(&id, &wish) {
            Err(NetworkError::NotConnected(..)) => return Err(ConnectFailure::Alone(id)),
            other => other?,
        };
        known.insert(found.name.clone(), wanted);
        for on in joint.networks.iter().filter(|on| on.id == found.id) {
            note_place(record, on, short(&id));
        }
    } else if !known.contains_key(&found.name) {
        if !found.is_predefined() {
            add_names(&mut wanted, short(&id), &record.config.hostname);
        }
        known.insert(found.name.clone(), wanted);
    }
    Ok(home.containers().save_record(&id, &container.record)?)
}

/// moby 20.10, container_operations.go `updateNetworkSettings`.
fn fits(record: &Record, mode: &str, network: &Network) -> Result<(), ConnectFailure> {
    if mode != "host" && network.driver == "host" {
        return Err(ConnectFailure::Host);
    }
    let others = record.network_settings.networks.iter().flatten().map(|(name, _)| name.as_str());
    for other in others.filter(|other| *other != network.name) {
        if other == "host" || network.driver == "host" {
            return Err(ConnectFailure::Shared);
        }
        if other == "none" || network.name == "none" {
            return Err(ConnectFailure::None);
        }
    }
    Ok(())
}

/// Takes a container off a network. With `force` also off one that is not there any more.
///
/// # Errors
/// [`ConnectFailure`].
pub fn disconnect(home: &Home, network: &str, container: &str, force: bool) -> Result<(), ConnectFailure> {
    let place = home.network_place();
    let found = place.find(home.data_root(), network);
    let id = home.containers().lookup(container)?;
    let writer = home.writer()?;
    let Settled { mut container, running, lock: _lock } = recover::settle(home, &writer, &id)?;
    let record = &mut container.record;
    let name = found.as_ref().map_or(network, |found| found.name.as_str()).to_owned();
    match found {
        Ok(found) if running => {
            if container.host_config.network_mode == "host" && found.driver == "host" {
                return Err(ConnectFailure::Host);
            }
            let joint = place.disconnect(&id, &found)?;
            if !joint.networks.iter().any(|on| on.outside) {
                record.network_settings.ports = Some(containers::config_v2::PortMap::new());
            }
        }
        Err(error) if running && !force => return Err(error.into()),
        _ => {
            let known = record.network_settings.networks.as_ref();
            if !known.is_some_and(|known| known.contains_key(&name)) {
                return Err(ConnectFailure::NotOn(id, name));
            }
        }
    }
    if let Some(known) = &mut record.network_settings.networks {
        known.remove(&name);
    }
    Ok(home.containers().save_record(&id, &container.record)?)
}
