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
    failure::each(&args.containers, |typed| {
        let name = typed.trim_matches('/');
        if name.is_empty() {
            return Err(Failure::words("Container name cannot be empty"));
        }
        let request = RmRequest { container: name.to_owned(), force: args.force, volumes: args.volumes };
        match runtime::rm(&home, &request) {
            Ok(()) => Ok(out.line(typed)?),
            // docker's client says it, and with -f takes it for success
            Err(error) if error.is_no_such_container() => {
                let said = Failure::not_there(&error);
                if !args.force {
                    return Err(said);
                }
                said.say();
                Ok(())
            }
            Err(error) => Err(Failure::engine(&error)),
        }
    })
}
