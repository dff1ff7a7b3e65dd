//! `minidock top`: a container's processes.

use super::Place;
use crate::{
    failure::Failure,
    out::{Out, table::Table},
};

/// Display the running processes of a container
#[derive(Debug, clap::Args)]
pub struct Args {
    container: String,
    /// Options of the host's `ps`
    #[arg(value_name = "ps OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let found = runtime::top(&home, &args.container, &args.options).map_err(|error| Failure::engine(&error))?;
    let lines: Vec<_> = std::iter::once(&found.titles).chain(&found.rows).map(|cells| cells.join("\t")).collect();
    Ok(out.text(Table::from_lines(lines.iter().map(String::as_str)).with_columns_of(20))?)
}
