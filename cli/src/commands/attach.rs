//! `minidock attach`: the streams of a container that runs.

use containers::LookupError;
use runtime::{AttachError, Ran, shim::SessionError};

use super::{
    Place,
    streams::{self, Manner},
};
use crate::{failure::Failure, out::Out};

/// Attach local standard input, output, and error streams to a running container
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not attach STDIN
    #[arg(long)]
    no_stdin: bool,
    /// Proxy all received signals to the process
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sig_proxy: String,
    #[command(flatten)]
    manner: Manner,
    container: String,
}

pub fn run(place: &Place, args: Args, _out: &mut Out) -> Result<(), Failure> {
    let proxy = streams::truth("sig-proxy", &args.sig_proxy)?;
    let client = args.manner.client(streams::ours(!args.no_stdin)?, proxy)?;
    let home = place.open()?;
    match runtime::attach(&home, &args.container, client) {
        Ok(Ran::Ended { code: 0, .. } | Ran::Detached(_) | Ran::Left(_)) => Ok(()),
        Ok(Ran::Ended { code, .. }) => Err(Failure::code(code.rem_euclid(256) as u8)),
        Err(AttachError::Session(error @ SessionError::Signal(_))) => {
            Err(Failure::code(streams::ended(&error).unwrap_or(1)))
        }
        Err(error @ AttachError::Lookup(LookupError::NotFound(_))) => Err(Failure::not_there(&error)),
        Err(error @ (AttachError::Lookup(_) | AttachError::Foreign(_) | AttachError::Connect(_))) => {
            Err(Failure::engine(&error))
        }
        Err(error) => Err(Failure::words(error.to_string())),
    }
}
