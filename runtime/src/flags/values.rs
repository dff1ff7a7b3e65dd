//! The values of `create`'s and `run`'s flags, read as docker's client reads them. Pure.
//!
//! docker/cli 20.10, opts/ and cli/command/container/opts.go. Each error is the client's sentence.

use std::{collections::BTreeMap, net::IpAddr};

use base::gopath;
use containers::{
    config_v2::PortBinding,
    hostconfig::{DeviceMapping, RestartPolicy, ThrottleDevice, Ulimit, WeightDevice},
};

use crate::port;

/// A value that a flag does not take, in the words of docker's client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(pub String);

/// What a reader of a value returns.
pub type Parsed<T> = Result<T, BadValue>;

fn bad<T>(words: impl Into<String>) -> Parsed<T> {
    Err(BadValue(words.into()))
}

/// Limits of a process that have a name (go-units 0.4, ulimit.go).
const LIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// `--ulimit NAME=SOFT[:HARD]`.
///
/// # Errors
/// [`BadValue`].
pub fn ulimit(text: &str) -> Parsed<Ulimit> {
    let Some((name, limits)) = text.split_once('=') else { return bad(format!("invalid ulimit argument: {text}")) };
    if !LIMITS.contains(&name) {
        return bad(format!("invalid ulimit type: {name}"));
    }
    let parts: Vec<&str> = limits.split(':').collect();
    let (soft, hard) = match parts.as_slice() {
        [both] => (number(both)?, number(both)?),
        [soft, hard] => {
            let hard = number(hard)?;
            (number(soft)?, hard)
        }
        _ => {
            let words = "can only have up to two, `soft[:hard]`";
            return bad(format!("too many limit value arguments - {limits}, {words}"));
        }
    };
    let order = "ulimit soft limit must be less than or equal to hard limit:";
    match hard {
        -1 => {}
        _ if soft == -1 => return bad(format!("{order} soft: -1 (unlimited), hard: {hard}")),
        _ if soft > hard => return bad(format!("{order} {soft} > {hard}")),
        _ => {}
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard, ..Ulimit::default() })
}

/// As Go's `strconv.ParseInt`, with its words.
fn number(text: &str) -> Parsed<i64> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            NegOverflow | PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        BadValue(format!("strconv.ParseInt: parsing {text:?}: {why}"))
    })
}

/// `--device SOURCE[:DESTINATION][:rwm]`.
///
/// # Errors
/// [`BadValue`].
pub fn device(text: &str) -> Parsed<DeviceMapping> {
    let parts: Vec<&str> = text.split(':').collect();
    let format = || BadValue(format!("bad format for path: {text}"));
    let clean = |path: &str| String::from_utf8_lossy(&gopath::clean(path.as_bytes())).into_owned();
    let (source, inside, rights) = match parts.as_slice() {
        ["", ..] => return Err(format()),
        [source] => (clean(source), clean(source), "rwm"),
        [source, rights] if is_device_mode(rights) => (clean(source), clean(source), *rights),
        [source, inside] => ((*source).to_owned(), clean(inside), "rwm"),
        [_, _, rights] if !is_device_mode(rights) => return bad(format!("bad mode specified: {rights}")),
        [source, inside, rights] => ((*source).to_owned(), (*inside).to_owned(), *rights),
        _ => return Err(format()),
    };
    if !inside.starts_with('/') {
        return bad(format!("{inside} is not an absolute path"));
    }
    Ok(DeviceMapping {
        path_on_host: source,
        path_in_container: inside,
        cgroup_permissions: rights.to_owned(),
        ..DeviceMapping::default()
    })
}

/// Of `r`, `w` and `m` each at most once.
fn is_device_mode(text: &str) -> bool {
    let once = |letter: char| text.matches(letter).count() <= 1;
    !text.is_empty() && text.chars().all(|letter| "rwm".contains(letter) && once(letter))
}

