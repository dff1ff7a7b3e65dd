//! `boot`: what dockerd does when the machine has started. Containers that were running, or whose
//! policy says so, are started again; what was to go when it ended goes.
//!
//! moby 20.10, daemon/daemon.go `restore`, container.go `ShouldRestart`.

use std::time::Duration;

use base::ContainerId;
use containers::Container;

use crate::{
    home::{Home, HomeError, Writer},
    policy::{Policy, Rule},
    recover::{self, SettleError, Settled},
    rm::{self, RmError},
    start::{self, StartError},
    words::chain,
};

/// What became of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booted {
    /// It runs again.
    Started(String),
    /// It was to be removed when it ended.
    Removed(String),
    /// Its name, and why it could not be started or removed.
    Failed(String, String),
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The containers cannot be listed.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Starts what is to run, and tells of each container with which something was done.
///
/// # Errors
/// [`BootError`]; what goes wrong with one container is told.
pub fn boot(home: &Home, tell: &mut dyn FnMut(Booted)) -> Result<(), BootError> {
    let writer = home.writer()?;
    let listing = home.containers().load_all()?;
    for finding in &listing.findings {
        tell(Booted::Failed(finding.to_string(), "it is damaged, and left alone".to_owned()));
    }
    // Those that live in another's namespaces after those others.
    let (first, second): (Vec<_>, Vec<_>) = listing.containers.into_iter().partition(|one| !leans(one));
    for container in first.into_iter().chain(second) {
        let name = container.record.name().trim_start_matches('/').to_owned();
        match settle(home, &writer, &container.id, &name) {
            Ok(Some(booted)) => tell(booted),
            Ok(None) => {}
            Err(error) => tell(Booted::Failed(name, chain(&error))),
        }
    }
    Ok(())
}

fn leans(container: &Container) -> bool {
    let host = &container.host_config;
    [&host.network_mode, &host.ipc_mode, &host.pid_mode].iter().any(|mode| mode.starts_with("container:"))
}

/// Why nothing could be done with one of them.
#[derive(Debug, thiserror::Error)]
enum OneError {
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Rm(#[from] RmError),
}

fn settle(home: &Home, writer: &Writer, id: &ContainerId, name: &str) -> Result<Option<Booted>, OneError> {
    let Settled { container, running, lock } = match recover::settle(home, writer, id) {
        Err(SettleError::Load(containers::LoadError::NotFound(_))) => return Ok(None),
        other => other?,
    };
    if running {
        return Ok(None);
    }
    if is_wanted(&container) {
        drop(lock);
        start::start_with(home, writer, id, None)?;
        return Ok(Some(Booted::Started(name.to_owned())));
    }
    if container.host_config.auto_remove {
        rm::take_away(home, &container, lock, true)?;
        return Ok(Some(Booted::Removed(name.to_owned())));
    }
    Ok(None)
}

fn is_wanted(container: &Container) -> bool {
    let (record, state) = (&container.record, &container.record.state);
    let ran = state.finished_at.unix_nanos() - state.started_at.unix_nanos();
    let ran = Duration::from_nanos(u64::try_from(ran).unwrap_or_default());
    let mut policy = Policy { rule: Rule::of(&container.host_config), count: record.restart_count, waited: 0 };
    let again = policy.next(state.exit_code, record.has_been_manually_stopped, ran).is_some();
    again && record.has_been_started_before && !state.dead && !state.removal_in_progress
}
