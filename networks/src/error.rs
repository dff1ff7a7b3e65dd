//! What goes wrong with networks.

use std::path::PathBuf;

use crate::ports::Taken;

/// Why a container is not on a network. Sentences in quotes are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// netavark is not there.
    #[error(
        "bridge networks need netavark, which is not here (Debian: apt install {package}); \
         --network none and --network host work without",
        package = crate::PACKAGE
    )]
    NoNetavark,
    /// aardvark-dns is not there.
    #[error("names on networks of one's own need aardvark-dns, which is not here (Debian: apt install aardvark-dns)")]
    NoAardvark,
    /// dockerd's words.
    #[error("operation is not permitted on predefined {0} network")]
    Predefined(String),
    /// dockerd's words.
    #[error("{0} is a pre-defined network and cannot be removed")]
    CannotRemove(String),
    /// dockerd's words.
    #[error("network with name {0} already exists")]
    Exists(String),
    /// dockerd's words.
    #[error("plugin \"{0}\" not found")]
    NoDriver(String),
    /// Docker has it, and we have not.
    #[error("the network driver {0} is not supported: only bridge is")]
    Driver(String),
    /// dockerd's words.
    #[error("Invalid subnet {0} : invalid CIDR address: {0}")]
    BadSubnet(String),
    /// dockerd's words.
    #[error("Pool overlaps with other one on this address space")]
    Overlap,
    /// dockerd's words.
    #[error("error while removing network: network {0} id {1} has active endpoints")]
    Active(String, String),
    /// dockerd's words.
    #[error("endpoint with name {0} already exists in network {1}")]
    Connected(String, String),
    /// dockerd's words.
    #[error("container {0} is not connected to network {1}")]
    NotConnected(base::ContainerId, String),
    /// It stands in dockerd's database.
    #[error("the network {0} is dockerd's own: only dockerd can remove it")]
    Dockerds(String),
    /// dockerd's words.
    #[error("user specified IP address is supported only when connecting to networks with user configured subnets")]
    AddressOnPool,
    /// dockerd's words.
    #[error("user specified IP address is supported on user defined networks only")]
    AddressOnDefault,
    /// dockerd's words.
    #[error("network-scoped alias is supported only for containers in user defined networks")]
    AliasOnDefault,
    /// dockerd's words.
    #[error("Address already in use")]
    AddressInUse,
    /// netavark said no.
    #[error("netavark could not {what} the network: {said}")]
    Netavark {
        /// `set up` or `take down`.
        what: &'static str,
        /// Its words.
        said: String,
    },
    /// dockerd's words.
    #[error("driver failed programming external connectivity on endpoint {name} ({endpoint}): {reason}")]
    Port {
        /// The container's name.
        name: String,
        /// The endpoint's id.
        endpoint: String,
        /// Which port, and why not.
        reason: Taken,
    },
    /// All addresses are in use. dockerd's words.
    #[error("no available IPv4 addresses on this network's address pools: {name} ({id})")]
    NoAddress {
        /// The network.
        name: String,
        /// Its id.
        id: String,
    },
    /// All pools are in use. dockerd's words.
    #[error(
        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network"
    )]
    NoPool,
    /// dockerd's words.
    #[error("network {0} not found")]
    NotFound(String),
    /// Neither tcp nor udp, or on IPv6.
    #[error("the port {0} cannot be published: only tcp and udp on IPv4 addresses can")]
    Unpublishable(String),
    /// A network that is not IPv4 on a bridge.
    #[error("the network {0} cannot be used: only IPv4 networks of the driver bridge can")]
    Unusable(String),
    /// dockerd's database.
    #[error("dockerd's networks in {path} cannot be read: {reason}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file of ours that is none.
    #[error("{path} is damaged: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}
