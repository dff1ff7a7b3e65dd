//! The files a container finds as `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf`: written
//! anew in its own directory at each start.
//!
//! moby 20.10, libnetwork sandbox_dns_unix.go, container/container_unix.go. Nothing is flushed:
//! they are written again before they are used again.

use std::path::{Path, PathBuf};

use containers::{
    Config, HostConfig, Record, hostname,
    hosts::Hosts,
    resolv_conf::{self, Wanted},
};

use networks::Joint;

use crate::{
    network::Network,
    spec::{Bind, network_file},
};

const HOSTS: &str = "/etc/hosts";

/// Writes the files, notes where they are in the record, and returns their binds. What the user
/// bound to one of these places is taken instead, as dockerd does.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(
    dir: &Path,
    record: &mut Record,
    host: &HostConfig,
    network: Network,
    joint: Option<&Joint>,
    binds: &mut Vec<Bind>,
) -> sys::Result<Vec<Bind>> {
    sys::create_dir_all(dir.join("mounts"), 0o710)?;
    let put = |name: &str, text: &[u8]| -> sys::Result<PathBuf> {
        let path = dir.join(name);
        sys::truncate_write(&path, text, 0o644)?;
        Ok(path)
    };
    // A host without the file has none to copy; dockerd then makes and mounts none.
    let text = hosts(host, network, &record.config, joint)?;
    let hosts = text.as_ref().map_or_else(|| Ok(dir.join("hosts")), |text| put("hosts", text))?;
    let resolv = resolv(host, network, joint)?;
    let resolv_path = put("resolv.conf", resolv.as_bytes())?;
    if network != Network::Host {
        put("resolv.conf.hash", resolv_conf::hash(&resolv).as_bytes())?;
    }
    let name = put("hostname", &hostname::to_bytes(&record.config.hostname))?;
    let files = [("/etc/resolv.conf", resolv_path), ("/etc/hostname", name), (HOSTS, hosts)];
    let mut mounted = Vec::new();
    for (destination, own) in files {
        let users = binds.iter().position(|bind| bind.destination == destination).map(|at| binds.remove(at));
        let (source, writable) = match users {
            Some(bind) => (bind.source, bind.writable),
            None => (own, !host.readonly_rootfs),
        };
        let noted = match destination {
            "/etc/resolv.conf" => &mut record.resolv_conf_path,
            "/etc/hostname" => &mut record.hostname_path,
            _ => &mut record.hosts_path,
        };
        *noted = source.to_string_lossy().into_owned();
        if destination == HOSTS && text.is_none() && source == dir.join("hosts") {
            continue;
        }
        mounted.push(network_file(source, destination, writable));
    }
    Ok(mounted)
}

/// The files of the container whose network this one shares (moby 20.10, container_operations_unix.go
/// `initializeNetworking`). What the user bound there comes first.
pub(crate) fn share(record: &mut Record, owner: &Record, host: &HostConfig, binds: &mut Vec<Bind>) -> Vec<Bind> {
    record.resolv_conf_path.clone_from(&owner.resolv_conf_path);
    record.hostname_path.clone_from(&owner.hostname_path);
    record.hosts_path.clone_from(&owner.hosts_path);
    let files = [
        ("/etc/resolv.conf", &mut record.resolv_conf_path),
        ("/etc/hostname", &mut record.hostname_path),
        (HOSTS, &mut record.hosts_path),
    ];
    let mut mounted = Vec::new();
    for (destination, noted) in files {
        let users = binds.iter().position(|bind| bind.destination == destination).map(|at| binds.remove(at));
        let (source, writable) = match users {
            Some(bind) => (bind.source, bind.writable),
            None => (PathBuf::from(&*noted), !host.readonly_rootfs),
        };
        *noted = source.to_string_lossy().into_owned();
        if source.exists() {
            mounted.push(network_file(source, destination, writable));
        }
    }
    mounted
}

