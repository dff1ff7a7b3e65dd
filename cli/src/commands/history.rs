//! `minidock history`: the steps that made an image.

use images::Row;
use serde_json::{Value, json};

use super::Place;
use crate::{
    failure::Failure,
    out::{
        Out,
        listing::{self, Format},
    },
};

/// Show the history of an image
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pretty-print history using a Go template
    #[arg(long)]
    format: Option<String>,
    /// Print sizes and dates in human readable format
    #[arg(short = 'H', long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    human: String,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
    image: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let human = !matches!(args.human.as_str(), "false" | "0");
    let created = if human { "{{.CreatedSince}}" } else { "{{.CreatedAt}}" };
    let columns = format!("{{{{.ID}}}}\t{created}\t{{{{.CreatedBy}}}}\t{{{{.Size}}}}\t{{{{.Comment}}}}");
    let asked = if args.quiet { Some("{{.ID}}") } else { args.format.as_deref() };
    let format = Format::parse(asked, &columns).map_err(|error| Failure::words(error.to_string()))?;
    let home = place.open()?;
    let (images, layers) = (home.images(), home.layers().map_err(|error| Failure::home(&error))?);
    let image = images.resolve(&args.image).map_err(|error| Failure::engine(&error))?;
    let rows = images.history(&layers, &image).map_err(|error| Failure::engine(&error))?;
    let rows: Vec<_> = rows.iter().map(|row| fields(row, human, args.no_trunc)).collect();
    Ok(listing::show(out, &rows, &format, &heading)?)
}

fn heading(field: &str) -> String {
    match field {
        "ID" => "IMAGE".to_owned(),
        "CreatedSince" => "CREATED".to_owned(),
        other => listing::plain_heading(other),
    }
}

/// docker/cli 20.10, command/formatter/history.go.
fn fields(row: &Row, human: bool, whole: bool) -> Value {
    let id = match row.id.strip_prefix("sha256:") {
        Some(hex) if !whole => hex.get(..12).unwrap_or(hex),
        _ => &row.id,
    };
    let created = base::Time::from_unix_nanos(i128::from(row.created) * 1_000_000_000);
    let age = base::units::human_duration(base::Time::now().seconds_since(&created));
    let by = row.created_by.replace('\t', " ");
    json!({
        "ID": id,
        "CreatedSince": if created.unix_seconds() <= base::Time::NEVER.unix_seconds() { "N/A".to_owned() } else { format!("{age} ago") },
        "CreatedAt": created.local_rfc3339_seconds(),
        "CreatedBy": if whole { by } else { super::shortened(&by, 45) },
        "Size": if human { base::units::human_size_3(row.size) } else { row.size.to_string() },
        "Comment": row.comment,
    })
}
