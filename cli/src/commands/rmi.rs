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
        // docker's client says it; with -f it is no failure
        Err(error) if error.is_no_such_image() => {
            let said = Failure::words(format!("Error: No such image: {name}"));
            if !args.force {
                return Err(said);
            }
            said.say();
            Ok(())
        }
        Err(error) => Err(Failure::engine(&error)),
    })
}
