//! `minidock volume create`: a volume to be used later.

use std::collections::BTreeMap;

use runtime::volume::{self, VolumeCreateError};
use volumes::NewVolume;

use super::Place;
use crate::{failure::Failure, out::Out};

/// Create a volume
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Specify volume driver name
    #[arg(short, long, default_value = "local")]
    driver: String,
    /// Set metadata for a volume
    #[arg(long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Specify volume name
    #[arg(long, hide = true)]
    name: Option<String>,
    /// Set driver specific options
    #[arg(short, long, value_name = "KEY=VALUE")]
    opt: Vec<String>,
    #[arg(value_name = "VOLUME")]
    volume: Option<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    if args.volume.is_some() && args.name.is_some() {
        let words = "conflicting options: either specify --name or provide positional arg, not both";
        return Err(Failure::words(words));
    }
    let new = NewVolume {
        name: args.volume.or(args.name).unwrap_or_default(),
        driver: args.driver,
        labels: Some(pairs(&args.label)),
        options: Some(pairs(&args.opt)),
    };
    let home = place.open()?;
    let name = volume::create(&home, new).map_err(|error| match &error {
        VolumeCreateError::Home(error) => Failure::home(error),
        VolumeCreateError::Volume(error) => Failure::engine(error),
    })?;
    Ok(out.line(name)?)
}

/// docker/cli 20.10, opts `ConvertKVStringsToMap`: what has no `=` has an empty value.
fn pairs(texts: &[String]) -> BTreeMap<String, String> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (text.clone(), String::new()),
    };
    texts.iter().map(pair).collect()
}
