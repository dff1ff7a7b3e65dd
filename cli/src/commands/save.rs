//! `minidock save`: images go into one archive.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use super::{Place, output_file};
use crate::{failure::Failure, out::Out};

/// Save one or more images to a tar archive (streamed to STDOUT by default)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file, instead of STDOUT
    #[arg(short, long)]
    output: Option<PathBuf>,
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

const WHAT: &str = "failed to save image";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        output_file::check(WHAT, path)?;
    }
    let home = place.open()?;
    let (images, layers) = (home.images(), home.layers().map_err(|error| Failure::home(&error))?);
    let save = |to: &mut dyn Write| images.save(&layers, &args.images, to).map_err(|error| Failure::engine(&error));
    match &args.output {
        Some(path) => output_file::to_file(WHAT, path, save),
        None if io::stdout().is_terminal() => {
            Err(Failure::words("cowardly refusing to save to a terminal. Use the -o flag or redirect"))
        }
        None => save(out.bytes()),
    }
}
