//! `minidock boot`: after the machine has started, what a restart policy wants runs again.

use runtime::boot::Booted;

use super::Place;
use crate::{failure::Failure, out::Out};

/// Start the containers that their restart policies want, as dockerd does when it starts
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {}

pub fn run(place: &Place, _args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let mut told = Vec::new();
    runtime::boot(&home, &mut |booted| told.push(booted)).map_err(|error| Failure::engine(&error))?;
    let mut failed = Vec::new();
    for booted in told {
        match booted {
            Booted::Started(name) => out.line(name)?,
            Booted::Removed(name) => out.line(format!("{name} (removed)"))?,
            Booted::Failed(name, why) => failed.push(Failure::words(format!("Error: {name}: {why}"))),
        }
    }
    out.flush()?;
    let Some(last) = failed.pop() else { return Ok(()) };
    failed.iter().for_each(Failure::say);
    Err(last)
}
