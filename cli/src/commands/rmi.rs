//! `minidock rmi`: names of images go, and images that have none left.

use images::How;

use super::Place;
use crate::{
    failure::{self, Failure},
    out::Out,
};

/// Remove one or more images
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Force removal of the image
    #[arg(short, long)]
    force: bool,
    /// Do not delete untagged parents
    #[arg(long)]
    no_prune: bool,
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let (home, _writer) = place.open_to_write()?;
    let how = How { force: args.force, prune: !args.no_prune };
    failure::each(&args.images, |name| match runtime::rmi(&home, name, how) {
        Ok(removed) => removed.iter().try_for_each(|line| Ok(out.line(line)?)),
        // docker/cli 20.10, command/image/remove.go: with -f an image that is not there is fine
        Err(error) if args.force && error.is_no_such_image() => Ok(()),
        Err(error) if error.is_no_such_image() => Err(Failure::not_there(&error)),
        Err(error) => Err(Failure::engine(&error)),
    })
}
