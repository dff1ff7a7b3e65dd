//! `minidock volume rm`: volumes that no container has go.

use runtime::volume::{self, VolumeRmError};

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Remove one or more volumes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Force the removal of one or more volumes
    #[arg(short, long)]
    force: bool,
    #[arg(required = true, value_name = "VOLUME")]
    volumes: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    failure::each(&args.volumes, |name| {
        match volume::remove(&home, name) {
            Err(VolumeRmError::NotThere(_)) if args.force => {}
            Err(error @ VolumeRmError::NotThere(_)) => return Err(Failure::not_there(&error)),
            Err(VolumeRmError::Home(error)) => return Err(Failure::home(&error)),
            Err(error) => return Err(Failure::engine(&error)),
            Ok(()) => {}
        }
        Ok(out.line(name)?)
    })
}
