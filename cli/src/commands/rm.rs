//! `minidock rm`: a container's files and layer go.

use runtime::RmRequest;

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Remove one or more containers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Force the removal of a running container (uses SIGKILL)
    #[arg(short, long)]
    force: bool,
    /// Remove anonymous volumes associated with the container
    #[arg(short, long)]
    volumes: bool,
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let (home, _writer) = place.open_to_write()?;
    failure::each(&args.containers, |name| {
        let request =
            RmRequest { container: name.trim_start_matches('/').to_owned(), force: args.force, volumes: args.volumes };
        runtime::rm(&home, &request).map_err(|error| Failure::engine(&error))?;
        Ok(out.line(name)?)
    })
}
