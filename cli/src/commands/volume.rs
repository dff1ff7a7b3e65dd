//! `minidock volume …`: what is done with volumes by themselves.

use runtime::volume::BadFilter;

use super::Place;
use crate::{
    failure::{BEFORE_THE_CONTAINER, Failure},
    out::Out,
};

/// Manage volumes
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Verb,
}

super::commands! {
    /// What can be done.
    Verb {
        Create(volume_create),
        Inspect(volume_inspect),
        /// List volumes
        #[command(visible_alias = "list")]
        Ls(volume_ls),
        Prune(volume_prune),
        /// Remove one or more volumes
        #[command(visible_alias = "remove")]
        Rm(volume_rm),
    }
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    args.command.run(place, out)
}

/// A filter that cannot be used: what has no `=`, docker's client refuses itself.
pub fn bad_filter(error: &BadFilter) -> Failure {
    match error {
        BadFilter::Format(_) => Failure::words(error.to_string()).with_code(BEFORE_THE_CONTAINER),
        _ => Failure::engine(error),
    }
}
