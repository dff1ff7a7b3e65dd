//! `minidock network disconnect`: a container leaves a network.

use runtime::network;

use super::Place;
use crate::{failure::Failure, out::Out};

/// Disconnect a container from a network
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Force the container to disconnect from a network
    #[arg(short, long)]
    force: bool,
    network: String,
    container: String,
}

pub fn run(place: &Place, args: Args, _out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    network::disconnect(&home, &args.network, &args.container, args.force)
        .map_err(|error| super::network_connect::failed(&error))
}
