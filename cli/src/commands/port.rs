//! `minidock port`: where a container's ports are reachable.

use runtime::{InspectError, InspectKind};

use super::Place;
use crate::{failure::Failure, out::Out};

/// List port mappings or a specific mapping for the container
#[derive(Debug, clap::Args)]
pub struct Args {
    container: String,
    #[arg(value_name = "PRIVATE_PORT[/PROTO]")]
    port: Option<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let inspected = runtime::inspect(&home, &args.container, InspectKind::Container, false)
        // `inspect` says what is not there in its own words, `port` in docker's short ones.
        .map_err(|error| match error {
            InspectError::NoSuchContainer(_) => Failure::not_there(&error),
            _ => Failure::engine(&error),
        })?;
    let lines = runtime::port::lines(&inspected, &args.container, args.port.as_deref());
    for line in lines.map_err(|error| Failure::words(error.to_string()))? {
        out.line(line)?;
    }
    Ok(())
}
