//! minidock's command line: parse, dispatch, turn a failure into an exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

use crate::{failure::Failure, out::Out};

mod commands;
mod demo;
mod failure;
mod out;
mod usage;

/// Containers on Docker's own disk format, without a daemon
#[derive(Debug, Parser)]
#[command(name = "minidock", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    place: commands::Place,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let typed: Vec<_> = std::env::args_os().collect();
    // Not a command of the user's: the process that stays with a container.
    if typed.get(1).is_some_and(|word| word == "shim") {
        runtime::shim::main(&typed[2..], runtime::SHIM_HOOKS);
    }
    match run(&typed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.say();
            failure.exit_code()
        }
    }
}

fn run(typed: &[std::ffi::OsString]) -> Result<(), Failure> {
    let Cli { place, command } = match Cli::try_parse_from(typed) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            error.print()?;
            return Ok(());
        }
        Err(error) => {
            let typed: Vec<_> = typed.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            return Err(usage::failure(&error, &typed));
        }
    };
    let mut out = Out::new();
    let done = command.run(&place, &mut out);
    out.flush()?;
    done
}
