//! `minidock version`.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Show the version information
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_place: &Place, _args: Args, out: &mut Out) -> Result<(), Failure> {
    out.line("minidock")?;
    out.line(format_args!(" Version:      {}", env!("CARGO_PKG_VERSION")))?;
    out.line(format_args!(" OS/Arch:      {}/{}", std::env::consts::OS, std::env::consts::ARCH))?;
    out.line(" Data format:  Docker 1.10 to 29, written as 20.10 does")?;
    Ok(())
}
