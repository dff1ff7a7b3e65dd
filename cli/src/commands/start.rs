//! `minidock start`: a container that is there runs (again).

use runtime::{Ran, run::RunError};

use super::{
    Place,
    streams::{self, Manner},
};
use crate::{failure::Failure, out::Out};

/// Start one or more stopped containers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Attach STDOUT/STDERR and forward signals
    #[arg(short, long)]
    attach: bool,
    /// Attach container's STDIN
    #[arg(short, long)]
    interactive: bool,
    #[command(flatten)]
    manner: Manner,
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let (home, _writer) = place.open_to_write()?;
    if args.attach || args.interactive {
        let [container] = args.containers.as_slice() else {
            return Err(Failure::words("you cannot start and attach multiple containers at once"));
        };
        let client = args.manner.client(streams::ours(args.interactive)?, true)?;
        let ran = runtime::start_attached(&home, container, client).map_err(|error| match &error {
            RunError::NoTerminal(_) => Failure::words(error.to_string()),
            RunError::Session(error) if streams::ended(error).is_some() => {
                Failure::code(streams::ended(error).unwrap_or(1))
            }
            _ => Failure::engine(&error),
        })?;
        return match ran {
            Ran::Detached(_) | Ran::Left(_) | Ran::Ended { code: 0, .. } => Ok(()),
            Ran::Ended { code, .. } => Err(Failure::code(code.rem_euclid(256) as u8)),
        };
    }
    let mut failed = Vec::new();
    for name in &args.containers {
        match runtime::start(&home, name) {
            Ok(warnings) => {
                for warning in warnings {
                    out.note(format_args!("WARNING: {warning}"))?;
                }
                out.line(name)?;
            }
            Err(error) => {
                Failure::engine(&error).say();
                failed.push(name.as_str());
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::words(format!("Error: failed to start containers: {}", failed.join(", "))))
}
