//! `minidock demo`: what happens on disk, shown with the real files and proved.

use super::Place;
use crate::{
    demo::{self, DemoError},
    failure::Failure,
    out::Out,
};

/// Show a container's life in files, each claim proved
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leave the demo's data root to look at
    #[arg(long)]
    keep: bool,
}

pub fn run(_place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    demo::show(out.bytes(), args.keep).map_err(|error| match error {
        DemoError::Output(error) => error.into(),
        error => Failure::own(&error),
    })
}
