//! Networks: which there are, who is on them, and the devices and rules that make them, by netavark.
//!
//! dockerd's own are read from `network/files/local-kv.db` and never written. Who is on a network just
//! now is kept in the exec root, one file per container, and goes with the container; networks that users make
//! are kept there, too. netavark makes
//! bridge, devices and rules; it does not choose addresses, does not see that a port is taken, and leaves
//! its base chains behind: that is done here.

#![forbid(unsafe_code)]

mod chains;
mod database;
mod error;
mod joint;
mod netavark;
mod network;
mod own;
mod place;
mod ports;
mod subnet;

pub use self::{
    error::NetworkError,
    joint::{Joint, OnNetwork},
    netavark::{Netavark, PACKAGE},
    network::{Network, Pool},
    own::NewNetwork,
    place::{Place, Wish, WishOn},
    ports::{Held, Protocol, Published, Taken, WantedPort},
    subnet::{BadSubnet, Subnet},
};
