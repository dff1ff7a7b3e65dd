//! `minidock events`: what happens to containers, images and volumes.

use std::io;

use base::Time;
use runtime::events::{Event, EventsError, EventsRequest, Filter};
use serde_json::Value;

use super::{Place, moment::moment};
use crate::{
    failure::{BEFORE_THE_CONTAINER, Failure},
    out::{Out, template::Template},
};

/// Get real time events
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Format the output using the given Go template
    #[arg(long)]
    format: Option<String>,
    /// Show all events created since timestamp
    #[arg(long)]
    since: Option<String>,
    /// Stream events until this timestamp
    #[arg(long)]
    until: Option<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let now = Time::now();
    let at = |text: &Option<String>| match text.as_deref().filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => moment(text, now)
            .map(Some)
            .ok_or_else(|| Failure::words(format!("failed to parse value as time or duration: {text:?}"))),
    };
    let pairs = args.filter.iter().map(|pair| {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            let words = "bad format of filter (expected name=value)";
            Failure::words(format!("invalid argument {pair:?} for \"-f, --filter\" flag: {words}"))
                .with_code(BEFORE_THE_CONTAINER)
        })?;
        Ok((key.trim().to_lowercase(), value.trim().to_owned()))
    });
    let pairs = pairs.collect::<Result<Vec<_>, Failure>>()?;
    let template = match args.format.as_deref() {
        None | Some("") => None,
        Some("json") => Some(Template::parse("{{json .}}")),
        Some(text) => Some(Template::parse(text)),
    };
    let template =
        template.transpose().map_err(|error| Failure::words(format!("Error parsing format: {error}")).with_code(64))?;
    let as_json = matches!(args.format.as_deref(), Some("json" | "{{json .}}"));
    let request = EventsRequest {
        since: at(&args.since)?,
        until: at(&args.until)?,
        filter: Filter::new(pairs).map_err(|error| Failure::engine(&error))?,
    };
    let home = place.open()?;
    let told = runtime::events(&home, &request, |event| {
        let Some(event) = event else { return out.flush() };
        let text = match &template {
            None => line(event),
            Some(template) => {
                let value = serde_json::to_value(event)?;
                let value = if as_json { value } else { titled(&value) };
                template.run(&value).map_err(|error| io::Error::other(error.to_string()))?
            }
        };
        out.line(text)
    });
    told.map_err(|error| match error {
        EventsError::Told(error) if error.kind() != io::ErrorKind::Other => error.into(),
        error => Failure::words(error.to_string()),
    })
}

/// By the fields' names in Go, which a template goes by: `{{.ID}}`, `{{.Status}}`, `{{.TimeNano}}`.
fn titled(event: &Value) -> Value {
    let names = ["Status", "ID", "From", "Type", "Action", "Actor", "Scope", "Time", "TimeNano"];
    let found = names.map(|name| {
        let lower = match name {
            "ID" => "id".to_owned(),
            "TimeNano" => "timeNano".to_owned(),
            other => other.to_lowercase(),
        };
        let value = event.get(name).or_else(|| event.get(&lower)).cloned();
        (name.to_owned(), value.unwrap_or_else(|| "".into()))
    });
    Value::Object(found.into_iter().collect())
}

/// docker/cli 20.10, command/system/events.go `prettyPrintEvent`.
fn line(event: &Event) -> String {
    let attributes: Vec<_> = event.actor.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let attributes = if attributes.is_empty() { String::new() } else { format!(" ({})", attributes.join(", ")) };
    format!("{} {} {} {}{attributes}", event.at().local_padded(), event.kind, event.action, event.actor.id)
}
