//! `-o FILE`: where an archive goes that a command makes.

use std::{fs::File, io::Write, os::unix::fs::FileTypeExt as _, path::Path};

use crate::failure::Failure;

/// Whether an archive can be put there: asked before anything is made. `what` begins the words.
///
/// docker/cli 20.10, command/utils.go `ValidateOutputPath`.
///
/// # Errors
/// When it cannot.
pub fn check(what: &str, path: &Path) -> Result<(), Failure> {
    let refused = |why: String| Err(Failure::words(format!("{what}: invalid output path: {why}")));
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
///
/// # Errors
/// What cannot be written, and what `save` says.
pub fn to_file(
    what: &str,
    path: &Path,
    save: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let told = |error: sys::Error| Failure::words(format!("{what}: {error}"));
    if path.metadata().is_ok_and(|data| !data.is_file()) {
        let opened = File::options().write(true).open(path);
        return save(&mut opened.map_err(|error| told(sys::Error::new("open", path, error)))?);
    }
    let draft = sys::DraftFile::beside(path, 0o600).map_err(told)?;
    let mut file = draft.file();
    save(&mut file)?;
    draft.publish().map_err(told)
}
