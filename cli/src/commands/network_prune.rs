//! `minidock network prune`: all networks of one's own that no container is on go.

use runtime::network::{self, NetworkFilters};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Remove all unused networks
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Provide filter values (e.g. 'label=LABEL')
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

const WARNING: &str = "WARNING! This will remove all custom networks not used by at least one container.\n\
                       Are you sure you want to continue? [y/N] ";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if !args.force && !super::volume_prune::confirmed(out, WARNING)? {
        return Ok(());
    }
    let filters = NetworkFilters::for_prune(&args.filter).map_err(|error| super::network::bad_filter(&error))?;
    let home = place.open()?;
    let removed = network::prune(&home, &filters).map_err(|error| super::network::failed(&error))?;
    if !removed.is_empty() {
        out.line("Deleted Networks:")?;
        for name in &removed {
            out.line(name)?;
        }
        out.line("")?;
    }
    Ok(())
}
