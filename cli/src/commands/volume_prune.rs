//! `minidock volume prune`: all volumes that no container has go.

use std::io::BufRead as _;

use runtime::volume::{self, VolumeFilters, VolumeRmError};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Remove all unused local volumes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Provide filter values (e.g. 'label=LABEL')
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

const WARNING: &str = "WARNING! This will remove all local volumes not used by at least one container.\n\
                       Are you sure you want to continue? [y/N] ";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if !args.force && !confirmed(out, WARNING)? {
        return Ok(out.line("Total reclaimed space: 0B")?);
    }
    let filters = VolumeFilters::for_prune(&args.filter).map_err(|error| super::volume::bad_filter(&error))?;
    let home = place.open()?;
    let pruned = volume::prune(&home, &filters).map_err(|error| match &error {
        VolumeRmError::Home(error) => Failure::home(error),
        error => Failure::engine(error),
    })?;
    if !pruned.removed.is_empty() {
        out.line("Deleted Volumes:")?;
        for name in &pruned.removed {
            out.line(name)?;
        }
        out.line("")?;
    }
    out.line(format_args!("Total reclaimed space: {}", base::units::human_size(pruned.bytes)))?;
    for error in &pruned.failed {
        out.note(format_args!("WARNING: {error}"))?;
    }
    Ok(())
}

/// docker/cli 20.10, command/utils.go `PromptForConfirmation`.
pub(super) fn confirmed(out: &mut Out, warning: &str) -> std::io::Result<bool> {
    out.text(warning)?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim_end_matches(['\r', '\n']).eq_ignore_ascii_case("y"))
}
