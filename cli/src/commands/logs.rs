//! `minidock logs`: what a container has written, and goes on to write.

use std::io::{self, Write};

use base::Time;
use containers::json_log::{Entry, Stream};
use runtime::{LogsRequest, Told};

use super::{Place, moment::moment};
use crate::{failure::Failure, out::Out};

/// Fetch the logs of a container
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show extra details provided to logs
    #[arg(long)]
    details: bool,
    /// Follow log output
    #[arg(short, long)]
    follow: bool,
    /// Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)
    #[arg(long)]
    since: Option<String>,
    /// Show logs before a timestamp or relative
    #[arg(long)]
    until: Option<String>,
    /// Number of lines to show from the end of the logs
    #[arg(short = 'n', long, default_value = "all", allow_hyphen_values = true)]
    tail: String,
    /// Show timestamps
    #[arg(short, long)]
    timestamps: bool,
    container: String,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let now = Time::now();
    let at = |text: &Option<String>, flag: &str| match text {
        None => Ok(None),
        Some(text) => moment(text, now).map(Some).ok_or_else(|| {
            Failure::words(format!("invalid value for \"{flag}\": failed to parse value {text:?} as time or duration"))
        }),
    };
    let request = LogsRequest {
        container: args.container,
        since: at(&args.since, "since")?,
        until: at(&args.until, "until")?,
        // docker takes what is no number, and negative ones, for "all"
        tail: args.tail.parse().ok(),
        follow: args.follow,
    };
    let home = place.open()?;
    let mut stderr = io::stderr().lock();
    runtime::logs(&home, &request, |told| {
        match told {
            Told::Entry(entry) => match entry.stream {
                Stream::Stdout => write_entry(out.bytes(), &entry, args.timestamps, args.details)?,
                Stream::Stderr => {
                    out.flush()?;
                    write_entry(&mut stderr, &entry, args.timestamps, args.details)?;
                }
            },
            Told::Damaged(damage) => {
                out.flush()?;
                writeln!(stderr, "WARNING: a damaged entry of the log is left out: {damage}")?;
            }
            Told::Quiet => out.flush()?,
        }
        Ok(())
    })
}

fn write_entry(to: &mut dyn Write, entry: &Entry, stamps: bool, details: bool) -> io::Result<()> {
    if stamps {
        write!(to, "{} ", entry.time.padded())?;
    }
    if details {
        let pairs: Vec<_> =
            entry.attrs.iter().map(|(key, value)| format!("{}={}", query_escaped(key), query_escaped(value))).collect();
        write!(to, "{} ", pairs.join(","))?;
    }
    to.write_all(&entry.log)
}

/// As Go's `url.QueryEscape`, which docker's attributes go through.
fn query_escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}
