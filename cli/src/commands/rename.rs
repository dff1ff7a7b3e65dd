//! `minidock rename`: another name for a container.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Rename a container
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(allow_hyphen_values = true)]
    container: String,
    #[arg(value_name = "NEW_NAME", allow_hyphen_values = true)]
    new_name: String,
}

pub fn run(place: &Place, args: Args, _out: &mut Out) -> Result<(), Failure> {
    let (old, new) = (args.container.trim(), args.new_name.trim());
    if old.is_empty() || new.is_empty() {
        return Err(Failure::words("Error: Neither old nor new names may be empty"));
    }
    let (home, _writer) = place.open_to_write()?;
    runtime::rename(&home, old, new)
        .map_err(|error| Failure::engine(&error).and_line(format!("Error: failed to rename container named {old}")))
}
