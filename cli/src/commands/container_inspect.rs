//! `minidock container inspect`: `inspect` that looks for nothing but containers.

use runtime::InspectKind;

use super::{Place, inspect};
use crate::{failure::Failure, out::Out};

/// Display detailed information on one or more containers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inspect: inspect::Args,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    inspect::show(place, &args.inspect, InspectKind::Container, out)
}
