//! `hosts`: what is mounted on a container's `/etc/hosts`.
//!
//! moby 20.10, libnetwork etchosts: six fixed lines, then `--add-host`, then the container's own
//! addresses. Written anew at each start. With the host's network it is a copy of the host's file
//! instead, and not made here.

use std::fmt;

/// One line: an address and the names it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As typed; not checked.
    pub address: String,
    /// Separated by single spaces.
    pub names: String,
}

/// The file's lines, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<Line>);

/// What every container has. From 29 on the third and fourth address read `fe00::`, `ff00::`.
const FIXED: [(&str, &str); 6] = [
    ("127.0.0.1", "localhost"),
    ("::1", "localhost ip6-localhost ip6-loopback"),
    ("fe00::0", "ip6-localnet"),
    ("ff00::0", "ip6-mcastprefix"),
    ("ff02::1", "ip6-allnodes"),
    ("ff02::2", "ip6-allrouters"),
];

impl Hosts {
    /// The fixed lines alone: what a container without network has.
    pub fn new() -> Self {
        let mut hosts = Self(Vec::new());
        FIXED.iter().for_each(|(address, names)| hosts.add(address, names));
        hosts
    }

    /// Adds a line at the end.
    pub fn add(&mut self, address: &str, names: &str) {
        self.0.push(Line { address: address.to_owned(), names: names.to_owned() });
    }

    /// Adds what `--add-host NAME:ADDRESS` asks for; a text without a colon adds nothing, as in
    /// dockerd, which refused it at create.
    pub fn add_extra(&mut self, extra_host: &str) {
        if let Some((name, address)) = extra_host.split_once(':') {
            self.add(address, name);
        }
    }

    /// Adds the container's own address, under its host name with and without the domain.
    ///
    /// moby 20.10, libnetwork sandbox_dns_unix.go `updateHostsFile`.
    pub fn add_own(&mut self, address: &str, hostname: &str, domainname: &str) {
        let full = match domainname {
            "" => hostname.to_owned(),
            domain => format!("{hostname}.{domain}"),
        };
        match full.split_once('.') {
            Some((first, _)) => self.add(address, &format!("{full} {first}")),
            None => self.add(address, &full),
        }
    }

    /// Reads a `hosts` file. Comments and lines without a name are left out.
    pub fn parse(text: &str) -> Self {
        let line = |text: &str| {
            let text = text.split('#').next().unwrap_or_default().trim();
            let (address, names) = text.split_once(char::is_whitespace)?;
            Some(Line { address: address.to_owned(), names: names.split_whitespace().collect::<Vec<_>>().join(" ") })
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// The lines, in order.
    pub fn lines(&self) -> &[Line] {
        &self.0
    }
}

impl Default for Hosts {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{}\t{}", line.address, line.names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As dockerd 20.10.24 writes it for `--network none`.
    const NONE: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n\
        ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

    #[test]
    fn without_network_it_is_dockerds_150_bytes() {
        assert_eq!(Hosts::new().to_string(), NONE);
        assert_eq!(NONE.len(), 150);
        assert_eq!(Hosts::parse(NONE), Hosts::new());
    }

    #[test]
    fn own_addresses_get_the_name_with_and_without_the_domain() {
        let mut hosts = Hosts::parse("");
        hosts.add_own("172.17.0.2", "web", "");
        hosts.add_own("172.17.0.2", "web", "example.org");
        hosts.add_own("172.17.0.2", "web.example.org", "");
        hosts.add_extra("db:10.0.0.1");
        hosts.add_extra("six:fe80::1");
        let own = "172.17.0.2\tweb.example.org web\n";
        assert_eq!(hosts.to_string(), format!("172.17.0.2\tweb\n{own}{own}10.0.0.1\tdb\nfe80::1\tsix\n"));
    }

    #[test]
    fn comments_and_odd_spacing_are_understood() {
        let hosts = Hosts::parse("# all\n\n127.0.0.1   a \t b # c\nlonely\n");
        assert_eq!(hosts.to_string(), "127.0.0.1\ta b\n");
    }
}
