//! `minidock load`: images come back out of an archive.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use images::{Event, Input};

use super::{Place, import::opened, progress::Progress};
use crate::{failure::Failure, out::Out};

/// Load an image from a tar archive or STDIN
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read from tar archive file, instead of STDIN
    #[arg(short, long)]
    input: Option<PathBuf>,
    /// Suppress the load output
    #[arg(short, long)]
    quiet: bool,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let mut stdin;
    let input = match &args.input {
        Some(path) => Input::File(opened(path)?),
        None if io::stdin().is_terminal() => {
            return Err(Failure::words("requested load from stdin, but stdin is empty"));
        }
        None => {
            stdin = io::stdin().lock();
            Input::Stream(&mut stdin)
        }
    };
    let (home, writer) = place.open_to_write()?;
    let layers = home.layers_for_images(&writer).map_err(|error| Failure::home(&error))?;
    let progress = Progress::new(args.quiet);
    let mut written = Ok(());
    let mut watch = |event| match event {
        Event::Progress { layer, done, total } => progress.show(&layer.hex()[..12], done, total),
        Event::Loaded(loaded) => {
            progress.clear();
            if written.is_ok() {
                written = out.line(loaded);
            }
        }
    };
    let loaded = home.images().load(&layers, input, &home.data_root().join("tmp"), &mut watch);
    progress.clear();
    out.flush()?;
    loaded.map_err(|error| Failure::engine_stream(&error))?;
    Ok(written?)
}
