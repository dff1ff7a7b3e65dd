//! What happened, as docker tells it: one line of JSON for each event, in a journal in the exec
//! root that every command and every shim's hook adds to.
//!
//! moby 20.10, daemon/events.go, daemon/events/events.go. The journal is a help, not a record of
//! truth: what cannot be written to it is left out, and the operation goes on.

mod filter;
mod follow;
mod journal;

use std::collections::BTreeMap;

use base::{ContainerId, Time};
use containers::{Container, Record};
use serde::{Deserialize, Serialize};

pub use filter::{BadFilter, Filter};
pub use follow::{EventsError, EventsRequest, events};

use crate::home::Home;

/// Something that happened, in the words of docker's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The action once more, of containers and images (deprecated by docker, and kept).
    #[serde(rename = "status", default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The actor once more, of containers and images.
    #[serde(rename = "id", default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// A container's image.
    #[serde(rename = "from", default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// `container`, `image`, `volume`, `network`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `create`, `start`, `exec_create: sh -c true`, …
    #[serde(rename = "Action")]
    pub action: String,
    /// To what.
    #[serde(rename = "Actor")]
    pub actor: Actor,
    /// `local`.
    #[serde(rename = "scope", default)]
    pub scope: String,
    /// Seconds since 1970.
    #[serde(rename = "time")]
    pub time: i64,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

/// To what something happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Id or name.
    #[serde(rename = "ID")]
    pub id: String,
    /// What else is known.
    #[serde(rename = "Attributes", default)]
    pub attributes: BTreeMap<String, String>,
}

impl Event {
    fn new(kind: &str, action: &str, id: &str, attributes: BTreeMap<String, String>) -> Self {
        let now = Time::now();
        let of = |wanted: bool, text: &str| if wanted { text.to_owned() } else { String::new() };
        let named = ["container", "image"].contains(&kind);
        let image = attributes.get("image").map_or("", String::as_str);
        Self {
            status: of(named, action),
            id: of(named, id),
            from: of(kind == "container", image),
            kind: kind.to_owned(),
            action: action.to_owned(),
            actor: Actor { id: id.to_owned(), attributes },
            scope: "local".to_owned(),
            time: now.unix_seconds(),
            time_nano: i64::try_from(now.unix_nanos()).unwrap_or_default(),
        }
    }

    /// When it happened.
    pub fn at(&self) -> Time {
        Time::from_unix_nanos(self.time_nano.into())
    }
}

/// Tells that something happened to a container: its labels, image and name are known, `more` is
/// what belongs to the action.
pub(crate) fn container(home: &Home, container: &Container, action: &str, more: &[(&str, &str)]) {
    of_record(home, &container.id, &container.record, action, more);
}

/// The same of one whose record must be read for that. Of one that is gone nothing is told.
pub(crate) fn by_id(home: &Home, id: &ContainerId, action: &str, more: &[(&str, &str)]) {
    if let Ok(record) = home.containers().load_record(id) {
        of_record(home, id, &record, action, more);
    }
}

/// As [`container`].
pub(crate) fn of_record(home: &Home, id: &ContainerId, record: &Record, action: &str, more: &[(&str, &str)]) {
    let labels = record.config.labels.iter().flatten();
    let mut attributes: BTreeMap<String, String> =
        labels.map(|(key, value)| (key.to_string(), value.to_string())).collect();
    if !record.config.image.is_empty() {
        attributes.insert("image".to_owned(), record.config.image.clone());
    }
    attributes.insert("name".to_owned(), record.name().trim_start_matches('/').to_owned());
    attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    journal::add(home.exec_root(), &Event::new("container", action, id.as_str(), attributes));
}

/// Tells that something happened to something else.
pub(crate) fn other(home: &Home, kind: &str, id: &str, action: &str, attributes: &[(&str, &str)]) {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    journal::add(home.exec_root(), &Event::new(kind, action, id, attributes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_dockers_json() {
        let attributes = BTreeMap::from([("image".to_owned(), "busybox".to_owned())]);
        let mut event = Event::new("container", "start", "abc", attributes);
        (event.time, event.time_nano) = (1, 1_000_000_002);
        let text = serde_json::to_string(&event).expect("JSON");
        let wanted = r#"{"status":"start","id":"abc","from":"busybox","Type":"container","Action":"start","Actor":{"ID":"abc","Attributes":{"image":"busybox"}},"scope":"local","time":1,"timeNano":1000000002}"#;
        assert_eq!(text, wanted);
        assert_eq!(serde_json::from_str::<Event>(&text).expect("an event"), event);
        let volume = serde_json::to_string(&Event::new("volume", "create", "v", BTreeMap::new())).expect("JSON");
        assert!(volume.starts_with(r#"{"Type":"volume","Action":"create""#), "{volume}");
    }
}
