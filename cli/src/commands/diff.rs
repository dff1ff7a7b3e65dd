//! `minidock diff`: what a container changed in its files.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Inspect changes to files or directories on a container's filesystem
#[derive(Debug, clap::Args)]
pub struct Args {
    container: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    for change in runtime::diff(&home, &args.container).map_err(|error| Failure::engine(&error))? {
        out.line(change)?;
    }
    Ok(())
}
