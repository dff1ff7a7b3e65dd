//! `minidock network create`: a network of one's own.

use std::net::Ipv4Addr;

use networks::{NewNetwork, Subnet};
use runtime::{flags::values, network};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Create a network
#[derive(Debug, clap::Args)]
pub struct Args {
    /// On the heap, since the other commands are small.
    #[command(flatten)]
    wishes: Box<Wishes>,
}

#[derive(Debug, clap::Args)]
struct Wishes {
    /// Driver to manage the Network
    #[arg(short, long, default_value = "bridge")]
    driver: String,
    /// Subnet in CIDR format that represents a network segment
    #[arg(long, value_name = "CIDR")]
    subnet: Vec<String>,
    /// IPv4 Gateway for the master subnet
    #[arg(long, value_name = "IP")]
    gateway: Vec<String>,
    /// Allocate container ip from a sub-range
    #[arg(long, value_name = "CIDR")]
    ip_range: Vec<String>,
    /// Restrict external access to the network
    #[arg(long)]
    internal: bool,
    /// Enable manual container attachment
    #[arg(long)]
    attachable: bool,
    /// Set metadata on a network
    #[arg(long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Set driver specific options
    #[arg(short, long, value_name = "KEY=VALUE")]
    opt: Vec<String>,
    #[arg(long, hide = true)]
    ipv6: bool,
    #[arg(long, hide = true)]
    aux_address: Vec<String>,
    #[arg(long, hide = true)]
    ipam_driver: Option<String>,
    #[arg(long, hide = true)]
    ipam_opt: Vec<String>,
    #[arg(long, hide = true)]
    ingress: bool,
    #[arg(long, hide = true)]
    scope: Option<String>,
    #[arg(long, hide = true)]
    config_only: bool,
    #[arg(long, hide = true)]
    config_from: Option<String>,
    #[arg(value_name = "NETWORK")]
    network: String,
}

/// The driver's options that change nothing but the device's name.
const OPTIONS: [&str; 1] = [networks::Network::BRIDGE_NAME];

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let args = *args.wishes;
    refuse(&args)?;
    let (range, gateway) = consistent(&args)?;
    let new = NewNetwork {
        name: args.network,
        driver: args.driver,
        subnet: args.subnet.into_iter().next(),
        range,
        gateway,
        internal: args.internal,
        attachable: args.attachable,
        options: values::pairs(&args.opt),
        labels: values::pairs(&args.label),
    };
    let home = place.open()?;
    let id = network::create(&home, new).map_err(|error| super::network::failed(&error))?;
    Ok(out.line(id)?)
}

fn refuse(args: &Wishes) -> Result<(), Failure> {
    let no = |what: &str, why: &str| Err(Failure::words(format!("minidock: {what} is not supported: {why}")));
    let swarm = "it is for swarm";
    let given = [
        ("--ipv6", args.ipv6, "networks are IPv4"),
        ("--aux-address", !args.aux_address.is_empty(), "addresses are given to containers only"),
        ("--ipam-driver", args.ipam_driver.as_deref().is_some_and(|name| name != "default"), "there is one"),
        ("--ipam-opt", !args.ipam_opt.is_empty(), "there are none"),
        ("--ingress", args.ingress, swarm),
        ("--scope", args.scope.as_deref().is_some_and(|scope| scope != "local"), swarm),
        ("--config-only", args.config_only, swarm),
        ("--config-from", args.config_from.is_some(), swarm),
        ("more than one --subnet", args.subnet.len() > 1, "a network has one pool"),
    ];
    if let Some((what, _, why)) = given.into_iter().find(|(_, given, _)| *given) {
        return no(what, why);
    }
    let option = args.opt.iter().map(|text| text.split('=').next().unwrap_or_default());
    match option.into_iter().find(|key| !OPTIONS.contains(key)) {
        Some(key) => no(&format!("the option {key}"), "netavark's bridges do not have it"),
        None => Ok(()),
    }
}

/// docker/cli 20.10, network/create.go `consolidateIpam`.
fn consistent(args: &Wishes) -> Result<(Option<Subnet>, Option<Ipv4Addr>), Failure> {
    let words = |text: String| Failure::words(text);
    if args.subnet.is_empty() && (args.gateway.len() + args.ip_range.len()) > 0 {
        return Err(words("every ip-range or gateway must have a corresponding subnet".to_owned()));
    }
    // One that is none, dockerd refuses.
    let Some(subnet) = args.subnet.first().and_then(|text| text.parse::<Subnet>().ok()) else {
        return Ok((None, None));
    };
    let mut range = None;
    for text in &args.ip_range {
        let parsed: Subnet = text.parse().map_err(|error: networks::BadSubnet| words(error.to_string()))?;
        if !subnet.overlaps(&parsed) || parsed.bits() < subnet.bits() {
            return Err(words(format!("no matching subnet for range {text}")));
        }
        range = Some(parsed);
    }
    let mut gateway = None;
    for text in &args.gateway {
        let parsed = text.parse::<Ipv4Addr>().ok().filter(|gateway| subnet.contains(*gateway));
        gateway = Some(parsed.ok_or_else(|| words(format!("no matching subnet for gateway {text}")))?);
    }
    Ok((range, gateway))
}
