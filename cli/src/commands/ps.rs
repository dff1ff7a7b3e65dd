//! `minidock ps`: which containers there are.

use runtime::{PsRequest, PsRow};
use serde_json::{Value, json};

use super::Place;
use crate::{
    failure::Failure,
    out::{
        Out,
        listing::{self, Format},
    },
};

/// List containers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    /// Filter output based on conditions provided (id, name, label, status, exited, ancestor, volume)
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Pretty-print containers using a Go template
    #[arg(long)]
    format: Option<String>,
    /// Show n last created containers (includes all states)
    #[arg(short = 'n', long, allow_negative_numbers = true, value_name = "N")]
    last: Option<i64>,
    /// Show the latest created container (includes all states)
    #[arg(short, long)]
    latest: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only display container IDs
    #[arg(short, long)]
    quiet: bool,
    /// Display total file sizes
    #[arg(short, long)]
    size: bool,
}

const COLUMNS: &str = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let last = if args.latest { Some(1) } else { args.last.and_then(|count| usize::try_from(count).ok()) };
    let columns = if args.size { format!("{COLUMNS}\t{{{{.Size}}}}") } else { COLUMNS.to_owned() };
    let asked = if args.quiet { Some("{{.ID}}") } else { args.format.as_deref() };
    let format = Format::parse(asked, &columns).map_err(|error| Failure::words(error.to_string()))?;
    let home = place.open()?;
    // docker/cli 20.10, command/container/list.go `buildContainerListOptions`
    let size = args.size || args.format.as_deref().is_some_and(|format| format.contains(".Size"));
    let request = PsRequest { all: args.all, last, size, filters: args.filter };
    let found = runtime::ps(&home, &request).map_err(|error| Failure::engine(&error))?;
    let rows: Vec<_> = found.rows.iter().map(|row| fields(row, args.no_trunc)).collect();
    listing::show(out, &rows, &format, &heading)?;
    for damage in &found.damaged {
        out.note(format_args!("WARNING: {damage}"))?;
    }
    Ok(())
}

fn heading(field: &str) -> String {
    match field {
        "ID" => "CONTAINER ID".to_owned(),
        "RunningFor" => "CREATED".to_owned(),
        other => listing::plain_heading(other),
    }
}

fn fields(row: &PsRow, whole: bool) -> Value {
    let id = if whole { row.id.as_str() } else { row.id.short() };
    let command = if whole { row.command.clone() } else { super::shortened(&row.command, 20) };
    let mounts: Vec<_> =
        row.mounts.iter().map(|name| if whole { name.clone() } else { super::shortened(name, 15) }).collect();
    let labels: Vec<_> = row.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let age = base::units::human_duration(base::Time::now().seconds_since(&row.created));
    json!({
        "ID": id,
        "Names": row.name,
        "Image": if row.image.is_empty() { "<no image>" } else { &row.image },
        "Command": super::go_quoted(&command),
        "CreatedAt": row.created.local_text(),
        "RunningFor": format!("{age} ago"),
        "Ports": row.ports,
        "State": row.state,
        "Status": row.status,
        "Size": size(row.size),
        "Labels": labels.join(","),
        listing::LABEL: row.labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "Mounts": mounts.join(","),
        "LocalVolumes": row.local_volumes.to_string(),
        "Networks": row.networks.join(","),
    })
}

fn size(size: Option<(u64, u64)>) -> String {
    let Some((own, all)) = size else { return "0B".to_owned() };
    format!("{} (virtual {})", base::units::human_size_3(own), base::units::human_size_3(all))
}
