//! `minidock network inspect`: all that is known of networks.

use networks::{Joint, Network, NetworkError};
use serde_json::{Map, Value, json};

use super::{Place, inspect};
use crate::{failure::Failure, out::Out};

/// Display detailed information on one or more networks
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format the output using the given Go template
    #[arg(short, long)]
    format: Option<String>,
    /// Verbose output for diagnostics
    #[arg(short, long)]
    verbose: bool,
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let home = place.open()?;
    let place = home.network_place();
    let joints = place.joints().map_err(|error| Failure::engine(&error))?;
    // What --verbose adds are services of swarm.
    let each = |name: &String| match place.find(home.data_root(), name) {
        Ok(network) => Ok(object(&network, &joints)),
        Err(NetworkError::NotFound(_)) => Err(super::network_rm::no_such(name)),
        Err(error) => Err(Failure::engine(&error)),
    };
    inspect::show_each(args.format.as_deref(), args.networks.iter().map(each), out)
}

/// The API's object (moby 20.10, api/server/router/network `buildNetworkResource`).
fn object(network: &Network, joints: &[Joint]) -> Value {
    let pools: Vec<Value> = network
        .pools
        .iter()
        .map(|pool| {
            let mut told = Map::new();
            told.insert("Subnet".to_owned(), json!(pool.subnet));
            if let Some(range) = pool.range {
                told.insert("IPRange".to_owned(), json!(range));
            }
            if let Some(gateway) = pool.gateway.filter(|_| pool.shows_gateway) {
                told.insert("Gateway".to_owned(), json!(gateway));
            }
            Value::Object(told)
        })
        .collect();
    let mut containers = Map::new();
    let mut sorted: Vec<&Joint> = joints.iter().collect();
    sorted.sort_by(|one, other| one.container.cmp(&other.container));
    for joint in sorted {
        for on in joint.networks.iter().filter(|on| on.id == network.id) {
            let told = json!({
                "Name": joint.name,
                "EndpointID": on.endpoint,
                "MacAddress": on.mac,
                "IPv4Address": format!("{}/{}", on.address, on.subnet.bits()),
                "IPv6Address": "",
            });
            containers.insert(joint.container.to_string(), told);
        }
    }
    json!({
        "Name": network.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": network.scope,
        "Driver": network.driver,
        "EnableIPv6": network.ipv6,
        "IPAM": { "Driver": "default", "Options": network.ipam_options, "Config": pools },
        "Internal": network.internal,
        "Attachable": network.attachable,
        "Ingress": network.ingress,
        "ConfigFrom": { "Network": "" },
        "ConfigOnly": false,
        "Containers": containers,
        "Options": network.options,
        "Labels": network.labels,
    })
}
