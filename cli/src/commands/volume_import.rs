//! `minidock volume import`: a new volume of a tar.

use std::io;

use super::{Place, import::opened};
use crate::{failure::Failure, out::Out};

/// Make a new volume of a tar archive
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read from a tar archive file, instead of STDIN
    #[arg(short, long, value_name = "FILE")]
    input: Option<std::path::PathBuf>,
    #[arg(value_name = "VOLUME")]
    volume: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let tar: Box<dyn io::Read> = match &args.input {
        Some(path) => Box::new(opened(path)?),
        None => Box::new(io::stdin().lock()),
    };
    let home = place.open()?;
    runtime::volume::import(&home, &args.volume, tar).map_err(|error| super::volume::failed(&error))?;
    Ok(out.line(&args.volume)?)
}