/// `--device-cgroup-rule 'c 1:3 rwm'`.
///
/// # Errors
/// [`BadValue`].
pub fn device_rule(text: &str) -> Parsed<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |text: &str| text == "*" || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let good = match words.as_slice() {
        [kind, numbers, rights] => {
            ["a", "c", "b"].contains(kind)
                && numbers.split_once(':').is_some_and(|(major, minor)| number(major) && number(minor))
                && (1..=3).contains(&rights.len())
                && rights.chars().all(|letter| "rwm".contains(letter))
        }
        _ => false,
    };
    if good { Ok(text.to_owned()) } else { bad(format!("invalid device cgroup format '{text}'")) }
}

fn of_device(text: &str) -> Parsed<(&str, &str)> {
    match text.split_once(':') {
        None => bad(format!("bad format: {text}")),
        Some((path, _)) if !path.starts_with("/dev/") => bad(format!("bad format for device path: {text}")),
        Some(parts) => Ok(parts),
    }
}

/// `--device-read-bps PATH:RATE` and its fellow.
///
/// # Errors
/// [`BadValue`].
pub fn bytes_per_second(text: &str) -> Parsed<ThrottleDevice> {
    let (path, rate) = of_device(text)?;
    let Some(rate) = base::units::ram_in_bytes(rate).and_then(|rate| u64::try_from(rate).ok()) else {
        let format = "The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is \
                      optional and can be kb, mb, or gb";
        return bad(format!("invalid rate for device: {text}. {format}"));
    };
    Ok(ThrottleDevice { path: path.to_owned(), rate, ..ThrottleDevice::default() })
}

/// `--device-read-iops PATH:RATE` and its fellow.
///
/// # Errors
/// [`BadValue`].
pub fn operations_per_second(text: &str) -> Parsed<ThrottleDevice> {
    let (path, rate) = of_device(text)?;
    let Ok(rate) = rate.parse() else {
        let format = "The correct format is <device-path>:<number>. Number must be a positive integer";
        return bad(format!("invalid rate for device: {text}. {format}"));
    };
    Ok(ThrottleDevice { path: path.to_owned(), rate, ..ThrottleDevice::default() })
}

/// `--blkio-weight-device PATH:WEIGHT`.
///
/// # Errors
/// [`BadValue`].
pub fn weight_of_device(text: &str) -> Parsed<WeightDevice> {
    let (path, weight) = of_device(text)?;
    match weight.parse() {
        Ok(weight) if weight == 0 || (10..=1000).contains(&weight) => {
            Ok(WeightDevice { path: path.to_owned(), weight, ..WeightDevice::default() })
        }
        _ => bad(format!("invalid weight for device: {text}")),
    }
}

/// `--add-host NAME:ADDRESS`.
///
/// # Errors
/// [`BadValue`].
pub fn extra_host(text: &str) -> Parsed<String> {
    match text.split_once(':') {
        Some((name, address)) if !name.is_empty() => match address {
            "host-gateway" => Ok(text.to_owned()),
            _ if address.trim().parse::<IpAddr>().is_ok() => Ok(text.to_owned()),
            _ => bad(format!("invalid IP address in add-host: {address:?}")),
        },
        _ => bad(format!("bad format for add-host: {text:?}")),
    }
}

/// `--dns ADDRESS`.
///
/// # Errors
/// [`BadValue`].
pub fn address(text: &str) -> Parsed<String> {
    let parsed = text.trim().parse::<IpAddr>();
    parsed.map(|address| address.to_string()).map_err(|_| BadValue(format!("{text} is not an ip address")))
}

/// `--dns-search DOMAIN`; `.` for none.
///
/// # Errors
/// [`BadValue`].
pub fn search_domain(text: &str) -> Parsed<String> {
    let text = text.trim_matches(' ');
    let letters = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let plain = text.strip_suffix('.').unwrap_or(text);
    let known = text.bytes().any(|byte| byte.is_ascii_alphabetic()) && plain.split('.').all(letters);
    match text {
        "." => Ok(text.to_owned()),
        _ if known && plain.len() < 255 => Ok(plain.to_owned()),
        _ => bad(format!("{text} is not a valid domain")),
    }
}

