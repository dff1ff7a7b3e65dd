//! `minidock container …`: the other spelling of what is done with containers.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Manage containers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Verb,
}

super::commands! {
    /// What can be done.
    Verb {
        Attach(attach),
        Commit(commit),
        Cp(cp),
        Create(create),
        Diff(diff),
        Exec(exec),
        Export(export),
        Inspect(container_inspect),
        Kill(kill),
        Logs(logs),
        /// List containers
        #[command(visible_aliases = ["list", "ps"])]
        Ls(ps),
        Pause(pause),
        Port(port),
        Prune(container_prune),
        Rename(rename),
        Restart(restart),
        /// Remove one or more containers
        #[command(visible_alias = "remove")]
        Rm(rm),
        Run(run),
        Start(start),
        Stats(stats),
        Stop(stop),
        Top(top),
        Unpause(unpause),
        Update(update),
        Wait(wait),
    }
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    args.command.run(place, out)
}
