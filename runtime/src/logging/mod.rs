//! How a container's output is kept: its log driver's options, read as dockerd reads them.
//!
//! The options' names are checked when a container is made, their values when it is started: so
//! does dockerd. moby 20.10, daemon/logger/jsonfilelog, daemon/logger/local, factory.go
//! `ValidateLogOpts`, container/container.go `StartLogger`.

mod attributes;

use std::{collections::BTreeMap, path::PathBuf};

use containers::{Container, HostConfig};
use serde::{Deserialize, Serialize};

/// Log drivers of docker's that keep their logs elsewhere.
const ELSEWHERE: [&str; 9] =
    ["syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "etwlogs", "gcplogs", "logentries"];

const JSON_OPTIONS: [&str; 8] =
    ["max-file", "max-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag"];
const LOCAL_OPTIONS: [&str; 3] = ["max-file", "max-size", "compress"];

/// Why a log cannot be kept so. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLog {
    /// Not one of docker's.
    #[error("error looking up logging plugin {0}: plugin \"{0}\" not found")]
    Driver(String),
    /// One of docker's that we do not have.
    #[error("the log driver {0} is not supported: logs are kept in files only (json-file, local, none)")]
    Elsewhere(String),
    /// json-file.
    #[error("unknown log opt '{0}' for json-file log driver")]
    JsonOption(String),
    /// local.
    #[error("unknown log opt '{0}' for log driver local")]
    LocalOption(String),
    /// `mode`.
    #[error("logger: logging mode not supported: {0}")]
    Mode(String),
    /// `max-buffer-size` with another mode.
    #[error("logger: max-buffer-size option is only supported with 'mode=non-blocking'")]
    BufferMode,
    /// `max-buffer-size`.
    #[error("error parsing option max-buffer-size: invalid size: '{0}'")]
    Buffer(String),
    /// `max-size` of json-file.
    #[error("invalid size: '{0}'")]
    Size(String),
    /// `max-size` of json-file.
    #[error("max-size must be a positive number")]
    NoSize,
    /// `max-size` of local.
    #[error("invalid value for max-size: {0}: invalid size: '{0}'")]
    LocalSize(String),
    /// `max-file` of json-file.
    #[error("strconv.Atoi: parsing {0:?}: invalid syntax")]
    Files(String),
    /// `max-file` of json-file.
    #[error("max-file cannot be less than 1")]
    NoFiles,
    /// `max-file` of local.
    #[error("invalid value for max-file: {0}: strconv.Atoi: parsing {0:?}: invalid syntax")]
    LocalFiles(String),
    /// `max-file` of local.
    #[error("max file count cannot be less than 0")]
    LocalNoFiles,
    /// `compress` of json-file.
    #[error("strconv.ParseBool: parsing {0:?}: invalid syntax")]
    Compress(String),
    /// `compress` of local.
    #[error("error reading compress log option: strconv.ParseBool: parsing {0:?}: invalid syntax")]
    LocalCompress(String),
    /// Nothing would be compressed.
    #[error("compress cannot be true when max-file is less than 2 or max-size is not set")]
    NothingToCompress,
    /// Nothing would be compressed.
    #[error("compression cannot be enabled when max file count is 1")]
    LocalNothingToCompress,
    /// `labels-regex` and `env-regex`.
    #[error("error parsing regexp: {0}")]
    Pattern(String),
    /// `tag`: more of Go's templates than fields.
    #[error("the log tag {0:?} is not supported: only fields such as {{{{.Name}}}} can stand in it")]
    Tag(String),
}

/// What a log's entries look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// json-file.
    Json,
    /// local.
    Local,
}

/// A container's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The file that is written to; older ones are `PATH.1` and so on.
    pub path: PathBuf,
    /// What is in it.
    pub form: Form,
    /// JSON that every entry carries; empty for none.
    pub attributes: String,
    /// When it is full.
    pub max_size: Option<u64>,
    /// How many there may be, with the one that is written to.
    pub max_files: u32,
    /// Whether older ones are compressed.
    pub compress: bool,
}

