//! Flags of docker's that are known and cannot be given: each is refused by name, with the reason.

use clap::Args;

use super::value;
use crate::failure::Failure;

const BRIDGE: &str = "a container's place on a network is IPv4 and has no links";
const WINDOWS: &str = "it is for Windows containers";

/// Flags that are refused.
#[derive(Debug, Args)]
pub struct Refused {
    #[arg(long, hide = true, allow_hyphen_values = true)]
    link: Vec<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    link_local_ip: Vec<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    ip6: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    gpus: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    storage_opt: Vec<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    cpu_count: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    cpu_percent: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    io_maxbandwidth: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    io_maxiops: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    isolation: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    platform: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    pull: Option<String>,
}

impl Refused {
    /// Says why, if one of them was given.
    ///
    /// # Errors
    /// The first that was given.
    pub fn check(&self) -> Result<(), Failure> {
        let given = [
            ("link", !self.link.is_empty(), BRIDGE),
            ("link-local-ip", !self.link_local_ip.is_empty(), BRIDGE),
            ("ip6", self.ip6.is_some(), BRIDGE),
            ("gpus", self.gpus.is_some(), "there are no device drivers"),
            ("storage-opt", !self.storage_opt.is_empty(), "a container's layer has no quota yet"),
            ("cpu-count", self.cpu_count.is_some(), WINDOWS),
            ("cpu-percent", self.cpu_percent.is_some(), WINDOWS),
            ("io-maxbandwidth", self.io_maxbandwidth.is_some(), WINDOWS),
            ("io-maxiops", self.io_maxiops.is_some(), WINDOWS),
            ("isolation", self.isolation.as_deref().is_some_and(|wanted| !["", "default"].contains(&wanted)), WINDOWS),
            ("platform", self.platform.is_some(), "images of one platform only are kept"),
            ("pull", self.pull.as_deref().is_some_and(|when| when == "always"), "there is no pull yet"),
        ];
        match given.into_iter().find(|(_, given, _)| *given) {
            Some((flag, _, why)) => Err(value::words(format!("--{flag} is not supported: {why}"))),
            None => Ok(()),
        }
    }
}
