//! `minidock network connect`: a container comes to one more network.

use containers::config_v2::{Endpoint, IpamConfig};
use runtime::{
    flags::values,
    network::{self, ConnectFailure},
};

use super::Place;
use crate::{failure::Failure, out::Out};

/// Connect a container to a network
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add network-scoped alias for the container
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,
    /// IPv4 address (e.g., 172.30.100.104)
    #[arg(long, value_name = "IP")]
    ip: Option<String>,
    #[arg(long, hide = true)]
    ip6: Option<String>,
    #[arg(long, hide = true)]
    link: Vec<String>,
    #[arg(long, hide = true)]
    link_local_ip: Vec<String>,
    #[arg(long, hide = true)]
    driver_opt: Vec<String>,
    network: String,
    container: String,
}

pub fn run(place: &Place, args: Args, _out: &mut Out) -> Result<(), Failure> {
    let refused = [
        ("ip6", args.ip6.is_some()),
        ("link", !args.link.is_empty()),
        ("link-local-ip", !args.link_local_ip.is_empty()),
        ("driver-opt", !args.driver_opt.is_empty()),
    ];
    if let Some((flag, _)) = refused.into_iter().find(|(_, given)| *given) {
        let why = "a container's place on a network is IPv4 and has no links and options";
        return Err(Failure::words(format!("minidock: --{flag} is not supported: {why}")));
    }
    let ip = args.ip.as_deref().map(values::address).transpose().map_err(|error| Failure::words(error.0))?;
    let endpoint = Endpoint {
        ipam_config: Some(IpamConfig { ipv4_address: ip.unwrap_or_default(), ..IpamConfig::default() }),
        aliases: (!args.alias.is_empty()).then_some(args.alias),
        driver_opts: Some(std::collections::BTreeMap::new()),
        ..Endpoint::default()
    };
    let home = place.open()?;
    network::connect(&home, &args.network, &args.container, endpoint).map_err(|error| failed(&error))
}

/// Why it was not done.
pub fn failed(error: &ConnectFailure) -> Failure {
    match error {
        ConnectFailure::Home(error) => Failure::home(error),
        _ => Failure::engine(error),
    }
}