/// `--label KEY[=VALUE]`.
///
/// # Errors
/// [`BadValue`].
pub fn label(text: &str) -> Parsed<String> {
    let key = text.split('=').next().unwrap_or_default().trim_start();
    if key.is_empty() {
        return bad(format!("invalid label '{text}': empty name"));
    }
    if key.chars().any(char::is_whitespace) {
        return bad(format!("label '{key}' contains whitespaces"));
    }
    Ok(text.to_owned())
}

/// `--sysctl KEY=VALUE`, of those that a container may have to itself.
///
/// # Errors
/// [`BadValue`].
pub fn sysctl(text: &str) -> Parsed<(String, String)> {
    const KERNEL: [&str; 8] = ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"];
    let own = |key: &str| {
        key.strip_prefix("kernel.").is_some_and(|rest| KERNEL.contains(&rest))
            || key.starts_with("net.")
            || key.starts_with("fs.mqueue.")
    };
    match text.split_once('=') {
        Some((key, value)) if own(key) => Ok((key.to_owned(), value.to_owned())),
        _ => bad(format!("sysctl '{text}' is not whitelisted")),
    }
}

/// `--restart NAME[:COUNT]`.
///
/// # Errors
/// [`BadValue`].
pub fn restart_policy(text: &str) -> Parsed<RestartPolicy> {
    let (name, count) = match text.split_once(':') {
        None => (text, 0),
        Some((_, more)) if more.contains(':') => return bad("invalid restart policy format"),
        Some((name, count)) => {
            let count = count.parse().map_err(|_| BadValue("maximum retry count must be an integer".to_owned()))?;
            (name, count)
        }
    };
    Ok(RestartPolicy { name: name.to_owned(), maximum_retry_count: count, ..RestartPolicy::default() })
}

/// `--attach STREAM`, in any case.
///
/// # Errors
/// [`BadValue`].
pub fn stream(text: &str) -> Parsed<String> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "stdin" | "stdout" | "stderr" => Ok(lower),
        _ => bad("valid streams are STDIN, STDOUT and STDERR"),
    }
}

/// `--expose PORT[-PORT][/PROTOCOL]`, each port as `80/tcp`.
///
/// # Errors
/// [`BadValue`].
pub fn exposed(text: &str) -> Parsed<Vec<String>> {
    if text.contains(':') {
        return bad(format!("invalid port format for --expose: {text}"));
    }
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let range = |why: String| BadValue(format!("invalid range format for --expose: {text}, error: {why}"));
    if ports.is_empty() {
        return Err(range("Empty string specified for ports.".to_owned()));
    }
    let port = |text: &str| {
        let words = |why: &str| range(format!("strconv.ParseUint: parsing {text:?}: {why}"));
        text.parse::<u16>().map_err(|_| match text.parse::<u64>() {
            Ok(_) => words("value out of range"),
            Err(_) => words("invalid syntax"),
        })
    };
    let (from, to) = (port(first)?, port(last)?);
    if to < from {
        return Err(range(format!("Invalid range specified for the Port: {ports}")));
    }
    Ok((from..=to).map(|port| format!("{port}/{}", protocol.to_lowercase())).collect())
}

