//! What the shim does last: write into the data root how a container ended, and remove the
//! container if it was to be removed.

use std::path::Path;

use containers::LoadError;

use crate::{
    events, health,
    home::{Home, HomeOptions},
    recover, rm,
    shim::{Again, End, Ended, Hooks},
    start,
};

/// Records an end. It runs in the shim, which holds the writer's lock already.
///
/// # Errors
/// In words, for the shim's log.
pub fn record(ended: &Ended<'_>) -> Result<(), String> {
    let home = Home::open(HomeOptions {
        data_root: Some(ended.data_root.to_owned()),
        exec_root: Some(ended.exec_root.to_owned()),
        storage_driver: Some(ended.storage_driver.to_owned()),
        bridge: false,
    })
    .map_err(|error| crate::words::chain(&error))?;
    record_in(&home, ended).or_else(|error| match error {
        // Removed meanwhile: there is nothing to record it in.
        RecordError::Load(LoadError::NotFound(_)) => Ok(()),
        error => Err(crate::words::chain(&error)),
    })
}

/// What a shim leaves to us.
pub const SHIM_HOOKS: Hooks = Hooks { end: record, health: health::record, again };

/// Starts a container again, in what was its shim.
fn again(again: &Again) -> Result<(), String> {
    let home = Home::open(HomeOptions {
        data_root: Some(again.data_root.clone()),
        exec_root: again.dir.parent().map(Path::to_owned),
        storage_driver: Some(again.storage_driver.clone()),
        bridge: again.bridge,
    })
    .map_err(|error| crate::words::chain(&error))?;
    start::start_again(&home, again).map_err(|error| crate::words::chain(&error))
}

#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Rm(#[from] rm::RmError),
    #[error(transparent)]
    System(#[from] sys::Error),
}

fn record_in(home: &Home, ended: &Ended<'_>) -> Result<(), RecordError> {
    let containers = home.containers();
    // Waits for the command that started it, which writes down that it runs.
    let lock = containers.lock(ended.container)?;
    let mut container = containers.load(ended.container)?;
    health::take_over(&mut container.record, &ended.exec_root.join(ended.container.as_str()));
    match &ended.end {
        End::Exited(exit) => recover::record_end(&mut container, Some(*exit)),
        End::Restarting { exit, count } => {
            recover::record_end(&mut container, Some(*exit));
            container.record.state.set_restarting();
            container.record.restart_count = *count;
        }
        End::NeverStarted(error) => {
            container.record.state.error.clone_from(&error.message);
            container.record.state.exit_code = i64::from(error.exit_code);
        }
    }
    if ended.stopped_by_user {
        container.record.has_been_manually_stopped = true;
    }
    if let End::Exited(exit) | End::Restarting { exit, .. } = &ended.end {
        if exit.oom_killed {
            events::container(home, &container, "oom", &[]);
        }
        events::container(home, &container, "die", &[("exitCode", &exit.exit_code.to_string())]);
    }
    if ended.auto_remove {
        // No record is kept of what goes.
        return Ok(rm::take_away(home, &container, lock, true)?);
    }
    Ok(containers.save_record(ended.container, &container.record)?)
}
