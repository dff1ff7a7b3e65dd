//! `minidock export`: a container's files as one archive.

use std::{
    io::{self, IsTerminal as _, Write},
    path::PathBuf,
};

use super::{Place, output_file};
use crate::{failure::Failure, out::Out};

/// Export a container's filesystem as a tar archive
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    container: String,
}

const WHAT: &str = "failed to export container";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::words("cowardly refusing to save to a terminal. Use the -o flag or redirect"));
    }
    if let Some(path) = &args.output {
        output_file::check(WHAT, path)?;
    }
    let home = place.open()?;
    let export = |to: &mut dyn Write| {
        let mut to = io::BufWriter::with_capacity(256 << 10, to);
        runtime::export(&home, &args.container, &mut to).map_err(|error| Failure::engine(&error))?;
        Ok(to.flush()?)
    };
    match &args.output {
        Some(path) => output_file::to_file(WHAT, path, export),
        None => export(out.bytes()),
    }
}