impl Log {
    /// One file that grows, as without options.
    pub fn plain(path: PathBuf) -> Self {
        Self { path, form: Form::Json, attributes: String::new(), max_size: None, max_files: 1, compress: false }
    }

    /// An older file, `PATH.1` the youngest of them; compressed, `PATH.1.gz`.
    pub fn older(&self, number: u32, compressed: bool) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}{}", if compressed { ".gz" } else { "" }));
        name.into()
    }
}

/// Checks the names of a container's log options, as they are checked when it is made.
///
/// # Errors
/// [`BadLog`].
pub fn check(host: &HostConfig) -> Result<(), BadLog> {
    let kind = driver(host);
    let none = BTreeMap::new();
    let options = host.log_config.config.as_ref().unwrap_or(&none);
    if kind == "none" {
        return Ok(());
    }
    let mode = options.get("mode").map_or("", String::as_str);
    if !["", "blocking", "non-blocking"].contains(&mode) {
        return Err(BadLog::Mode(mode.to_owned()));
    }
    if let Some(size) = options.get("max-buffer-size") {
        if mode != "non-blocking" {
            return Err(BadLog::BufferMode);
        }
        base::units::ram_in_bytes(size).ok_or_else(|| BadLog::Buffer(size.clone()))?;
    }
    let unknown = |known: &[&str]| {
        let known =
            |key: &&String| ["mode", "max-buffer-size"].contains(&key.as_str()) || known.contains(&key.as_str());
        options.keys().find(|key| !known(key)).cloned()
    };
    match kind {
        "json-file" => unknown(&JSON_OPTIONS).map_or(Ok(()), |key| Err(BadLog::JsonOption(key))),
        "local" => unknown(&LOCAL_OPTIONS).map_or(Ok(()), |key| Err(BadLog::LocalOption(key))),
        other if ELSEWHERE.contains(&other) => Err(BadLog::Elsewhere(other.to_owned())),
        other => Err(BadLog::Driver(other.to_owned())),
    }
}

/// The log that a container's config asks for; `None` for none. `dir` is the container's.
///
/// # Errors
/// [`BadLog`].
pub fn of(container: &Container, dir: &std::path::Path) -> Result<Option<Log>, BadLog> {
    check(&container.host_config)?;
    let none = BTreeMap::new();
    let options = container.host_config.log_config.config.as_ref().unwrap_or(&none);
    match driver(&container.host_config) {
        "json-file" => {
            let path = dir.join(format!("{}-json.log", container.id));
            json_file(path, options, attributes::of(container, options)?).map(Some)
        }
        "local" => local(dir.join(LOCAL_DIR).join("container.log"), options).map(Some),
        _ => Ok(None),
    }
}

/// Where the driver `local` has its files, in the container's directory; mode 0700.
pub const LOCAL_DIR: &str = "local-logs";

fn driver(host: &HostConfig) -> &str {
    match host.log_config.kind.as_str() {
        "" => "json-file",
        kind => kind,
    }
}

fn json_file(path: PathBuf, options: &BTreeMap<String, String>, attributes: String) -> Result<Log, BadLog> {
    let mut log = Log { attributes, ..Log::plain(path) };
    if let Some(text) = options.get("max-size") {
        let size = base::units::from_human_size(text).ok_or_else(|| BadLog::Size(text.clone()))?;
        log.max_size = Some(u64::try_from(size).ok().filter(|size| *size > 0).ok_or(BadLog::NoSize)?);
    }
    if let Some(text) = options.get("max-file") {
        let files: i64 = text.parse().map_err(|_| BadLog::Files(text.clone()))?;
        log.max_files = u32::try_from(files).ok().filter(|files| *files > 0).ok_or(BadLog::NoFiles)?;
    }
    if let Some(text) = options.get("compress") {
        log.compress = go_bool(text).ok_or_else(|| BadLog::Compress(text.clone()))?;
        if log.compress && (log.max_files == 1 || log.max_size.is_none()) {
            return Err(BadLog::NothingToCompress);
        }
    }
    Ok(log)
}

