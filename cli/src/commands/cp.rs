//! `minidock cp`: files from a container to the host and back.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt as _,
};

use runtime::cp::{CopyError, CopyFrom, CopySource, CopyTarget, CopyTo};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Copy files/folders between a container and the local filesystem
///
/// Use '-' as the source to read a tar archive from stdin and extract it to a directory destination
/// in a container. Use '-' as the destination to stream a tar archive of a container source to stdout.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Archive mode (copy all uid/gid information)
    #[arg(short, long)]
    archive: bool,
    /// Always follow symbol link in SRC_PATH
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// CONTAINER:PATH, a path, or -
    #[arg(value_name = "SRC_PATH")]
    source: OsString,
    /// A path, - or CONTAINER:PATH
    #[arg(value_name = "DEST_PATH")]
    destination: OsString,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let Args { archive, follow_link: follow, source, destination } = args;
    for (what, text) in [("source", &source), ("destination", &destination)] {
        if text.is_empty() {
            return Err(Failure::words(format!("{what} can not be empty")));
        }
    }
    let (source, destination) = (split(&source), split(&destination));
    let copied = match (source, destination) {
        (End::Container(..), End::Container(..)) => {
            return Err(Failure::words("copying between containers is not supported"));
        }
        (End::Host(_), End::Host(_)) => return Err(Failure::words("must specify at least one container source")),
        (End::Container(container, path), End::Host(to)) => {
            let from = CopyFrom { container, path, follow };
            let home = place.open()?;
            let to = if to == b"-" { CopyTarget::Stream(out.bytes()) } else { CopyTarget::Path(to) };
            runtime::cp::copy_from(&home, &from, to)
        }
        (End::Host(from), End::Container(container, path)) => {
            let to = CopyTo { container, path, follow, archive };
            let home = place.open()?;
            let mut stdin = io::stdin();
            let from = if from == b"-" { CopySource::Stream(&mut stdin) } else { CopySource::Path(from) };
            runtime::cp::copy_to(&home, from, &to)
        }
    };
    copied.map_err(|error| match error {
        CopyError::NotThere { .. } => Failure::not_there(&error),
        CopyError::Home(error) => Failure::home(&error),
        CopyError::Output(error) => error.into(),
        CopyError::Engine(error) => Failure::engine(&error),
        CopyError::Client(error) => Failure::words(error.to_string()),
    })
}

/// One end of a copy, as typed.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Container(String, Vec<u8>),
    Host(Vec<u8>),
}

/// `CONTAINER:PATH`, or a path of the host, which may have colons if it begins with a slash or a
/// dot (docker/cli 20.10, cp.go `splitCpArg`).
fn split(text: &OsStr) -> End {
    let text = text.as_bytes();
    let colon = text.iter().position(|byte| *byte == b':');
    match colon {
        Some(colon) if !matches!(text.first(), Some(b'/' | b'.')) => {
            let (container, path) = (&text[..colon], text[colon + 1..].to_vec());
            match String::from_utf8_lossy(container).into_owned() {
                nothing if nothing.is_empty() => End::Host(path),
                container => End::Container(container, path),
            }
        }
        _ => End::Host(text.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_is_a_containers_unless_a_path_begins_before_it() {
        let split = |text: &str| split(text.as_ref());
        assert_eq!(split("web:/a:b"), End::Container("web".to_owned(), b"/a:b".to_vec()));
        assert_eq!(split("web:"), End::Container("web".to_owned(), Vec::new()));
        for path in ["/a:b", "./a:b", "..:b", "plain", "-"] {
            assert_eq!(split(path), End::Host(path.into()), "{path}");
        }
        assert_eq!(split(":x"), End::Host(b"x".to_vec()));
    }
}
