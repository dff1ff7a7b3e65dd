//! `minidock image …`: the other spelling of what is done with images.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Manage images
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Verb,
}

super::commands! {
    /// What can be done.
    Verb {
        History(history),
        Import(import),
        Inspect(image_inspect),
        Load(load),
        /// List images
        #[command(visible_alias = "list")]
        Ls(images),
        /// Remove one or more images
        #[command(visible_alias = "remove")]
        Rm(rmi),
        Save(save),
        Tag(tag),
    }
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    args.command.run(place, out)
}
