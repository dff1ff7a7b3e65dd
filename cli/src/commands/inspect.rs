//! `minidock inspect`: all that is known of containers and images, as JSON.

use runtime::InspectKind;
use serde_json::Value;

use super::Place;
use crate::{
    failure::Failure,
    out::{Out, template::Template},
};

/// Return low-level information on containers and images
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Format output using a Go template
    #[arg(short, long)]
    format: Option<String>,
    /// Display total file sizes if the type is container
    #[arg(short, long)]
    size: bool,
    /// Return JSON for specified type
    #[arg(long, value_name = "container|image")]
    r#type: Option<String>,
    #[arg(required = true, value_name = "NAME|ID")]
    names: Vec<String>,
}

/// A template that cannot be used ends `inspect` with this code.
const BAD_TEMPLATE: u8 = 64;

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let kind = InspectKind::parse(args.r#type.as_deref()).ok_or_else(|| {
        Failure::words(format!("{:?} is not a valid value for --type", args.r#type.clone().unwrap_or_default()))
    })?;
    show(place, &args, kind, out)
}

/// Shows what is of this kind.
pub fn show(place: &Place, args: &Args, kind: InspectKind, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let each =
        |name: &String| runtime::inspect(&home, name, kind, args.size).map_err(|error| Failure::not_there(&error));
    show_each(args.format.as_deref(), args.names.iter().map(each), out)
}

/// Shows what was found, then says what was not.
pub fn show_each(
    format: Option<&str>,
    things: impl Iterator<Item = Result<Value, Failure>>,
    out: &mut Out,
) -> Result<(), Failure> {
    let template = match format {
        None | Some("" | "json") => None,
        Some(text) => Some(Template::parse(text).map_err(|error| bad_template(&error))?),
    };
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for thing in things {
        match thing {
            Ok(value) => found.push(value),
            Err(failure) => missing.push(failure),
        }
    }
    match (&template, format) {
        (Some(template), _) => {
            let mut shown = 0;
            for value in &found {
                let text = template.run_typed(value, null);
                let text = text.or_else(|error| template.run_typed(&whole(value), null).map_err(|_| error));
                match text {
                    Ok(text) => {
                        shown += 1;
                        out.line(text)?;
                    }
                    // docker/cli 20.10: what the template does not find is said after the rest.
                    Err(error) => missing.push(bad_template(&error).with_code(1)),
                }
            }
            if shown == 0 {
                // docker/cli 20.10, inspect/inspector.go `Flush`: nothing is an empty line.
                out.line("")?;
            }
        }
        (None, Some("json")) => {
            for value in &found {
                out.line(serde_json::to_string(value).map_err(std::io::Error::from)?)?;
            }
        }
        (None, _) => out.text(indented(&found)?)?,
    }
    out.flush()?;
    let Some(last) = missing.pop() else { return Ok(()) };
    missing.iter().for_each(Failure::say);
    Err(last)
}

/// How Go prints a field that is null: by its type in docker's client, of which most are lists.
fn null(name: &str) -> &'static str {
    match name {
        "Health" | "Healthcheck" | "StopTimeout" | "Init" | "SizeRw" | "SizeRootFs" | "MemorySwappiness"
        | "OomKillDisable" | "PidsLimit" | "IPAMConfig" | "ContainerConfig" | "UsageData" => "<nil>",
        "Ports" | "Volumes" | "Labels" | "ExposedPorts" | "StorageOpt" | "Tmpfs" | "Sysctls" | "Networks" | "Data"
        | "Options" | "DriverOpts" | "PortBindings" | "Config" | "Status" => "map[]",
        "" => "<no value>",
        _ => "[]",
    }
}

/// A container with the fields that its JSON leaves out when they are empty.
///
/// docker/cli 20.10, inspect/inspector.go `TypedInspect`: a template sees the value itself first, and
/// there they are; only what is not there either is an error, in the words of the JSON.
fn whole(value: &Value) -> Value {
    let mut whole = value.clone();
    let mut add = |place: &str, names: &[&str], empty: Value| {
        if let Some(Value::Object(fields)) = whole.pointer_mut(place) {
            for name in names {
                fields.entry(*name).or_insert_with(|| empty.clone());
            }
        }
    };
    if value.pointer("/State/Running").is_some() {
        add("/State", &["Health"], Value::Null);
        add("/Config", &["Healthcheck", "StopTimeout"], Value::Null);
        add("/Config", &["MacAddress", "StopSignal"], "".into());
        add("/Config", &["ArgsEscaped", "NetworkDisabled"], false.into());
        add("/Config", &["Shell"], Value::Array(Vec::new()));
        add("/Config", &["ExposedPorts"], serde_json::json!({}));
        add("/HostConfig", &["Init"], Value::Null);
        add("/HostConfig", &["StorageOpt", "Tmpfs", "Sysctls"], serde_json::json!({}));
        add("/HostConfig", &["Mounts"], Value::Array(Vec::new()));
        add("", &["SizeRw", "SizeRootFs"], Value::Null);
    }
    whole
}

fn bad_template(error: &dyn std::error::Error) -> Failure {
    Failure::words(format!("template parsing error: {error}")).with_code(BAD_TEMPLATE)
}

/// Four spaces a level, as docker's client.
fn indented(found: &[Value]) -> std::io::Result<String> {
    use serde::Serialize as _;
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    found.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
