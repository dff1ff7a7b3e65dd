//! `minidock volume inspect`: all that is known of volumes.

use serde_json::{Map, Value, json};
use volumes::{Volume, VolumeError};

use super::{Place, inspect};
use crate::{failure::Failure, out::Out};

/// Display detailed information on one or more volumes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format the output using the given Go template
    #[arg(short, long)]
    format: Option<String>,
    #[arg(required = true, value_name = "VOLUME")]
    volumes: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let each = |name: &String| match runtime::volume::inspect(&home, name) {
        Ok(volume) => Ok(object(&volume)),
        Err(VolumeError::NotThere(_)) => Err(Failure::words(format!("Error: No such volume: {name}"))),
        Err(error) => Err(Failure::engine(&error)),
    };
    inspect::show_each(args.format.as_deref(), args.volumes.iter().map(each), out)
}

/// The API's object (moby 20.10, api/types/volume.go `Volume`).
fn object(volume: &Volume) -> Value {
    let map = |map: &Option<std::collections::BTreeMap<String, String>>| json!(map);
    let never = || "0001-01-01T00:00:00Z".to_owned();
    let mut object = Map::new();
    object
        .insert("CreatedAt".to_owned(), volume.created.map_or_else(never, |time| time.local_rfc3339_seconds()).into());
    object.insert("Driver".to_owned(), volume.driver.clone().into());
    object.insert("Labels".to_owned(), map(&volume.labels));
    object.insert("Mountpoint".to_owned(), volume.mountpoint.to_string_lossy().into());
    object.insert("Name".to_owned(), volume.name.clone().into());
    object.insert("Options".to_owned(), map(&volume.options));
    object.insert("Scope".to_owned(), "local".into());
    object.into()
}