/// `--publish [[IP:]HOST-PORT:]PORT[/PROTOCOL]`, or `published=…,target=…[,protocol=…]`: each port of the
/// container with the host's (docker/go-connections, nat `ParsePortSpec`; docker/cli 20.10, container/opts.go
/// `convertToStandardNotation`).
///
/// # Errors
/// [`BadValue`].
pub fn published(typed: &str) -> Parsed<Vec<(String, PortBinding)>> {
    let text = standard_notation(typed)?;
    let mut parts = text.rsplitn(3, ':');
    let (port, host_port, ip) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (port, protocol) = match port.split_once('/') {
        Some((port, protocol)) if !protocol.is_empty() => (port, protocol),
        Some((port, _)) => (port, "tcp"),
        None => (port, "tcp"),
    };
    let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    if !ip.is_empty() && ip.parse::<IpAddr>().is_err() {
        return bad(format!("Invalid ip address: {ip}"));
    }
    if port.is_empty() {
        return bad(format!("No port specified: {text}<empty>"));
    }
    let (first, last) = port::range(port).map_err(|_| BadValue(format!("Invalid containerPort: {port}")))?;
    let host = match host_port {
        "" => None,
        text => Some(port::range(text).map_err(|_| BadValue(format!("Invalid hostPort: {text}")))?),
    };
    if let Some((from, to)) = host
        && to - from != last - first
        && first != last
    {
        return bad(format!("Invalid ranges specified for container and host Ports: {port} and {host_port}"));
    }
    if !["tcp", "udp", "sctp"].contains(&protocol.to_lowercase().as_str()) {
        return bad(format!("Invalid proto: {protocol}"));
    }
    let binding = |number: u16| {
        let host_port = match host {
            None => String::new(),
            // One of several will do.
            Some((from, to)) if first == last && from != to => format!("{from}-{to}"),
            Some((from, _)) => (from + (number - first)).to_string(),
        };
        PortBinding { host_ip: ip.to_owned(), host_port, ..PortBinding::default() }
    };
    Ok((first..=last).map(|port| (format!("{port}/{}", protocol.to_lowercase()), binding(port))).collect())
}

