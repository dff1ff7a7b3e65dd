//! `minidock kill`: a signal to a container's first process.

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Kill one or more running containers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Signal to send to the container
    #[arg(short, long, default_value = "KILL")]
    signal: String,
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let (home, _writer) = place.open_to_write()?;
    failure::each(&args.containers, |name| {
        runtime::kill(&home, name, &args.signal).map_err(|error| Failure::engine(&error))?;
        Ok(out.line(name)?)
    })
}
