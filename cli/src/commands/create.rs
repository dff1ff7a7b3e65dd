//! `minidock create`: make a container, do not start it.

use super::{
    Place,
    container_flags::{self, ContainerFlags},
};
use crate::{failure::Failure, out::Out};

/// Create a new container
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    #[command(flatten)]
    flags: ContainerFlags,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let request = args.flags.request(false)?;
    let id_file = request.host_config.container_id_file.clone();
    container_flags::check_id_file(&id_file)?;
    let (home, _writer) = place.open_to_write()?;
    let created = runtime::create(&home, request).map_err(|error| Failure::engine(&error))?;
    for warning in &created.warnings {
        out.note(format_args!("WARNING: {warning}"))?;
    }
    container_flags::write_id(&id_file, &created.id)?;
    Ok(out.line(&created.id)?)
}
