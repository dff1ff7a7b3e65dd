//! `events --filter`.
//!
//! moby 20.10, daemon/events/filter.go.

use super::Event;

/// What of the events is wanted: of each key one of its values.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pairs: Vec<(String, String)>,
}

/// A filter that there is not. dockerd 20.10 shows everything then; later ones say so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid filter '{0}'")]
pub struct BadFilter(pub String);

const KEYS: [&str; 16] = [
    "config",
    "container",
    "daemon",
    "event",
    "image",
    "label",
    "network",
    "node",
    "plugin",
    "scope",
    "secret",
    "service",
    "status",
    "type",
    "until",
    "volume",
];

impl Filter {
    /// From keys and values.
    ///
    /// # Errors
    /// For a key that docker does not know.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, BadFilter> {
        match pairs.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            Some((key, _)) => Err(BadFilter(key.clone())),
            None => Ok(Self { pairs }),
        }
    }

    /// Whether an event is wanted.
    pub fn takes(&self, event: &Event) -> bool {
        let attributes = &event.actor.attributes;
        let named = |kind: &str, wanted: &str| {
            event.kind == kind
                && (event.actor.id == wanted
                    || event.actor.id.starts_with(wanted)
                    || attributes.get("name").is_some_and(|name| name.starts_with(wanted)))
        };
        self.each("event", &|wanted| is_action(&event.action, wanted))
            && self.each("type", &|wanted| event.kind == wanted)
            && self.each("scope", &|wanted| event.scope == wanted)
            && self.all("label", &|wanted| match wanted.split_once('=') {
                Some((key, value)) => attributes.get(key).is_some_and(|found| found == value),
                None => attributes.contains_key(wanted),
            })
            && self.each("container", &|wanted| named("container", wanted))
            && self.each("volume", &|wanted| named("volume", wanted))
            && self.each("network", &|wanted| named("network", wanted))
            && self.each("image", &|wanted| is_image(event, wanted))
            && ["config", "daemon", "node", "plugin", "secret", "service"]
                .iter()
                .all(|kind| self.each(kind, &|wanted| named(kind, wanted)))
    }

    fn of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    fn each(&self, key: &str, takes: &dyn Fn(&str) -> bool) -> bool {
        let mut wanted = self.of(key).peekable();
        wanted.peek().is_none() || wanted.any(takes)
    }

    fn all(&self, key: &str, takes: &dyn Fn(&str) -> bool) -> bool {
        self.of(key).all(takes)
    }
}

/// `exec_start: sh` is an `exec_start`, and by its whole name itself.
fn is_action(action: &str, wanted: &str) -> bool {
    action == wanted || action.split_once(':').is_some_and(|(verb, _)| verb == wanted)
}

/// An image itself, or a container's, with or without its tag.
fn is_image(event: &Event, wanted: &str) -> bool {
    let without_tag =
        |name: &str| name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map(|(name, _)| name.to_owned());
    let names = match event.kind.as_str() {
        "image" => [Some(event.actor.id.clone()), event.actor.attributes.get("name").cloned()],
        "container" => [event.actor.attributes.get("image").cloned(), None],
        _ => return false,
    };
    names.into_iter().flatten().any(|name| name == wanted || without_tag(&name).is_some_and(|name| name == wanted))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn takes(pairs: &[(&str, &str)]) -> bool {
        let text = |text: &str| text.to_owned();
        let attributes = [("image", "busybox:1"), ("name", "web"), ("a", "b")];
        let attributes: BTreeMap<_, _> = attributes.iter().map(|(key, value)| (text(key), text(value))).collect();
        let event = Event::new("container", "exec_start: sh -c true", "abcdef", attributes);
        let pairs = pairs.iter().map(|(key, value)| (text(key), text(value))).collect();
        Filter::new(pairs).expect("known keys").takes(&event)
    }

    #[test]
    fn of_each_key_one_value_must_fit() {
        assert!(takes(&[]));
        assert!(takes(&[("type", "image"), ("type", "container"), ("container", "web")]));
        assert!(takes(&[("event", "exec_start"), ("container", "abc"), ("image", "busybox")]));
        assert!(takes(&[("event", "exec_start: sh -c true"), ("label", "a=b"), ("label", "a")]));
        // As with dockerd: the beginning of a name is enough, and `status` means nothing.
        assert!(takes(&[("container", "we"), ("status", "none")]));
        assert!(!takes(&[("container", "eb")]));
        assert!(!takes(&[("label", "a=c")]));
        assert!(!takes(&[("volume", "web")]));
        assert!(!takes(&[("event", "start"), ("container", "web")]));
        assert_eq!(
            Filter::new(vec![("bogus".to_owned(), String::new())]).expect_err("no such key").to_string(),
            "invalid filter 'bogus'"
        );
    }
}