fn standard_notation(text: &str) -> Parsed<String> {
    if !text.contains('=') {
        return Ok(text.to_owned());
    }
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for word in text.split(',') {
        match word.split_once('=') {
            Some(("published", value)) => published = value,
            Some(("target", value)) => target = value,
            Some(("protocol", value)) => protocol = value,
            Some(_) => {}
            None => return bad(format!("invalid publish opts format (should be name=value but got '{word}')")),
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

/// `--mac-address`: six pairs of hex digits (docker/cli 20.10, opts `ValidateMACAddress`).
///
/// # Errors
/// [`BadValue`].
pub fn mac_address(text: &str) -> Parsed<String> {
    let text = text.trim();
    let pairs: Vec<&str> = text.split([':', '-']).collect();
    let pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    if pairs.len() == 6 && pairs.iter().all(pair) {
        return Ok(text.to_owned());
    }
    bad(format!("{text} is not a valid mac address"))
}

/// `KEY=VALUE` pairs; what has no `=` has an empty value, and the last of one key counts.
pub fn pairs(typed: &[String]) -> BTreeMap<String, String> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        None => (text.clone(), String::new()),
    };
    typed.iter().map(pair).collect()
}

/// A duration as Go spells it, `1m30s`, in nanoseconds.
///
/// # Errors
/// [`BadValue`].
pub fn duration(text: &str) -> Parsed<i64> {
    base::units::go_duration(text).ok_or_else(|| BadValue(format!("time: invalid duration {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<T: std::fmt::Debug>(parsed: Parsed<T>) -> String {
        parsed.expect_err("a bad value").0
    }

    #[test]
    fn ports_are_published_one_by_one() {
        let told = |text: &str| {
            let ports = published(text).expect(text);
            let ports = ports.iter().map(|(port, on)| format!("{}:{}>{port}", on.host_ip, on.host_port));
            ports.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told("80"), ":>80/tcp");
        assert_eq!(told("8080:80/UDP"), ":8080>80/udp");
        assert_eq!(told("127.0.0.1::80"), "127.0.0.1:>80/tcp");
        assert_eq!(told("9000-9001:90-91"), ":9000>90/tcp :9001>91/tcp");
        assert_eq!(told("9000-9010:90"), ":9000-9010>90/tcp");
        assert_eq!(told("published=8080,target=80"), ":8080>80/tcp");
        let words = |text: &str| published(text).expect_err(text).0;
        assert_eq!(words("x:80"), "Invalid hostPort: x");
        assert_eq!(words("80/foo"), "Invalid proto: foo");
        assert_eq!(words("1.2.3:1:80"), "Invalid ip address: 1.2.3");
        assert_eq!(words("1-2:80-90"), "Invalid ranges specified for container and host Ports: 80-90 and 1-2");
    }

    #[test]
    fn a_limit_is_both_or_each() {
        let limits = |text| ulimit(text).map(|limit| (limit.soft, limit.hard));
        assert_eq!(limits("nofile=10"), Ok((10, 10)));
        assert_eq!(limits("nofile=10:20"), Ok((10, 20)));
        assert_eq!(limits("core=5:-1"), Ok((5, -1)));
        assert_eq!(words(ulimit("nofile")), "invalid ulimit argument: nofile");
        assert_eq!(words(ulimit("x=1")), "invalid ulimit type: x");
        assert_eq!(
            words(ulimit("core=1:2:3")),
            "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`"
        );
        assert_eq!(words(ulimit("core=3:2")), "ulimit soft limit must be less than or equal to hard limit: 3 > 2");
        assert_eq!(words(ulimit("core=a")), "strconv.ParseInt: parsing \"a\": invalid syntax");
    }

    #[test]
    fn a_device_may_be_renamed_and_have_fewer_rights() {
        let parts = |text| device(text).map(|one| (one.path_on_host, one.path_in_container, one.cgroup_permissions));
        let owned = |parts: [&str; 3]| Ok((parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned()));
        assert_eq!(parts("/dev//null"), owned(["/dev/null", "/dev/null", "rwm"]));
        assert_eq!(parts("/dev/null:r"), owned(["/dev/null", "/dev/null", "r"]));
        assert_eq!(parts("/dev/null:/dev/x"), owned(["/dev/null", "/dev/x", "rwm"]));
        assert_eq!(parts("/dev/null:/dev/x:rw"), owned(["/dev/null", "/dev/x", "rw"]));
        assert_eq!(words(device("/dev/null:/dev/x:rr")), "bad mode specified: rr");
        assert_eq!(words(device("null")), "null is not an absolute path");
        assert_eq!(words(device(":/x")), "bad format for path: :/x");
    }

    #[test]
    fn rates_and_weights_are_of_devices() {
        assert_eq!(bytes_per_second("/dev/sda:1mb").map(|one| one.rate), Ok(1 << 20));
        assert_eq!(operations_per_second("/dev/sda:7").map(|one| one.rate), Ok(7));
        assert_eq!(weight_of_device("/dev/sda:10").map(|one| one.weight), Ok(10));
        assert_eq!(words(bytes_per_second("/tmp:1")), "bad format for device path: /tmp:1");
        assert_eq!(words(weight_of_device("/dev/sda:9")), "invalid weight for device: /dev/sda:9");
        assert!(device_rule("c 1:* rw").is_ok() && device_rule("c 1 rw").is_err());
    }

    #[test]
    fn hosts_domains_and_sysctls_are_checked() {
        assert!(extra_host("db:10.0.0.1").is_ok() && extra_host("gw:host-gateway").is_ok());
        assert_eq!(words(extra_host("db:x")), "invalid IP address in add-host: \"x\"");
        assert_eq!(words(extra_host("db")), "bad format for add-host: \"db\"");
        assert_eq!(words(address("x")), "x is not an ip address");
        assert_eq!(search_domain("example.com."), Ok("example.com".to_owned()));
        assert_eq!(words(search_domain("1.2")), "1.2 is not a valid domain");
        assert!(sysctl("net.core.somaxconn=1").is_ok());
        assert_eq!(words(sysctl("kernel.panic=1")), "sysctl 'kernel.panic=1' is not whitelisted");
    }

    #[test]
    fn a_restart_policy_may_have_a_count() {
        let policy = restart_policy("on-failure:3").expect("a policy");
        assert_eq!((policy.name.as_str(), policy.maximum_retry_count), ("on-failure", 3));
        assert_eq!(words(restart_policy("a:b")), "maximum retry count must be an integer");
        assert_eq!(words(restart_policy("a:1:2")), "invalid restart policy format");
    }
}
