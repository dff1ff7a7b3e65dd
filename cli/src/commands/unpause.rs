//! `minidock unpause`: containers that hold still go on.

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Unpause all processes within one or more containers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let (home, _writer) = place.open_to_write()?;
    failure::each(&args.containers, |name| {
        runtime::unpause(&home, name).map_err(|error| Failure::engine(&error))?;
        Ok(out.line(name)?)
    })
}
