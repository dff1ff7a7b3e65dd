//! `ps --filter`: which containers to show. Pure.
//!
//! moby 20.10, daemon/list.go `includeContainerInList`, api/types/filters `Match`: the values of
//! `name` and `id` are regular expressions.

use std::collections::BTreeMap;

use containers::{Container, config_v2::PortMap};

use crate::port::{self, PortError};

/// Why a filter cannot be used. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// No such key.
    #[error("Invalid filter '{0}'")]
    Key(String),
    /// No `=` in it.
    #[error("invalid argument \"{0}\" for \"-f, --filter\" flag: bad format of filter (expected name=value)")]
    Format(String),
    /// A state that does not exist.
    #[error("Invalid filter 'status={0}'")]
    Status(String),
    /// An exit code that is none.
    #[error("Invalid filter 'exited={0}'")]
    Exited(String),
    /// A health that does not exist.
    #[error("Unrecognised filter value for health: {0}")]
    Health(String),
    /// Neither `true` nor `false`.
    #[error("Invalid filter 'is-task=[{0}]'")]
    Task(String),
    /// `publish` or `expose` with an address.
    #[error("filter for '{0}' should not contain ':': {1}")]
    Address(String, String),
    /// `publish` or `expose` of what is no port.
    #[error("error while looking up for {key} {value}: {reason}")]
    Port {
        /// `publish` or `expose`.
        key: String,
        /// As typed.
        value: String,
        /// What is wrong with it.
        reason: PortError,
    },
}

const KEYS: [&str; 15] = [
    "ancestor",
    "before",
    "exited",
    "id",
    "isolation",
    "label",
    "name",
    "status",
    "health",
    "since",
    "volume",
    "network",
    "is-task",
    "publish",
    "expose",
];

const HEALTHS: [&str; 4] = ["none", "starting", "healthy", "unhealthy"];

const STATES: [&str; 7] = ["paused", "restarting", "removing", "running", "dead", "created", "exited"];

