//! `minidock info`: this machine and this data root.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Display system-wide information
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(place: &Place, _args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let info = runtime::info(&home).map_err(|error| Failure::engine(&error))?;
    let (running, paused, stopped) = info.containers;
    out.line(format_args!("Containers: {}", running + paused + stopped))?;
    out.line(format_args!(" Running: {running}"))?;
    out.line(format_args!(" Paused: {paused}"))?;
    out.line(format_args!(" Stopped: {stopped}"))?;
    out.line(format_args!("Images: {}", info.images))?;
    out.line(format_args!("minidock Version: {}", env!("CARGO_PKG_VERSION")))?;
    out.line(format_args!("Storage Driver: {}", info.driver))?;
    for (name, value) in &info.driver_status {
        out.line(format_args!(" {name}: {value}"))?;
    }
    out.line(format_args!("Cgroup Version: {}", info.cgroup_version))?;
    out.line(format_args!("Kernel Version: {}", info.kernel))?;
    out.line(format_args!("Operating System: {}", info.system))?;
    out.line(format_args!("Architecture: {}", info.architecture))?;
    out.line(format_args!("CPUs: {}", info.processors))?;
    out.line(format_args!("Total Memory: {}", base::units::bytes_size(info.memory)))?;
    out.line(format_args!("Name: {}", info.name))?;
    out.line(format_args!("Data Root: {}", info.data_root.display()))?;
    out.line(format_args!("Exec Root: {}", info.exec_root.display()))?;
    let owner = if info.live_dockerd { "a running dockerd (we only read)" } else { "nobody else" };
    out.line(format_args!("Data Root Owner: {owner}"))?;
    for warning in &info.warnings {
        out.note(format_args!("WARNING: {warning}"))?;
    }
    Ok(())
}
