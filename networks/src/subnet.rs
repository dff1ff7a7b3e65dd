//! IPv4 addresses in a network, and networks that lie in one another. Pure.

use std::{collections::BTreeSet, fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

/// An IPv4 network, `172.17.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subnet {
    base: u32,
    bits: u8,
}

/// Not the text of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid CIDR address: {0}")]
pub struct BadSubnet(String);

impl Subnet {
    /// The network of so many bits that an address lies in.
    pub fn around(address: Ipv4Addr, bits: u8) -> Self {
        let bits = bits.min(32);
        Self { base: u32::from(address) & mask(bits), bits }
    }

    /// Length of the prefix.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.bits) == self.base
    }

    /// Whether some address lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let bits = self.bits.min(other.bits);
        self.base & mask(bits) == other.base & mask(bits)
    }

    /// The address at a place, counted from the network's own.
    pub fn at(&self, place: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base.wrapping_add(place))
    }

    /// The first address in a part of it that nobody has: neither the network's own nor the one for all.
    pub fn free(&self, part: &Self, taken: &BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
        let edges = [self.at(0), self.at(!mask(self.bits))];
        let places = (0..=!mask(part.bits)).map(|place| part.at(place));
        places.filter(|address| self.contains(*address)).find(|it| !taken.contains(it) && !edges.contains(it))
    }

    /// Docker's pools, in order (moby 20.10, libnetwork ipamutils `localScopeDefaultNetworks`).
    pub fn pools() -> impl Iterator<Item = Self> {
        let sixteen = (17..32).map(|second| Self::around(Ipv4Addr::new(172, second, 0, 0), 16));
        let twenty = (0..16).map(|third| Self::around(Ipv4Addr::new(192, 168, third * 16, 0), 20));
        sixteen.chain(twenty)
    }
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.bits)
    }
}

impl FromStr for Subnet {
    type Err = BadSubnet;

    fn from_str(text: &str) -> Result<Self, BadSubnet> {
        let bad = || BadSubnet(text.to_owned());
        let (address, bits) = text.split_once('/').ok_or_else(bad)?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32).ok_or_else(bad)?;
        Ok(Self::around(address.parse().map_err(|_| bad())?, bits))
    }
}

impl Serialize for Subnet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subnet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().expect("a network")
    }

    #[test]
    fn the_first_address_that_is_free_is_taken_and_the_last_is_for_all() {
        let small = subnet("10.0.0.0/30");
        let mut taken = BTreeSet::from([Ipv4Addr::new(10, 0, 0, 1)]);
        assert_eq!(small.free(&small, &taken), Some(Ipv4Addr::new(10, 0, 0, 2)));
        taken.insert(Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(small.free(&small, &taken), None);
    }

    #[test]
    fn a_network_in_another_overlaps_it() {
        assert!(subnet("10.0.0.0/8").overlaps(&subnet("10.9.0.0/24")));
        assert!(subnet("10.9.0.0/24").overlaps(&subnet("0.0.0.0/0")));
        assert!(!subnet("172.17.0.0/16").overlaps(&subnet("172.18.0.0/16")));
    }

    #[test]
    fn dockers_pools_are_thirty_one() {
        let pools: Vec<_> = Subnet::pools().map(|pool| pool.to_string()).collect();
        assert_eq!((pools.len(), pools[0].as_str(), pools[30].as_str()), (31, "172.17.0.0/16", "192.168.240.0/20"));
    }

    #[test]
    fn what_is_no_network_is_refused_in_gos_words() {
        for text in ["10.0.0.1", "10.0.0.0/33", "x/8", ""] {
            assert_eq!(text.parse::<Subnet>().expect_err(text).to_string(), format!("invalid CIDR address: {text}"));
        }
        assert_eq!(subnet("10.1.2.3/8").to_string(), "10.0.0.0/8");
    }
}
