//! `minidock network …`: what is done with networks by themselves.

use runtime::network::{BadNetworkFilter, NetworkFailure};

use super::Place;
use crate::{
    failure::{BEFORE_THE_CONTAINER, Failure},
    out::Out,
};

/// Manage networks
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Verb,
}

super::commands! {
    /// What can be done.
    Verb {
        Connect(network_connect),
        Create(network_create),
        Disconnect(network_disconnect),
        Inspect(network_inspect),
        /// List networks
        #[command(visible_alias = "list")]
        Ls(network_ls),
        Prune(network_prune),
        /// Remove one or more networks
        #[command(visible_alias = "remove")]
        Rm(network_rm),
    }
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    args.command.run(place, out)
}

/// A filter that cannot be used: what has no `=`, docker's client refuses itself.
pub fn bad_filter(error: &BadNetworkFilter) -> Failure {
    match error {
        BadNetworkFilter::Format(_) => Failure::words(error.to_string()).with_code(BEFORE_THE_CONTAINER),
        _ => Failure::engine(error),
    }
}

/// Why something was not done.
pub fn failed(error: &NetworkFailure) -> Failure {
    match error {
        NetworkFailure::Home(error) => Failure::home(error),
        NetworkFailure::Network(error) => Failure::engine(error),
    }
}
