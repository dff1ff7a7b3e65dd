//! `minidock run`: create and start, and unless detached stay with it to the end.

use runtime::{News, Ran};

use super::{
    Place,
    container_flags::{ContainerFlags, check_id_file, write_id},
    streams,
};
use crate::{
    failure::{BEFORE_THE_CONTAINER, Failure},
    out::Out,
};

/// Create and run a new container from an image
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Run container in background and print container ID
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    flags: ContainerFlags,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let Args { detach, flags } = args;
    let interactive = flags.interactive;
    let request = flags.request(detach)?;
    let before =
        |failure: Failure| failure.prefixed("docker: ").ended_with_a_stop().and_line("See 'minidock run --help'.");
    check_id_file(&request.host_config.container_id_file)
        .map_err(|failure| before(failure).with_code(BEFORE_THE_CONTAINER))?;
    let (home, _writer) = place.open_to_write().map_err(|failure| failure.with_code(BEFORE_THE_CONTAINER))?;
    let attached = if detach { None } else { Some(streams::ours(interactive)?) };
    let id_file = request.host_config.container_id_file.clone();
    let mut written = Ok(());
    let mut tell = |news: News<'_>| match news {
        News::Made(id) => written = write_id(&id_file, id),
        News::Warning(warning) => drop(out.note(format_args!("WARNING: {warning}"))),
    };
    let ran = runtime::run(&home, request, attached, &mut tell);
    written?;
    match ran.map_err(|error| before(Failure::engine(&error).with_code(error.exit_code())))? {
        Ran::Detached(id) => Ok(out.line(id)?),
        Ran::Ended { code: 0, .. } => Ok(()),
        Ran::Ended { code, .. } => Err(Failure::code(code.rem_euclid(256) as u8)),
    }
}
