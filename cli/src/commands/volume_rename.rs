//! `minidock volume rename`: another name for a volume no container refers to.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Rename a volume that no container refers to
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The volume to rename
    #[arg(value_name = "VOLUME")]
    from: String,
    /// Its new name
    #[arg(value_name = "NAME")]
    to: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    runtime::volume::rename(&home, &args.from, &args.to).map_err(|error| super::volume::failed(&error))?;
    Ok(out.line(&args.to)?)
}
