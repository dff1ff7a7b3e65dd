//! `minidock save`: images go into one archive.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Save one or more images to a tar archive (streamed to STDOUT by default)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file, instead of STDOUT
    #[arg(short, long)]
    output: Option<PathBuf>,
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        check(path)?;
    }
    let home = place.open()?;
    let (images, layers) = (home.images(), home.layers().map_err(|error| Failure::home(&error))?);
    let save = |to: &mut dyn Write| images.save(&layers, &args.images, to).map_err(|error| Failure::engine(&error));
    match &args.output {
        Some(path) => to_file(path, save),
        None if io::stdout().is_terminal() => {
            Err(Failure::words("cowardly refusing to save to a terminal. Use the -o flag or redirect"))
        }
        None => save(out.bytes()),
    }
}

/// docker/cli 20.10, command/utils.go `ValidateOutputPath`: before anything is asked for.
fn check(path: &Path) -> Result<(), Failure> {
    let refused = |why: String| Err(Failure::words(format!("failed to save image: invalid output path: {why}")));
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !dir.exists() {
        return refused(format!("directory {:?} does not exist", dir.display().to_string()));
    }
    let Ok(data) = path.metadata() else { return Ok(()) };
    let kind = data.file_type();
    if kind.is_block_device() || kind.is_char_device() {
        let name = path.display().to_string();
        return refused(format!("{name:?} must be a directory or a regular file: got a device"));
    }
    Ok(())
}

/// The file is there whole or not at all: written beside its place, then renamed. What is no
/// regular file (a pipe) is written to directly.
fn to_file(path: &Path, save: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let told = |error: sys::Error| Failure::words(format!("failed to save image: {error}"));
    if path.metadata().is_ok_and(|data| !data.is_file()) {
        let opened = File::options().write(true).open(path);
        return save(&mut opened.map_err(|error| told(sys::Error::new("open", path, error)))?);
    }
    let draft = sys::DraftFile::beside(path, 0o600).map_err(told)?;
    let mut file = draft.file();
    save(&mut file)?;
    draft.publish().map_err(told)
}
