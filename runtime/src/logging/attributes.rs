//! What every entry of a json-file log carries beside the text: `labels`, `env` and `tag`.
//!
//! moby 20.10, daemon/logger/loginfo.go `ExtraAttributes`, loggerutils/log_tag.go.

use std::collections::BTreeMap;

use containers::Container;
use regex::Regex;

use super::BadLog;

/// The attributes as JSON; empty for none.
pub(super) fn of(container: &Container, options: &BTreeMap<String, String>) -> Result<String, BadLog> {
    let config = &container.record.config;
    let labels: BTreeMap<&str, &str> =
        config.labels.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let env = config.env.iter().flatten().filter_map(|entry| entry.split_once('=')).collect();
    let mut all = BTreeMap::new();
    for (names, pattern, from) in [("labels", "labels-regex", &labels), ("env", "env-regex", &env)] {
        let asked = options.get(names).map_or("", String::as_str);
        all.extend(asked.split(',').filter_map(|name| from.get_key_value(name)));
        if let Some(text) = options.get(pattern).filter(|text| !text.is_empty()) {
            let pattern = Regex::new(text).map_err(|error| BadLog::Pattern(error.to_string()))?;
            all.extend(from.iter().filter(|(name, _)| pattern.is_match(name)));
        }
    }
    let tag = tag(container, options.get("tag").map_or("", String::as_str))?;
    if !tag.is_empty() {
        all.insert("tag", &tag);
    }
    if all.is_empty() {
        return Ok(String::new());
    }
    let bytes = base::gojson::to_vec(&all).expect("a map of texts");
    Ok(String::from_utf8(bytes).expect("JSON is text"))
}

/// `{{.Name}}/{{.ID}}` with the container's own in place of the fields.
fn tag(container: &Container, template: &str) -> Result<String, BadLog> {
    let bad = || BadLog::Tag(template.to_owned());
    let (mut shown, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").ok_or_else(bad)?;
        shown.push_str(before);
        shown.push_str(&field(container, action.trim()).ok_or_else(bad)?);
        rest = after;
    }
    shown.push_str(rest);
    Ok(shown)
}

fn field(container: &Container, name: &str) -> Option<String> {
    let record = &container.record;
    // Go cuts the text, the algorithm's name included.
    let short = |text: &str| text.chars().take(12).collect::<String>();
    Some(match name {
        ".ID" => container.id.short().to_owned(),
        ".FullID" | ".ContainerID" => container.id.to_string(),
        ".Name" => record.name().to_owned(),
        ".ContainerName" => record.stored_name.clone(),
        ".ImageID" => short(&record.image),
        ".ImageFullID" | ".ContainerImageID" => record.image.clone(),
        ".ImageName" | ".ContainerImageName" => record.config.image.clone(),
        ".DaemonName" => "docker".to_owned(),
        ".Hostname" => crate::network::host_name(),
        ".Command" => {
            let words = std::iter::once(&record.path).chain(record.args.iter().flatten());
            words.map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use base::Time;
    use containers::{Config, HostConfig, Record};

    use super::*;

    fn shown(options: &[(&str, &str)]) -> Result<String, BadLog> {
        let id: base::ContainerId = "ab".repeat(32).parse().expect("an id");
        let mut record = Record::new(&id, "web", "overlay2", Time::now());
        let labels = [("a", "1"), ("b", "<2>")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let env = vec!["E=x".to_owned(), "PATH=/p".to_owned(), "BARE".to_owned()];
        record.config = Config { labels: Some(labels.into()), env: Some(env), ..Config::default() };
        let container = Container { id, record, host_config: HostConfig::new() };
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        of(&container, &options)
    }

    #[test]
    fn labels_and_variables_by_name_or_by_pattern() {
        assert_eq!(shown(&[]), Ok(String::new()));
        assert_eq!(
            shown(&[("labels", "b,nosuch"), ("env", "E,BARE")]).as_deref(),
            Ok(r#"{"E":"x","b":"\u003c2\u003e"}"#)
        );
        assert_eq!(
            shown(&[("labels-regex", "^[ac]$"), ("env-regex", "TH")]).as_deref(),
            Ok(r#"{"PATH":"/p","a":"1"}"#)
        );
        assert!(shown(&[("env-regex", "(")]).is_err());
    }

    #[test]
    fn a_tag_is_made_of_fields() {
        assert_eq!(shown(&[("tag", "x/{{.Name}}/{{ .ID }}")]).as_deref(), Ok(r#"{"tag":"x/web/abababababab"}"#));
        assert!(shown(&[("tag", "{{if .Name}}x{{end}}")]).is_err());
    }
}
