//! `minidock stats`: what containers use, once or over and over.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use base::units;
use containers::LookupError;
use runtime::{Home, PsRequest, stats::Sample};
use serde_json::{Value, json};

use super::Place;
use crate::{
    failure::Failure,
    out::{
        Out,
        listing::{self, Format},
    },
};

/// Display a live stream of container(s) resource usage statistics
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    /// Pretty-print the rows using a Go template
    #[arg(long)]
    format: Option<String>,
    /// Disable streaming stats and only pull the first result
    #[arg(long)]
    no_stream: bool,
    /// Do not truncate output
    #[arg(long)]
    no_trunc: bool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

const COLUMNS: &str =
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

/// Clears a terminal and begins at its top.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// As often as dockerd counts.
const EVERY: Duration = Duration::from_secs(1);

/// A container that is looked at.
#[derive(Debug)]
struct Watched {
    /// What it is called by: as typed, or its short id.
    called: String,
    before: Option<Sample>,
    now: Option<Sample>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let format = Format::parse(args.format.as_deref(), COLUMNS).map_err(|error| Failure::words(error.to_string()))?;
    let home = place.open()?;
    let mut watched = Vec::new();
    look(&home, &args, &mut watched, true)?;
    let mut next = Instant::now() + EVERY;
    if args.no_stream {
        // A share is one of a time: of two looks.
        if watched.iter().any(|one| one.now.as_ref().is_some_and(|sample| sample.running)) {
            sleep(next.saturating_duration_since(Instant::now()));
            watched.iter_mut().for_each(|one| one.look(&home));
        }
        return show(out, &args, &format, &watched);
    }
    loop {
        out.text(CLEAR)?;
        show(out, &args, &format, &watched)?;
        out.flush()?;
        sleep(next.saturating_duration_since(Instant::now()));
        next += EVERY;
        look(&home, &args, &mut watched, false)?;
    }
}

/// Looks at all that were named, or else at all that are there. Who was there before keeps his
/// place.
fn look(home: &Home, args: &Args, watched: &mut Vec<Watched>, first: bool) -> Result<(), Failure> {
    if args.containers.is_empty() {
        let request = PsRequest { all: args.all, ..PsRequest::default() };
        let found = runtime::ps(home, &request).map_err(|error| Failure::engine(&error))?;
        let there: Vec<&str> = found.rows.iter().map(|row| row.id.short()).collect();
        watched.retain(|one| there.contains(&one.called.as_str()));
        there.into_iter().for_each(|id| Watched::add(watched, id));
    } else if first {
        args.containers.iter().for_each(|name| Watched::add(watched, name));
        let refused = args.containers.iter().filter_map(|name| runtime::stats::sample(home, name).err());
        return match refused.collect::<Vec<LookupError>>().as_slice() {
            [] => {
                watched.iter_mut().for_each(|one| one.look(home));
                Ok(())
            }
            [all @ .., last] => {
                all.iter().for_each(|error| Failure::engine(error).say());
                Err(Failure::engine(last))
            }
        };
    }
    watched.iter_mut().for_each(|one| one.look(home));
    Ok(())
}

impl Watched {
    fn add(watched: &mut Vec<Self>, called: &str) {
        if !watched.iter().any(|one| one.called == called) {
            watched.push(Self { called: called.to_owned(), before: None, now: None });
        }
    }

    /// Of one that is not there any more, what was known last stays in mind.
    fn look(&mut self, home: &Home) {
        if let Some(last) = self.now.take() {
            self.before = Some(last);
        }
        self.now = runtime::stats::sample(home, &self.called).ok();
    }

    fn row(&self, whole: bool) -> Value {
        let known = self.now.as_ref().or(self.before.as_ref());
        let id = known.map_or("", |known| if whole { known.id.as_str() } else { known.id.short() });
        let name = known.map(|known| known.name.as_str()).filter(|name| !name.is_empty()).unwrap_or("--");
        let Some(now) = &self.now else {
            return json!({
                "BlockIO": "--", "CPUPerc": "--", "Container": self.called, "ID": id, "MemPerc": "--",
                "MemUsage": "-- / --", "Name": name, "NetIO": "--", "PIDs": "--",
            });
        };
        // What it used before it was begun again is not in this count.
        let before = self.before.as_ref().filter(|before| before.running && before.usage.cpu <= now.usage.cpu);
        let usage = &now.usage;
        let pair = |one: u64, other: u64, shown: fn(u64) -> String| format!("{} / {}", shown(one), shown(other));
        json!({
            "BlockIO": pair(usage.read, usage.written, units::human_size_3),
            "CPUPerc": format!("{:.2}%", now.cpu_percent(before)),
            "Container": self.called,
            "ID": id,
            "MemPerc": format!("{:.2}%", now.memory_percent()),
            "MemUsage": pair(usage.memory, usage.limit, units::bytes_size),
            "Name": name,
            "NetIO": pair(now.received, now.sent, units::human_size_3),
            "PIDs": usage.pids.to_string(),
        })
    }
}

fn show(out: &mut Out, args: &Args, format: &Format, watched: &[Watched]) -> Result<(), Failure> {
    let rows: Vec<_> = watched.iter().map(|one| one.row(args.no_trunc)).collect();
    Ok(listing::show(out, &rows, format, &heading)?)
}

fn heading(field: &str) -> String {
    let own = match field {
        "ID" => "CONTAINER ID",
        "CPUPerc" => "CPU %",
        "MemUsage" => "MEM USAGE / LIMIT",
        "MemPerc" => "MEM %",
        "NetIO" => "NET I/O",
        "BlockIO" => "BLOCK I/O",
        "PIDs" => "PIDS",
        other => return listing::plain_heading(other),
    };
    own.to_owned()
}
