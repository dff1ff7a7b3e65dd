//! `minidock volume ls`: which volumes there are.

use std::cmp::Ordering;

use base::{Time, units};
use runtime::volume::{self, Details, ListedVolume, VolumeFilters};
use serde_json::{Value, json};

use super::Place;
use crate::{
    failure::Failure,
    out::{
        Out,
        listing::{self, Format},
    },
};

/// List volumes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Provide filter values (dangling=true|false, name=TEXT, driver=NAME, label=KEY[=VALUE])
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Pretty-print volumes using a Go template
    #[arg(long)]
    format: Option<String>,
    /// Only display volume names
    #[arg(short, long)]
    quiet: bool,
    /// Show size, last write, users, and where anonymous volumes came from
    #[arg(short, long)]
    size: bool,
}

const COLUMNS: &str = "{{.Driver}}\t{{.Name}}";
const LONG_COLUMNS: &str = "{{.Name}}\t{{.Size}}\t{{.LastWrite}}\t{{.Users}}\t{{.Origin}}";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let columns = if args.size { LONG_COLUMNS } else { COLUMNS };
    let asked = if args.quiet { Some("{{.Name}}") } else { args.format.as_deref() };
    let format = Format::parse(asked, columns).map_err(|error| Failure::words(error.to_string()))?;
    let filters = VolumeFilters::for_list(&args.filter).map_err(|error| super::volume::bad_filter(&error))?;
    let home = place.open()?;
    let mut listed = volume::list(&home, &filters).map_err(|error| Failure::engine(&error))?;
    listed.sort_by(|one, other| natural(&one.volume.name, &other.volume.name));
    // docker says `N/A` for sizes in a format of its own; with -s they are told.
    let measure = args.size || asked.is_some_and(|format| format.contains(".LastWrite"));
    let mut rows = Vec::new();
    for one in &listed {
        let details = match measure {
            true => Some(volume::details(&one.volume).map_err(|error| Failure::engine(&error))?),
            false => None,
        };
        rows.push(fields(one, details, args.size));
    }
    Ok(listing::show(out, &rows, &format, &heading)?)
}

fn heading(field: &str) -> String {
    match field {
        "Name" => "VOLUME NAME".to_owned(),
        "Users" => "USED BY".to_owned(),
        "Origin" => "FROM".to_owned(),
        other => listing::plain_heading(other),
    }
}

fn fields(listed: &ListedVolume, details: Option<Details>, size: bool) -> Value {
    let volume = &listed.volume;
    let labels: Vec<_> = volume.labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    let users: Vec<_> = listed.users.iter().map(|user| user.name.as_str()).collect();
    let missing = || "N/A".to_owned();
    let ago = |time: Time| format!("{} ago", units::human_duration(Time::now().seconds_since(&time)));
    let last_write = |details: Details| details.last_write.map_or_else(missing, ago);
    let from = listed.origin.as_ref().map(|origin| format!("{} ({})", origin.container, origin.image));
    json!({
        "Driver": volume.driver,
        "Labels": labels.join(","),
        listing::LABEL: volume.labels.clone().unwrap_or_default(),
        "LastWrite": details.map_or_else(missing, last_write),
        "Links": if size { listed.users.len().to_string() } else { missing() },
        "Mountpoint": volume.mountpoint.to_string_lossy(),
        "Name": volume.name,
        "Origin": from.unwrap_or_default(),
        "Scope": "local",
        "Size": details.filter(|_| size).map_or_else(missing, |details| units::human_size(details.size)),
        "Users": users.join(","),
    })
}

/// Runs of digits count as numbers, as docker's client sorts names (sortorder `NaturalLess`).
fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.as_bytes(), other.as_bytes());
    while let (Some(a), Some(b)) = (left.first(), right.first()) {
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let (number, rest) = digits(left);
            let (second, others) = digits(right);
            let order = number.len().cmp(&second.len()).then_with(|| number.cmp(second));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (rest, others);
        } else if a != b {
            return a.cmp(b);
        } else {
            (left, right) = (&left[1..], &right[1..]);
        }
    }
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// The number at the begin without its zeros, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let zeros = text[..end].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeros..end], &text[end..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["v10", "v9", "a", "v9a", "v09"];
        names.sort_by(|one, other| super::natural(one, other));
        assert_eq!(names, ["a", "v09", "v9", "v9a", "v10"]);
    }
}
