//! Health checks: what a container's configuration asks for, and what is recorded of it.
//!
//! moby 20.10, daemon/health.go.

use std::{path::Path, time::Duration};

use base::ContainerId;
use containers::{
    Container, Record,
    config_v2::{Config, Health},
};
use oci_spec::runtime::Process;

use crate::{
    events,
    exec::{self, ExecError},
    home::{Home, HomeOptions},
    shim::{self, HealthPlan},
};

/// If nothing else is said: half a minute between two probes, and for each.
const USUAL: Duration = Duration::from_secs(30);

/// The same for failures in a row.
const RETRIES: i64 = 3;

/// The shell of a `CMD-SHELL` check whose image names none.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// The command of a probe; none if no health is asked for.
fn command(config: &Config) -> Option<Vec<String>> {
    let test = config.healthcheck.as_ref()?.test.as_deref()?;
    let (kind, words) = test.split_first()?;
    let shell = || match config.shell.as_deref() {
        None | Some([]) => SHELL.map(str::to_owned).to_vec(),
        Some(words) => words.to_vec(),
    };
    match kind.as_str() {
        "CMD" => Some(words.to_vec()),
        "CMD-SHELL" => Some([shell().as_slice(), words].concat()),
        _ => None,
    }
}

/// Whether a container's health is looked after.
pub(crate) fn is_watched(config: &Config) -> bool {
    command(config).is_some()
}

/// How a container is probed, and with which process. Its root is mounted.
///
/// # Errors
/// As for an exec.
pub(crate) fn of(home: &Home, container: &Container) -> Result<Option<(HealthPlan, Process)>, ExecError> {
    let record = &container.record;
    let (Some(command), Some(check)) = (command(&record.config), &record.config.healthcheck) else { return Ok(None) };
    let or = |nanos: i64, usual: Duration| match u64::try_from(nanos) {
        Ok(0) | Err(_) => usual,
        Ok(nanos) => Duration::from_nanos(nanos),
    };
    let plan = HealthPlan {
        interval: or(check.interval, USUAL),
        timeout: or(check.timeout, USUAL),
        start_period: or(check.start_period, Duration::ZERO),
        retries: if check.retries > 0 { check.retries } else { RETRIES },
        before: record.state.health.clone().unwrap_or_default(),
    };
    Ok(Some((plan, exec::of_command(home, container, command)?)))
}

/// What the record says of a container that has just been started.
pub(crate) fn begin(record: &mut Record) {
    if is_watched(&record.config) {
        shim::begin_health(record.state.health.get_or_insert_with(Health::default));
    }
}

/// Takes over what was said in the run whose directory this is.
pub(crate) fn take_over(record: &mut Record, dir: &Path) {
    if let Ok(Some(health)) = shim::health(dir) {
        record.state.health = Some(health);
    }
}

/// Records what the health check has said. It runs in a child of the shim.
pub(crate) fn record(data_root: &Path, dir: &Path, driver: &str, id: &ContainerId) -> Result<(), String> {
    let chain = |error: &dyn std::error::Error| crate::words::chain(error);
    let home = Home::open(HomeOptions {
        data_root: Some(data_root.to_owned()),
        exec_root: dir.parent().map(Path::to_owned),
        storage_driver: Some(driver.to_owned()),
        bridge: false,
    })
    .map_err(|error| chain(&error))?;
    let _writer = home.writer().map_err(|error| chain(&error))?;
    let containers = home.containers();
    let _lock = containers.lock(id).map_err(|error| chain(&error))?;
    let mut container = containers.load(id).map_err(|error| chain(&error))?;
    // The last word if it has ended meanwhile: then there is nothing of it any more.
    let before = container.record.state.health_word().to_owned();
    take_over(&mut container.record, dir);
    containers.save_record(id, &container.record).map_err(|error| chain(&error))?;
    let now = container.record.state.health_word().to_owned();
    if now != before {
        events::container(&home, &container, &format!("health_status: {now}"), &[]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use containers::config_v2::HealthConfig;

    use super::*;

    fn asks(test: &[&str], shell: &[&str]) -> Option<Vec<String>> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let healthcheck = Some(HealthConfig { test: Some(owned(test)), ..HealthConfig::default() });
        command(&Config { healthcheck, shell: Some(owned(shell)), ..Config::default() })
    }

    #[test]
    fn a_check_is_a_command_or_a_line_for_the_shell() {
        assert_eq!(asks(&["CMD", "test", "-e", "/x"], &[]).expect("a command"), ["test", "-e", "/x"]);
        assert_eq!(asks(&["CMD-SHELL", "a | b"], &[]).expect("a line"), ["/bin/sh", "-c", "a | b"]);
        assert_eq!(asks(&["CMD-SHELL", "a | b"], &["/bin/ash", "-ec"]).expect("a line"), ["/bin/ash", "-ec", "a | b"]);
        assert_eq!([asks(&["NONE"], &[]), asks(&[], &[])], [None, None]);
    }
}
