//! `minidock volume …`: what is done with volumes by themselves.

use runtime::volume::{BadFilter, CarryError};

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
        Clone(volume_clone),
        Create(volume_create),
        Export(volume_export),
        Import(volume_import),
        Inspect(volume_inspect),
        /// List volumes
        #[command(visible_alias = "list")]
        Ls(volume_ls),
        Prune(volume_prune),
        Rename(volume_rename),
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

/// Why a volume was not copied, renamed or carried: sentences of ours, but for the data root.
pub fn failed(error: &CarryError) -> Failure {
    match error {
        CarryError::Home(error) => Failure::home(error),
        _ => Failure::own(error),
    }
}
