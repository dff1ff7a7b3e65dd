//! `minidock wait`: until containers end; their exit codes.

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Block until one or more containers stop, then print their exit codes
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    failure::each(&args.containers, |name| {
        let code = runtime::wait(&home, name).map_err(|error| Failure::engine(&error))?;
        out.line(code)?;
        Ok(out.flush()?)
    })
}
