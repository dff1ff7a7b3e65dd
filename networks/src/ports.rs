//! Published ports: which the host has to spare, and holding them.
//!
//! netavark's rules take what comes to a port whether somebody listens there or not, so the port is first
//! listened on, as docker's proxy does: whoever has it already is noticed, and whoever comes later is told.
//! Nothing ever arrives there: the rules take it before.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
};

use serde::{Deserialize, Serialize};

/// How a port is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Single packets.
    Udp,
}

impl Protocol {
    /// Docker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A port that is to be reachable from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPort {
    /// In the container.
    pub container_port: u16,
    /// How.
    pub protocol: Protocol,
    /// On which of the host's addresses; all of them if unspecified.
    pub host_ip: Ipv4Addr,
    /// The first and the last that will do; `None` for any.
    pub host_ports: Option<(u16, u16)>,
}

/// A port of a container that is reachable from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// In the container.
    pub container_port: u16,
    /// How.
    pub protocol: Protocol,
    /// On which of the host's addresses.
    pub host_ip: Ipv4Addr,
    /// Where.
    pub host_port: u16,
}

/// Why a port cannot be had. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// Another container has it.
    #[error("Bind for {0}:{1} failed: port is already allocated")]
    Allocated(Ipv4Addr, u16),
    /// Somebody else has it, or the address is not ours.
    #[error("Error starting userland proxy: listen {protocol}4 {ip}:{port}: bind: {reason}")]
    Bind {
        /// How.
        protocol: &'static str,
        /// Where.
        ip: Ipv4Addr,
        /// Which.
        port: u16,
        /// In Go's words.
        reason: String,
    },
    /// None of those that will do is left. dockerd's words.
    #[error("all ports are allocated")]
    All,
}

/// A port that nobody else can have while this lives.
#[derive(Debug)]
pub enum Held {
    /// Listened on.
    Tcp(TcpListener),
    /// Bound.
    Udp(UdpSocket),
}

impl Published {
    /// Takes the port.
    ///
    /// # Errors
    /// [`Taken::Bind`].
    pub fn hold(&self) -> Result<Held, Taken> {
        let at = (IpAddr::V4(self.host_ip), self.host_port);
        let held = match self.protocol {
            Protocol::Tcp => TcpListener::bind(at).map(Held::Tcp),
            Protocol::Udp => UdpSocket::bind(at).map(Held::Udp),
        };
        held.map_err(|error| Taken::Bind {
            protocol: self.protocol.word(),
            ip: self.host_ip,
            port: self.host_port,
            reason: words(&error),
        })
    }

    fn collides(&self, other: &Self) -> bool {
        let everywhere = self.host_ip.is_unspecified() || other.host_ip.is_unspecified();
        self.protocol == other.protocol
            && self.host_port == other.host_port
            && (everywhere || self.host_ip == other.host_ip)
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Finds a port of the host for each that is wanted, and holds it.
///
/// moby 20.10, libnetwork portallocator.go `RequestPortInRange`, portmapper/mapper.go: of a range, or of
/// all that the kernel gives away by itself, the first that is free.
///
/// # Errors
/// [`Taken`], the first.
pub fn assign(wanted: &[WantedPort], others: &[Published]) -> Result<Vec<(Published, Held)>, Taken> {
    let mut got: Vec<(Published, Held)> = Vec::new();
    for want in wanted {
        let at = |host_port| Published {
            container_port: want.container_port,
            protocol: want.protocol,
            host_ip: want.host_ip,
            host_port,
        };
        let (first, last) = want.host_ports.unwrap_or_else(any);
        let mut refused = Taken::All;
        let found = (first..=last).find_map(|port| {
            let place = at(port);
            let known = others.iter().chain(got.iter().map(|(port, _)| port)).any(|other| other.collides(&place));
            if known {
                if first == last {
                    refused = Taken::Allocated(place.host_ip, port);
                }
                return None;
            }
            match place.hold() {
                Ok(held) => Some((place, held)),
                Err(error) => {
                    refused = error;
                    None
                }
            }
        });
        got.push(found.ok_or(refused)?);
    }
    Ok(got)
}

/// Those that the kernel gives away by itself (moby 20.10, libnetwork portallocator_linux.go).
fn any() -> (u16, u16) {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(last)) => (first, last),
        _ => (49_153, 65_535),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(host_ports: Option<(u16, u16)>) -> WantedPort {
        WantedPort { container_port: 80, protocol: Protocol::Tcp, host_ip: Ipv4Addr::LOCALHOST, host_ports }
    }

    #[test]
    fn a_port_that_another_program_has_is_refused_in_dockerds_words() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = other.local_addr().expect("it has one").port();
        let words = assign(&[want(Some((port, port)))], &[]).expect_err("it is taken").to_string();
        let expected =
            format!("Error starting userland proxy: listen tcp4 127.0.0.1:{port}: bind: address already in use");
        assert_eq!(words, expected);
    }

    #[test]
    fn a_port_of_another_container_is_allocated_on_all_addresses() {
        let other =
            Published { container_port: 1, protocol: Protocol::Tcp, host_ip: Ipv4Addr::UNSPECIFIED, host_port: 8080 };
        let refused = assign(&[want(Some((8080, 8080)))], &[other]).expect_err("it is taken");
        assert_eq!(refused.to_string(), "Bind for 127.0.0.1:8080 failed: port is already allocated");
    }

    #[test]
    fn no_two_wishes_get_the_same_port() {
        let got = assign(&[want(None), want(None)], &[]).expect("two ports");
        assert_ne!(got[0].0.host_port, got[1].0.host_port);
    }
}
