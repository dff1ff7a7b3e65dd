//! `minidock run`: create and start, and unless detached stay with it to the end.

use runtime::{News, Ran, run::RunError};

use super::{
    Place,
    container_flags::{ContainerFlags, check_id_file, write_id},
    streams::{self, Manner},
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
    /// Proxy received signals to the process
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sig_proxy: String,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    flags: ContainerFlags,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let Args { detach, sig_proxy, manner, flags } = args;
    let proxy = streams::truth("sig-proxy", &sig_proxy)?;
    let request = flags.request(detach)?;
    let before =
        |failure: Failure| failure.prefixed("docker: ").ended_with_a_stop().and_line("See 'minidock run --help'.");
    check_id_file(&request.host_config.container_id_file)
        .map_err(|failure| before(failure).with_code(BEFORE_THE_CONTAINER))?;
    let (home, _writer) = place.open_to_write().map_err(|failure| failure.with_code(BEFORE_THE_CONTAINER))?;
    let config = &request.config;
    let (stdin, stdout, stderr) = (config.attach_stdin, config.attach_stdout, config.attach_stderr);
    // Also if it then does not start.
    let shows_id = detach || (!stdout && !stderr);
    let attached = match detach {
        true => None,
        false => Some(manner.client(streams::some(stdin, stdout, stderr)?, proxy)?),
    };
    let id_file = request.host_config.container_id_file.clone();
    let mut written = Ok(());
    let mut tell = |news: News<'_>| match news {
        News::Made(id) => {
            written = write_id(&id_file, id);
            if shows_id {
                drop(out.line(id));
            }
        }
        News::Warning(warning) => drop(out.note(format_args!("WARNING: {warning}"))),
    };
    let ran = runtime::run(&home, request, attached, &mut tell);
    written?;
    let ran = ran.map_err(|error| match &error {
        RunError::NoTerminal(_) => Failure::words(error.to_string()),
        RunError::Session(error) if streams::ended(error).is_some() => {
            Failure::code(streams::ended(error).unwrap_or(1))
        }
        _ => before(Failure::engine(&error).with_code(error.exit_code())),
    });
    match ran? {
        Ran::Left(_) | Ran::Detached(_) => Ok(()),
        Ran::Ended { code: 0, .. } => Ok(()),
        Ran::Ended { code, .. } => Err(Failure::code(code.rem_euclid(256) as u8)),
    }
}