/// moby 20.10, daemon/logger/local: 20 MB each, five files, compressed.
fn local(path: PathBuf, options: &BTreeMap<String, String>) -> Result<Log, BadLog> {
    let mut log = Log { form: Form::Local, max_size: Some(20 << 20), max_files: 5, compress: true, ..Log::plain(path) };
    if let Some(text) = options.get("max-size") {
        let size = base::units::from_human_size(text).ok_or_else(|| BadLog::LocalSize(text.clone()))?;
        log.max_size = Some(u64::try_from(size).unwrap_or_default());
    }
    if let Some(text) = options.get("max-file") {
        let files: i64 = text.parse().map_err(|_| BadLog::LocalFiles(text.clone()))?;
        log.max_files = u32::try_from(files).map_err(|_| BadLog::LocalNoFiles)?;
    }
    if let Some(text) = options.get("compress") {
        log.compress = go_bool(text).ok_or_else(|| BadLog::LocalCompress(text.clone()))?;
    }
    if log.compress && log.max_files <= 1 {
        return Err(BadLog::LocalNothingToCompress);
    }
    Ok(log)
}

/// Go, strconv `ParseBool`.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(kind: &str, options: &[(&str, &str)]) -> HostConfig {
        let mut host = HostConfig::new();
        kind.clone_into(&mut host.log_config.kind);
        host.log_config.config =
            Some(options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
        host
    }

    fn read(kind: &str, options: &[(&str, &str)]) -> Result<Option<Log>, String> {
        let id: base::ContainerId = "ab".repeat(32).parse().expect("an id");
        let record = containers::Record::new(&id, "web", "overlay2", base::Time::now());
        let container = Container { id, record, host_config: host(kind, options) };
        of(&container, "/c".as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_driver_has_its_options_and_defaults() {
        let plain = read("json-file", &[]).expect("no options").expect("a log");
        assert_eq!((plain.max_size, plain.max_files, plain.compress), (None, 1, false));
        let full = [("max-size", "10k"), ("max-file", "3"), ("compress", "true")];
        let log = read("", &full).expect("options").expect("a log");
        assert_eq!((log.max_size, log.max_files, log.compress), (Some(10_000), 3, true));
        assert_eq!(log.older(2, true).to_string_lossy(), format!("/c/{}-json.log.2.gz", "ab".repeat(32)));
        let local = read("local", &[]).expect("no options").expect("a log");
        assert_eq!((local.max_size, local.max_files, local.compress), (Some(20 << 20), 5, true));
        assert_eq!(local.path.to_str(), Some("/c/local-logs/container.log"));
        assert_eq!(read("none", &[]), Ok(None));
    }

    #[test]
    fn what_dockerd_refuses_is_refused_in_its_words() {
        let words = |kind, options: &[(&str, &str)]| read(kind, options).expect_err("a bad option");
        assert_eq!(words("json-file", &[("x", "1")]), "unknown log opt 'x' for json-file log driver");
        assert_eq!(words("local", &[("tag", "x")]), "unknown log opt 'tag' for log driver local");
        assert_eq!(words("nosuch", &[]), "error looking up logging plugin nosuch: plugin \"nosuch\" not found");
        assert_eq!(words("json-file", &[("max-size", "0")]), "max-size must be a positive number");
        assert_eq!(words("json-file", &[("max-file", "x")]), "strconv.Atoi: parsing \"x\": invalid syntax");
        let compress = "compress cannot be true when max-file is less than 2 or max-size is not set";
        assert_eq!(words("json-file", &[("compress", "true")]), compress);
        assert!(words("syslog", &[]).contains("syslog is not supported"));
    }
}
