//! `minidock exec`: one more process in a running container.

use containers::LookupError;
use runtime::{Client, ExecRequest, exec::ExecError, flags::env_file, shim::SessionError, terminal::DetachKeys};

use super::{
    Place,
    streams::{self, Manner},
};
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
    /// Allocate a pseudo-TTY
    #[arg(short, long)]
    tty: bool,
    /// Read in a file of environment variables
    #[arg(long, value_name = "FILE")]
    env_file: Vec<std::path::PathBuf>,
    #[command(flatten)]
    manner: Manner,
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
    let ours = |name: &str| std::env::var(name.trim()).ok();
    let files = args.env_file.iter().map(|file| env_file::read(file, &ours));
    let from_files = files.collect::<Result<Vec<_>, _>>().map_err(|error| Failure::words(error.0))?.concat();
    let client =
        Client { streams: streams::ours(args.interactive)?, proxy_signals: false, keys: DetachKeys::default() };
    let request = ExecRequest {
        container: args.container,
        command: args.command,
        env: [from_files, args.env].concat(),
        user: args.user,
        working_dir: args.workdir,
        privileged: args.privileged,
        detach: args.detach,
        tty: args.tty,
        detach_keys: args.manner.text(),
    };
    match runtime::exec(&home, request, client) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::code(code.rem_euclid(256) as u8)),
        // dockerd tells of these in the stream of the process, on stdout
        Err(error) if error.is_from_the_process() => {
            out.line(&error)?;
            Err(Failure::code(error.exit_code()))
        }
        Err(ExecError::Session(error @ SessionError::Signal(_))) => {
            Err(Failure::code(streams::ended(&error).unwrap_or(1)))
        }
        Err(error @ (ExecError::NoTerminal | ExecError::Session(SessionError::Detached))) => {
            Err(Failure::words(error.to_string()))
        }
        Err(error @ ExecError::Lookup(LookupError::NotFound(_))) => Err(Failure::not_there(&error)),
        Err(error) => Err(Failure::engine(&error).with_code(error.exit_code())),
    }
}
