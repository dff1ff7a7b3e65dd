//! `minidock where`: which directories a container's files are in.

use super::Place;
use crate::{failure::Failure, out::Out};

/// Show where a container's files are, layer by layer
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
    container: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let found = runtime::whereis(&home, &args.container).map_err(|error| Failure::engine(&error))?;
    if args.json {
        return Ok(out.line(serde_json::to_string_pretty(&found).map_err(std::io::Error::from)?)?);
    }
    let (image, id) = &found.image;
    let id = id.as_ref().map(|id| format!("  ({id})")).unwrap_or_default();
    out.line(format_args!("container  {} {}", found.name, found.id))?;
    out.line(format_args!("image      {image}{id}"))?;
    out.line(format_args!("driver     {}", found.driver))?;
    out.line(format_args!("config     {}", found.config.display()))?;
    out.line(format_args!("upper      {}   what the container changed", found.upper.display()))?;
    if let Some(work) = &found.work {
        out.line(format_args!("work       {}", work.display()))?;
    }
    let mounted = if found.mounted { "mounted" } else { "not mounted: it does not run" };
    out.line(format_args!("merged     {}   {mounted}", found.merged.display()))?;
    if let Some(init) = &found.init {
        out.line(format_args!("init       {}   mount points, never committed", init.display()))?;
    }
    for (number, layer) in found.lower.iter().enumerate() {
        let size = base::units::human_size_3(layer.size);
        let images = if layer.images.is_empty() { String::new() } else { format!("   {}", layer.images.join(", ")) };
        out.line(format_args!("lower {:<4} {}   {size}{images}", number + 1, layer.path.display()))?;
        out.line(format_args!("           chain {}", layer.chain))?;
    }
    Ok(())
}
