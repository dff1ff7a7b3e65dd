//! Ports and health checks.

use std::collections::BTreeMap;

use super::{BadChange, Result, list};
use crate::config::{Empty, Health};

/// `[ip:[host]:]port[-port][/protocol]`; the container's ports count.
pub(super) fn ports(word: &str) -> Result<BTreeMap<String, Empty>> {
    let (range, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
    let protocol = protocol.to_lowercase();
    let range = range.rsplit(':').next().unwrap_or(range);
    let bad = || BadChange::Port(range.to_owned());
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(BadChange::Protocol(protocol));
    }
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse::<u16>().map_err(|_| bad());
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(bad());
    }
    Ok((first..=last).map(|port| (format!("{port}/{protocol}"), Empty {})).collect())
}

pub(super) fn health(text: &str) -> Result<Health> {
    let bad = || BadChange::Health(text.to_owned());
    let mut health = Health::default();
    let mut rest = text;
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = flag.split_once(char::is_whitespace).ok_or_else(bad)?;
        let (name, value) = flag.split_once('=').ok_or_else(bad)?;
        let time = || duration(value).ok_or_else(bad);
        match name {
            "interval" => health.interval = time()?,
            "timeout" => health.timeout = time()?,
            "start-period" => health.start_period = time()?,
            "retries" => health.retries = value.parse().map_err(|_| bad())?,
            _ => return Err(bad()),
        }
        rest = after.trim_start();
    }
    let (kind, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    health.test = Some(match (kind.to_uppercase().as_str(), command.trim()) {
        ("NONE", "") => vec!["NONE".to_owned()],
        ("CMD", "") => return Err(bad()),
        ("CMD", command) => match list(command) {
            Some(listed) => std::iter::once("CMD".to_owned()).chain(listed).collect(),
            None => vec!["CMD-SHELL".to_owned(), command.to_owned()],
        },
        _ => return Err(bad()),
    });
    Ok(health)
}

/// Nanoseconds of a Go duration such as `1m30s`; health checks take no negative ones.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let nanos = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * nanos;
        rest = after;
    }
    (!text.is_empty() && sum < 9e18).then_some(sum as i64)
}
