//! `minidock network rm`: networks that no container is on go.

use networks::NetworkError;
use runtime::network::{self, NetworkFailure};

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Remove one or more networks
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    failure::each(&args.networks, |name| match network::remove(&home, name) {
        Ok(()) => Ok(out.line(name)?),
        Err(NetworkFailure::Network(NetworkError::NotFound(_))) => Err(no_such(name)),
        Err(error) => Err(super::network::failed(&error)),
    })
}

/// As docker's client says it.
pub fn no_such(name: &str) -> Failure {
    Failure::words(format!("Error: No such network: {name}"))
}
