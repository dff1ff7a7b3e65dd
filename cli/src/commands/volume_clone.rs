//! `minidock volume clone`: a copy under another name.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Copy a volume, sharing blocks where the file system can
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The volume to copy
    #[arg(value_name = "VOLUME")]
    from: String,
    /// The name of the copy
    #[arg(value_name = "NAME")]
    to: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    runtime::volume::clone(&home, &args.from, &args.to).map_err(|error| super::volume::failed(&error))?;
    Ok(out.line(&args.to)?)
}
