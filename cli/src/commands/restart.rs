//! `minidock restart`: stop, then start; the files stay.

use runtime::StopRequest;

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Restart one or more containers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seconds to wait before killing the container (-1 waits for ever)
    #[arg(short, long, alias = "time", allow_negative_numbers = true)]
    timeout: Option<i64>,
    /// Signal to send to the container
    #[arg(short, long)]
    signal: Option<String>,
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let (home, _writer) = place.open_to_write()?;
    failure::each(&args.containers, |name| {
        let request = StopRequest { container: name.clone(), timeout: args.timeout, signal: args.signal.clone() };
        runtime::restart(&home, &request).map_err(|error| Failure::engine(&error))?;
        Ok(out.line(name)?)
    })
}
