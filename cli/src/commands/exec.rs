//! `minidock exec`: one more process in a running container.

use containers::LookupError;
use runtime::{ExecRequest, exec::ExecError};

use super::{Place, streams};
use crate::{failure::Failure, out::Out};

/// Run a command in a running container
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Detached mode: run command in the background
    #[arg(short, long)]
    detach: bool,
    /// Set environment variables
    #[arg(short, long, value_name = "KEY=VALUE")]
    env: Vec<String>,
    /// Keep STDIN open even if not attached
    #[arg(short, long)]
    interactive: bool,
    /// Give extended privileges to the command
    #[arg(long)]
    privileged: bool,
    /// Username or UID (format: <name|uid>[:<group|gid>])
    #[arg(short, long)]
    user: Option<String>,
    /// Working directory inside the container
    #[arg(short, long)]
    workdir: Option<String>,
    container: String,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let request = ExecRequest {
        container: args.container,
        command: args.command,
        env: args.env,
        user: args.user,
        working_dir: args.workdir,
        privileged: args.privileged,
        detach: args.detach,
    };
    let streams = streams::ours(args.interactive)?;
    match runtime::exec(&home, request, streams) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::code(code.rem_euclid(256) as u8)),
        // dockerd tells of these in the stream of the process, on stdout
        Err(error) if error.is_from_the_process() => {
            out.line(&error)?;
            Err(Failure::code(error.exit_code()))
        }
        Err(error @ ExecError::Lookup(LookupError::NotFound(_))) => Err(Failure::not_there(&error)),
        Err(error) => Err(Failure::engine(&error).with_code(error.exit_code())),
    }
}
