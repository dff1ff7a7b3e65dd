//! `resolv.conf`: what is mounted on a container's `/etc/resolv.conf`, made of the host's; and
//! `resolv.conf.hash`, by which dockerd sees whether somebody edited it.
//!
//! moby 20.10, libnetwork resolvconf and sandbox_dns_unix.go. Name servers on the host's loopback
//! cannot be reached from a container and are taken out; when none is left, Google's are put in.
//! A host whose only server is systemd-resolved's stub has the real ones in another file, see
//! [`is_systemd_stub`]. With the host's network it is a plain copy without a hash.

use base::Digest;

/// Where the host's name servers stand.
pub const HOST: &str = "/etc/resolv.conf";

/// Where they stand when [`HOST`] is systemd-resolved's stub.
pub const SYSTEMD: &str = "/run/systemd/resolve/resolv.conf";

const GOOGLE_V4: [&str; 2] = ["8.8.8.8", "8.8.4.4"];
const GOOGLE_V6: [&str; 2] = ["2001:4860:4860::8888", "2001:4860:4860::8844"];

/// `--dns`, `--dns-search` and `--dns-option`; an empty list means "as the host has it".
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Addresses.
    pub servers: &'a [String],
    /// Domains.
    pub search: &'a [String],
    /// `ndots:2` and the like.
    pub options: &'a [String],
}

/// The container's file, made of the host's. `ipv6` says whether the container has IPv6.
pub fn for_container(host: &str, wanted: &Wanted<'_>, ipv6: bool) -> String {
    if wanted.servers.is_empty() && wanted.search.is_empty() && wanted.options.is_empty() {
        // Twice, as dockerd: before it knows of the network, and then with it.
        let cleaned = filter(host, true);
        return if ipv6 { cleaned } else { filter(&cleaned, false) };
    }
    let or_host = |wanted: &[String], host: Vec<&str>| -> Vec<String> {
        if wanted.is_empty() { host.into_iter().map(str::to_owned).collect() } else { wanted.to_vec() }
    };
    build(
        &or_host(wanted.servers, name_servers(host)),
        &or_host(wanted.search, last_list(host, "search")),
        &or_host(wanted.options, last_list(host, "options")),
    )
}

/// The text of `resolv.conf.hash`: no newline.
pub fn hash(resolv_conf: &str) -> String {
    Digest::of(resolv_conf.as_bytes()).to_string()
}

/// Whether this file names systemd-resolved's stub alone, so that [`SYSTEMD`] counts.
pub fn is_systemd_stub(host: &str) -> bool {
    name_servers(host) == ["127.0.0.53"]
}

/// Takes out the name servers a container cannot reach; of a removed line the blank space up to
/// the next text goes too.
fn filter(text: &str, ipv6: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        match server_at_line_start(line) {
            Some((server, behind)) if is_loopback(server) || (!ipv6 && server.contains(':')) => {
                rest = rest[line.len() - behind.len()..].trim_start();
            }
            _ => {
                kept.push_str(line);
                rest = after;
            }
        }
    }
    if name_servers(&kept).is_empty() {
        let google = GOOGLE_V4.iter().chain(GOOGLE_V6.iter().filter(|_| ipv6));
        google.for_each(|server| kept.push_str(&format!("\nnameserver {server}")));
    }
    kept
}

/// The server a line names, and what stands behind it.
fn server_at_line_start(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("nameserver")?;
    let server = rest.trim_start();
    let end = server.find(char::is_whitespace).unwrap_or(server.len());
    (server.len() < rest.len()).then(|| server.split_at(end))
}

fn is_loopback(server: &str) -> bool {
    server == "::1" || server.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// The servers of all lines that are nothing but `nameserver ADDRESS`.
fn name_servers(text: &str) -> Vec<&str> {
    let server = |line| {
        let mut words = uncommented(line).strip_prefix("nameserver")?.split_whitespace();
        let server = words.next().filter(|server| is_address(server))?;
        words.next().is_none().then_some(server)
    };
    text.lines().filter_map(server).collect()
}

/// The words of the last line that begins with `keyword`.
fn last_list<'a>(text: &'a str, keyword: &str) -> Vec<&'a str> {
    let lines = text.lines().rev().map(uncommented);
    let mut lists = lines.filter_map(|line| line.strip_prefix(keyword));
    lists.next().map(|words| words.split_whitespace().collect()).unwrap_or_default()
}

fn uncommented(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_start()
}

fn is_address(text: &str) -> bool {
    let plain = text.split('%').next().unwrap_or_default();
    plain.parse::<std::net::IpAddr>().is_ok()
}

fn build(servers: &[String], search: &[String], options: &[String]) -> String {
    let mut text = String::new();
    let domains = search.join(" ");
    // `--dns-search .` means: none.
    if !search.is_empty() && domains.trim_matches(' ') != "." {
        text.push_str(&format!("search {domains}\n"));
    }
    servers.iter().for_each(|server| text.push_str(&format!("nameserver {server}\n")));
    if !options.join("").trim_matches(' ').is_empty() {
        text.push_str(&format!("options {}\n", options.join(" ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(host: &str) -> String {
        for_container(host, &Wanted::default(), false)
    }

    #[test]
    fn a_reachable_server_is_kept_as_it_stands() {
        let host = "nameserver 10.255.255.53\n";
        assert_eq!(plain(host), host);
        // The hash that dockerd 20.10.24 wrote beside just this file.
        assert_eq!(hash(host), "sha256:b28bb20664856e4e8dcd7776224848fbbf4ed5c7a005f13447fcd3dd347dbb8a");
    }

    #[test]
    fn loopback_servers_go_and_googles_come() {
        assert_eq!(
            plain("search x\nnameserver 127.0.0.11\n\n"),
            "search x\n\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"
        );
        assert_eq!(plain("nameserver ::1\nnameserver 1.2.3.4\n"), "nameserver 1.2.3.4\n");
    }

    #[test]
    fn servers_of_ipv6_need_ipv6() {
        let host = "nameserver fe80::1%eth0\nnameserver 9.9.9.9\noptions edns0\n";
        assert_eq!(plain(host), "nameserver 9.9.9.9\noptions edns0\n");
        assert_eq!(for_container(host, &Wanted::default(), true), host);
    }

    #[test]
    fn what_the_user_wants_replaces_its_part_of_the_hosts() {
        let host = "# x\nsearch a b\nnameserver 127.0.0.53\noptions ndots:1\n";
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let servers = words(&["9.9.9.9"]);
        let wanted = Wanted { servers: &servers, ..Wanted::default() };
        assert_eq!(for_container(host, &wanted, false), "search a b\nnameserver 9.9.9.9\noptions ndots:1\n");
        let search = words(&["."]);
        let wanted = Wanted { search: &search, ..Wanted::default() };
        assert_eq!(for_container(host, &wanted, false), "nameserver 127.0.0.53\noptions ndots:1\n");
    }

    #[test]
    fn the_stub_of_systemd_is_seen() {
        assert!(is_systemd_stub("# comment\nnameserver 127.0.0.53\noptions edns0\n"));
        assert!(!is_systemd_stub("nameserver 127.0.0.53\nnameserver 1.1.1.1\n"));
        assert!(!is_systemd_stub(""));
    }
}