/// On the host's network a copy of the host's.
fn hosts(host: &HostConfig, network: Network, config: &Config, joint: Option<&Joint>) -> sys::Result<Option<Vec<u8>>> {
    if network == Network::Host && host.extra_hosts.as_ref().is_none_or(Vec::is_empty) {
        return sys::read_opt(HOSTS);
    }
    let mut hosts = Hosts::new();
    host.extra_hosts.iter().flatten().for_each(|extra| hosts.add_extra(extra));
    for on in joint.iter().flat_map(|joint| &joint.networks) {
        hosts.add_own(&on.address.to_string(), &config.hostname, &config.domainname);
    }
    Ok(Some(hosts.to_string().into_bytes()))
}

fn resolv(host: &HostConfig, network: Network, joint: Option<&Joint>) -> sys::Result<String> {
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let (servers, search, options) = (list(&host.dns), list(&host.dns_search), list(&host.dns_options));
    let wanted = Wanted { servers: &servers, search: &search, options: &options };
    let asked = !(servers.is_empty() && search.is_empty() && options.is_empty());
    let text = host_resolv()?;
    let names = joint.and_then(|joint| joint.networks.iter().find(|on| on.names.is_some()));
    if let Some(on) = names.filter(|_| servers.is_empty()) {
        // Where docker has 127.0.0.11, here the bridge answers; the rest is docker's.
        let server = [on.gateway.to_string()];
        let ndots = ["ndots:0".to_owned()];
        let options = if options.is_empty() { &ndots[..] } else { &options };
        let wanted = Wanted { servers: &server, search: &search, options };
        return Ok(resolv_conf::for_container(&text, &wanted, false));
    }
    Ok(if network == Network::Host && !asked { text } else { resolv_conf::for_container(&text, &wanted, false) })
}

/// The host's own file, or systemd-resolved's when the host's only points to its stub.
fn host_resolv() -> sys::Result<String> {
    let read = |path: &str| -> sys::Result<Option<String>> {
        Ok(sys::read_opt(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let text = read(resolv_conf::HOST)?.unwrap_or_default();
    if resolv_conf::is_systemd_stub(&text)
        && let Some(real) = read(resolv_conf::SYSTEMD)?
    {
        return Ok(real);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(network: Network, host: &HostConfig, mut binds: Vec<Bind>) -> (tempfile::TempDir, Record, Vec<Bind>) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = Config { hostname: "web".to_owned(), ..Config::default() };
        let mut record = Record { config, ..Record::default() };
        let mounted = write(dir.path(), &mut record, host, network, None, &mut binds).expect("written");
        (dir, record, mounted)
    }

    #[test]
    fn a_container_without_network_has_dockerds_files() {
        let (dir, record, mounted) = written(Network::Own, &HostConfig::new(), vec![]);
        let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect(name);
        assert_eq!(text("hosts").len(), 150);
        assert_eq!(text("hostname"), "web\n");
        assert_eq!(text("resolv.conf.hash"), resolv_conf::hash(&text("resolv.conf")));
        assert_eq!(record.hosts_path, dir.path().join("hosts").to_string_lossy());
        let places: Vec<_> = mounted.iter().map(|bind| bind.destination.as_str()).collect();
        assert_eq!(places, ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"]);
    }

    #[test]
    fn on_the_hosts_network_the_files_are_the_hosts() {
        let (dir, ..) = written(Network::Host, &HostConfig::new(), vec![]);
        assert_eq!(sys::read_opt(dir.path().join("hosts")).expect("read"), sys::read_opt(HOSTS).expect("read"));
        assert!(!dir.path().join("resolv.conf.hash").exists());
    }

    #[test]
    fn a_file_of_the_users_takes_the_place_of_ours() {
        let mine = Bind { writable: false, ..network_file("/mine".into(), HOSTS, true) };
        let (_dir, record, mounted) = written(Network::Own, &HostConfig::new(), vec![mine]);
        assert_eq!((record.hosts_path.as_str(), mounted[2].writable), ("/mine", false));
    }
}
