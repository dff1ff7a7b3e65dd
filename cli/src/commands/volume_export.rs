//! `minidock volume export`: a volume's files as a tar.

use std::{fs::File, io::IsTerminal as _};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Export a volume's files as a tar archive
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
    #[arg(value_name = "VOLUME")]
    volume: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let done = match &args.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| Failure::words(format!("{}: {error}", path.display())))?;
            runtime::volume::export(&home, &args.volume, std::io::BufWriter::new(file))
        }
        None if std::io::stdout().is_terminal() => {
            return Err(Failure::words("cowardly refusing to save to a terminal. Use the -o flag or redirect"));
        }
        None => runtime::volume::export(&home, &args.volume, out.bytes()),
    };
    done.map_err(|error| super::volume::failed(&error))
}