/// Filters by key; of one key any value will do, of different keys all must.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    /// Reads `key=value` texts.
    ///
    /// # Errors
    /// [`BadFilter`].
    pub fn parse(texts: &[String]) -> Result<Self, BadFilter> {
        let mut filters = BTreeMap::<String, Vec<String>>::new();
        for text in texts {
            let (key, value) = text.split_once('=').ok_or_else(|| BadFilter::Format(text.clone()))?;
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            if !KEYS.contains(&key.as_str()) {
                return Err(BadFilter::Key(key));
            }
            if key == "status" && !STATES.contains(&value) {
                return Err(BadFilter::Status(value.to_owned()));
            }
            if key == "exited" && value.parse::<i64>().is_err() {
                return Err(BadFilter::Exited(value.to_owned()));
            }
            if key == "health" && !HEALTHS.contains(&value) {
                return Err(BadFilter::Health(value.to_owned()));
            }
            if key == "is-task" && !["true", "false"].contains(&value) {
                return Err(BadFilter::Task(value.to_owned()));
            }
            if key == "publish" || key == "expose" {
                check_ports(&key, value)?;
            }
            filters.entry(key).or_default().push(value.to_owned());
        }
        Ok(Self(filters))
    }

    /// The values of a key.
    pub fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether stopped containers are wanted too, without a word of it.
    pub fn wants_all(&self) -> bool {
        self.0.contains_key("status")
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a container is wanted, as far as it can be told by itself: `before`, `since` and
    /// `ancestor` are about others.
    pub fn take(&self, container: &Container) -> bool {
        let (record, state) = (&container.record, &container.record.state);
        let ended = !state.running && !state.started_at.is_never();
        self.any("name", |pattern| matches(pattern, record.name()) || matches(pattern, &record.stored_name))
            && self.any("id", |pattern| matches(pattern, container.id.as_str()))
            && self.any("status", |status| status == state.word())
            && self.any("health", |health| health == state.health_word())
            && self.any("exited", |code| ended && code.parse() == Ok(state.exit_code))
            && self.all("label", |label| has_label(record.config.labels.as_ref(), label))
            // Tasks are swarm's; on Linux every container is isolated alike.
            && self.any("is-task", |wanted| wanted == "false")
            && self.take_ports(record.network_settings.ports.as_ref())
            && self.any("network", |network| {
                let networks = record.network_settings.networks.iter().flatten();
                networks.into_iter().any(|(name, on)| name == network || on.network_id.starts_with(network.as_str()))
            })
            && self.any("volume", |volume| {
                record.mounts().any(|point| {
                    let name = if point.name.is_empty() { &point.source } else { &point.name };
                    name == volume || point.destination == *volume
                })
            })
    }

    /// `publish` and `expose` are one condition: any port of either will do.
    fn take_ports(&self, ports: Option<&PortMap>) -> bool {
        let (published, exposed) = (self.values("publish"), self.values("expose"));
        if published.is_empty() && exposed.is_empty() {
            return true;
        }
        let named = |wanted: &[String], protocol: &str, number: &str| {
            let Ok(number) = number.parse::<u16>() else { return false };
            wanted.iter().any(|text| {
                let (range, of) = text.split_once('/').unwrap_or((text, "tcp"));
                of == protocol && port::range(range).is_ok_and(|(first, last)| (first..=last).contains(&number))
            })
        };
        ports.into_iter().flatten().any(|(inside, bindings)| {
            let (number, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
            let mut outside = bindings.iter().flatten();
            named(exposed, protocol, number) || outside.any(|on| named(published, protocol, &on.host_port))
        })
    }

    fn any(&self, key: &str, test: impl Fn(&String) -> bool) -> bool {
        self.values(key).is_empty() || self.values(key).iter().any(test)
    }

    fn all(&self, key: &str, test: impl Fn(&String) -> bool) -> bool {
        self.values(key).iter().all(test)
    }
}

fn check_ports(key: &str, value: &str) -> Result<(), BadFilter> {
    if value.contains(':') {
        return Err(BadFilter::Address(key.to_owned(), value.to_owned()));
    }
    let (range, _) = value.split_once('/').unwrap_or((value, "tcp"));
    let bad = |reason| BadFilter::Port { key: key.to_owned(), value: value.to_owned(), reason };
    port::range(range).map(drop).map_err(bad)
}

fn matches(pattern: &str, text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/^$".contains(c);
    if !pattern.chars().all(plain) {
        // What is no pattern can still be the text itself.
        return pattern == text || regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
    }
    let (start, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
    let (end, middle) = rest.strip_suffix('$').map_or((false, rest), |middle| (true, middle));
    match (start, end) {
        (true, true) => text == middle,
        (true, false) => text.starts_with(middle),
        (false, true) => text.ends_with(middle),
        (false, false) => text.contains(middle),
    }
}

pub(crate) fn has_label(labels: Option<&BTreeMap<String, String>>, wanted: &str) -> bool {
    let Some(labels) = labels else { return false };
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|found| found == value),
        None => labels.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use base::Time;
    use containers::{Config, HostConfig, Record};

    use super::*;

    fn container() -> Container {
        let id = "ab".repeat(32).parse().expect("an id");
        let mut record = Record::new(&id, "web-1", "overlay2", Time::now());
        record.config = Config { labels: Some([("k".to_owned(), "v".to_owned())].into()), ..Config::default() };
        record.state.started_at = Time::now();
        record.state.exit_code = 3;
        Container { id, record, host_config: HostConfig::new() }
    }

    fn taken(filters: &[&str]) -> bool {
        let texts: Vec<_> = filters.iter().map(|text| (*text).to_owned()).collect();
        Filters::parse(&texts).expect("good filters").take(&container())
    }

    #[test]
    fn values_of_one_key_are_alternatives_and_keys_are_conditions() {
        assert!(taken(&["name=web", "name=other"]));
        assert!(taken(&["name=^web-1$", "status=exited", "exited=3", "id=abab"]));
        assert!(!taken(&["name=web", "status=running"]));
        assert!(taken(&["label=k", "label=k=v"]) && !taken(&["label=k", "label=k=x"]));
    }

    #[test]
    fn ports_by_what_is_inside_or_outside() {
        let mut container = container();
        let on = containers::config_v2::PortBinding { host_port: "8080".to_owned(), ..Default::default() };
        let ports = [("80/tcp".to_owned(), Some(vec![on])), ("53/udp".to_owned(), None)];
        container.record.network_settings.ports = Some(ports.into());
        let taken = |text: &str| Filters::parse(&[text.to_owned()]).expect("a good filter").take(&container);
        assert!(
            taken("publish=8080") && taken("publish=8000-9000/tcp") && taken("expose=80") && taken("expose=53/udp")
        );
        assert!(!taken("publish=80") && !taken("expose=53") && !taken("publish=8080/udp"));
    }

    #[test]
    fn names_are_patterns() {
        assert!(taken(&["name=w.b-[0-9]"]) && taken(&["name=^(web|db)"]) && !taken(&["name=^b"]));
        assert!(!taken(&["name=("]));
    }

    #[test]
    fn bad_filters_are_refused_in_dockerds_words() {
        let words = |text: &str| Filters::parse(&[text.to_owned()]).expect_err(text).to_string();
        assert_eq!(words("foo=bar"), "Invalid filter 'foo'");
        assert_eq!(words("status=asleep"), "Invalid filter 'status=asleep'");
        assert!(words("name").contains("bad format of filter (expected name=value)"));
    }
}
