//! `minidock network ls`: which networks there are.

use networks::Network;
use runtime::network::{self, NetworkFilters};
use serde_json::{Value, json};

use super::Place;
use crate::{
    failure::Failure,
    out::{
        Out,
        listing::{self, Format},
    },
};

/// List networks
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Provide filter values (e.g. 'driver=bridge')
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Pretty-print networks using a Go template
    #[arg(long)]
    format: Option<String>,
    /// Do not truncate the output
    #[arg(long)]
    no_trunc: bool,
    /// Only display network IDs
    #[arg(short, long)]
    quiet: bool,
}

const COLUMNS: &str = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let asked = if args.quiet { Some("{{.ID}}") } else { args.format.as_deref() };
    let format = Format::parse(asked, COLUMNS).map_err(|error| Failure::words(error.to_string()))?;
    let filters = NetworkFilters::for_list(&args.filter).map_err(|error| super::network::bad_filter(&error))?;
    let home = place.open()?;
    let listed = network::list(&home, &filters).map_err(|error| Failure::engine(&error))?;
    let rows: Vec<Value> = listed.networks.iter().map(|network| fields(network, args.no_trunc)).collect();
    Ok(listing::show(out, &rows, &format, &heading)?)
}

fn heading(field: &str) -> String {
    match field {
        "ID" => "NETWORK ID".to_owned(),
        other => listing::plain_heading(other),
    }
}

/// As Go prints a time, its fraction as long as it has to be.
fn created(network: &Network) -> String {
    network.created.to_string().replace('T', " ").replace('Z', " +0000 UTC")
}

fn fields(network: &Network, whole: bool) -> Value {
    let labels: Vec<_> = network.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    json!({
        "CreatedAt": created(network),
        "Driver": network.driver,
        "ID": if whole { &network.id } else { network.short_id() },
        "IPv6": network.ipv6.to_string(),
        "Internal": network.internal.to_string(),
        "Labels": labels.join(","),
        listing::LABEL: network.labels,
        "Name": network.name,
        "Scope": network.scope,
    })
}
