//! `minidock tag`: another name for an image.

use images::{BadReference, Reference};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "SOURCE_IMAGE[:TAG]")]
    source: String,
    #[arg(value_name = "TARGET_IMAGE[:TAG]")]
    target: String,
}

pub fn run(place: &Place, args: Args, _out: &mut Out) -> Result<(), Failure> {
    // The client looks at the new name itself
    let name: Reference = args.target.parse().map_err(|error: BadReference| {
        Failure::words(format!("Error parsing reference: {:?} is not a valid repository/tag: {error}", args.target))
    })?;
    let (home, writer) = place.open_to_write()?;
    let layers = home.layers_for(&writer).map_err(|error| Failure::home(&error))?;
    home.images().tag(&layers, &args.source, &name).map_err(|error| Failure::engine(&error))
}
