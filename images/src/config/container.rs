//! `config` and `container_config` inside an image's JSON: what a container of it would be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::go;

/// Go's `struct{}`: the value of a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// A set of texts as Go writes it: `{"80/tcp":{}}`.
pub type Set = BTreeMap<String, Empty>;

/// moby 20.10, api/types/container/config.go `Config`, in its order. What is `None` is `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(missing_docs, reason = "Docker's own names")]
pub struct Config {
    pub hostname: String,
    pub domainname: String,
    pub user: String,
    pub attach_stdin: bool,
    pub attach_stdout: bool,
    pub attach_stderr: bool,
    #[serde(skip_serializing_if = "is_hollow_set")]
    pub exposed_ports: Option<Set>,
    pub tty: bool,
    pub open_stdin: bool,
    pub stdin_once: bool,
    pub env: Option<Vec<String>>,
    #[serde(deserialize_with = "go::texts")]
    pub cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "health")]
    pub healthcheck: Option<Health>,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub args_escaped: bool,
    pub image: String,
    pub volumes: Option<Set>,
    pub working_dir: String,
    #[serde(deserialize_with = "go::texts")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub network_disabled: bool,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub mac_address: String,
    pub on_build: Option<Vec<String>>,
    pub labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub stop_signal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    #[serde(skip_serializing_if = "go::is_hollow", deserialize_with = "go::texts")]
    pub shell: Option<Vec<String>>,
}

const FIELDS: &[&str] = &[
    "Hostname",
    "Domainname",
    "User",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "ExposedPorts",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "Env",
    "Cmd",
    "Healthcheck",
    "ArgsEscaped",
    "Image",
    "Volumes",
    "WorkingDir",
    "Entrypoint",
    "NetworkDisabled",
    "MacAddress",
    "OnBuild",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Shell",
];

impl Config {
    /// From JSON as Go reads it: of a container's config, too, which has the same fields.
    ///
    /// # Errors
    /// When a field has another type.
    pub fn read(value: Value) -> serde_json::Result<Self> {
        go::read(value, FIELDS)
    }
}

/// How to see whether a container is healthy. Times are nanoseconds; zero inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(missing_docs, reason = "Docker's own names")]
pub struct Health {
    #[serde(skip_serializing_if = "go::is_hollow")]
    pub test: Option<Vec<String>>,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub interval: i64,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub timeout: i64,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub start_period: i64,
    #[serde(skip_serializing_if = "go::is_zero")]
    pub retries: i64,
}

fn health<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Health>, D::Error> {
    let fields = ["Test", "Interval", "Timeout", "StartPeriod", "Retries"];
    go::read(Value::deserialize(from)?, &fields).map(Some).map_err(serde::de::Error::custom)
}

fn is_hollow_set(set: &Option<Set>) -> bool {
    set.as_ref().is_none_or(BTreeMap::is_empty)
}
