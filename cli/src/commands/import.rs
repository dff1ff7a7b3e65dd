//! `minidock import`: a tar becomes an image of one layer.

use std::{fs::File, io, path::Path};

use images::{Import, Reference};

use super::{Place, progress::Progress};
use crate::{failure::Failure, out::Out};

/// Import the contents from a tarball to create a filesystem image
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Apply Dockerfile instruction to the created image
    #[arg(short, long)]
    change: Vec<String>,
    /// Set commit message for imported image
    #[arg(short, long)]
    message: Option<String>,
    /// The tar, or - for stdin
    file: String,
    #[arg(value_name = "REPOSITORY[:TAG]")]
    name: Option<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if args.file.starts_with("http://") || args.file.starts_with("https://") {
        return Err(Failure::words(
            "minidock: import from a URL is not supported: fetch it and pipe it to 'minidock import -'",
        ));
    }
    let name =
        args.name.as_deref().map(str::parse::<Reference>).transpose().map_err(|error| Failure::engine(&error))?;
    let (mut tar, total): (Box<dyn io::Read>, u64) = if args.file == "-" {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = opened(Path::new(&args.file))?;
        let length = file.metadata().map_or(0, |data| data.len());
        (Box::new(file), length)
    };
    let (home, writer) = place.open_to_write()?;
    let layers = home.layers_for_images(&writer).map_err(|error| Failure::home(&error))?;
    let progress = Progress::new(false);
    let mut bar = |done| progress.show("Importing", done, total);
    let import = Import { name, message: args.message.as_deref(), changes: &args.change };
    let id = home.images().import(&layers, &mut tar, &import, &mut bar).map_err(|error| Failure::engine(&error))?;
    progress.clear();
    Ok(out.line(id)?)
}

/// A file named on the command line.
pub fn opened(path: &Path) -> Result<File, Failure> {
    // Go's client says it so
    File::open(path).map_err(|error| Failure::words(format!("open {}: {}", path.display(), super::go_words(&error))))
}
