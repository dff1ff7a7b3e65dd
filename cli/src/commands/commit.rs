//! `minidock commit`: an image of what a container changed.

use images::Reference;
use runtime::CommitRequest;

use super::{Place, progress::Progress, streams};
use crate::{failure::Failure, out::Out};

/// Create a new image from a container's changes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
    #[arg(short, long)]
    author: Option<String>,
    /// Apply Dockerfile instruction to the created image
    #[arg(short, long)]
    change: Vec<String>,
    /// Commit message
    #[arg(short, long)]
    message: Option<String>,
    /// Pause container during commit
    #[arg(short, long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pause: String,
    container: String,
    #[arg(value_name = "REPOSITORY[:TAG]")]
    name: Option<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let pause = streams::truth("pause", &args.pause)?;
    let name = args.name.as_deref().filter(|name| !name.is_empty()).map(str::parse::<Reference>).transpose();
    let request = CommitRequest {
        container: args.container,
        name: name.map_err(|error| Failure::words(error.to_string()))?,
        author: args.author.unwrap_or_default(),
        comment: args.message.unwrap_or_default(),
        changes: args.change,
        pause,
    };
    let (home, _writer) = place.open_to_write()?;
    let progress = Progress::new(false);
    let mut bar = |done| progress.show("Committing", done, 0);
    let id = runtime::commit(&home, &request, &mut bar).map_err(|error| Failure::engine(&error))?;
    progress.clear();
    Ok(out.line(id)?)
}
