//! dockerd's `network/files/local-kv.db`, read only: a bbolt file with one bucket, a row per network.
//!
//! moby 20.10, libnetwork network.go `UnmarshalJSON`, datastore boltdb.go: the key is a path, the value
//! eight bytes of an index and then JSON.

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

use base::Time;
use bolt::Bad;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::NetworkError,
    network::{Network, Pool},
    subnet::Subnet,
};

const BUCKET: &[u8] = b"libnetwork";
const PREFIX: &str = "docker/network/v1.0/network/";
const INDEX: usize = 8;

#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Row {
    id: String,
    name: String,
    network_type: String,
    scope: String,
    created: Option<Time>,
    #[serde(rename = "enableIPv6")]
    enable_ipv6: bool,
    internal: bool,
    attachable: bool,
    ingress: bool,
    in_delete: bool,
    labels: Option<BTreeMap<String, String>>,
    ipam_options: Option<BTreeMap<String, String>>,
    generic: Option<Value>,
    /// JSON in a text.
    #[serde(rename = "ipamV4Config")]
    asked: Option<String>,
    /// JSON in a text, with JSON in a text in it.
    #[serde(rename = "ipamV4Info")]
    given: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Asked {
    preferred_pool: String,
    sub_pool: String,
    gateway: String,
}

#[derive(Debug, Deserialize)]
struct Given {
    #[serde(rename = "IPAMData")]
    data: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Data {
    gateway: String,
    pool: String,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    System(#[from] sys::Error),
    #[error(transparent)]
    Bad(#[from] Bad),
}

/// The networks of a data root: dockerd's, and where none has been, those that it would make. A row that
/// cannot be read is none, as for dockerd.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn networks(data_root: &Path) -> Result<Vec<Network>, NetworkError> {
    let path = data_root.join("network/files/local-kv.db");
    let read = || Ok::<_, ReadError>(sys::read_opt(&path)?.unwrap_or_default());
    let database = bolt::settled(read)
        .map_err(|error| NetworkError::Database { path: path.clone(), reason: error.to_string() })?;
    let mut found = Vec::new();
    if let Some(bucket) = database.as_ref().and_then(|database| database.root().bucket(BUCKET)) {
        let rows = bucket.values().filter(|(key, _)| key.starts_with(PREFIX.as_bytes()));
        found.extend(rows.filter_map(|(_, value)| parse(value.get(INDEX..)?)));
    }
    for network in Network::predefined(data_root) {
        if !found.iter().any(|known: &Network| known.name == network.name) {
            found.push(network);
        }
    }
    Ok(found)
}

fn parse(bytes: &[u8]) -> Option<Network> {
    let row: Row = serde_json::from_slice(bytes).ok()?;
    if row.in_delete || row.id.is_empty() {
        return None;
    }
    let generic = row.generic.unwrap_or_default();
    let options = generic["com.docker.network.generic"].as_object().cloned().unwrap_or_default();
    let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
    Some(Network {
        pools: pools(row.asked.as_deref(), row.given.as_deref()),
        id: row.id,
        name: row.name,
        created: row.created.unwrap_or(Time::NEVER),
        driver: row.network_type,
        scope: if row.scope.is_empty() { "local".to_owned() } else { row.scope },
        ipv6: row.enable_ipv6,
        internal: row.internal,
        attachable: row.attachable,
        ingress: row.ingress,
        ipam_options: row.ipam_options,
        options: options.into_iter().filter_map(text).collect(),
        labels: row.labels.unwrap_or_default(),
    })
}

/// What was asked for comes first; what was not, the address manager has given.
fn pools(asked: Option<&str>, given: Option<&str>) -> Vec<Pool> {
    let asked: Vec<Asked> = asked.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let given: Vec<Given> = given.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let each = given.iter().enumerate().filter_map(|(at, given)| {
        let data: Data = serde_json::from_str(&given.data).ok()?;
        let asked = asked.get(at);
        let gateway: Option<Ipv4Addr> = data.gateway.split('/').next().and_then(|text| text.parse().ok());
        let preferred = asked.is_some_and(|asked| !asked.preferred_pool.is_empty());
        Some(Pool {
            subnet: data.pool.parse().ok()?,
            range: asked.and_then(|asked| asked.sub_pool.parse::<Subnet>().ok()),
            gateway,
            chosen: preferred,
            // moby 20.10, api/server/router/network buildIpamResources.
            shows_gateway: !preferred || asked.is_some_and(|asked| !asked.gateway.is_empty()),
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_dockerds_is_understood() {
        let row = r#"{"created":"2026-11-27T11:01:11.62766743Z","enableIPv6":false,"generic":
            {"com.docker.network.generic":{"com.docker.network.bridge.name":"mine"},"com.docker.network.internal":true},
            "id":"275d5e02fec1b848","inDelete":false,"internal":true,"ipamOptions":{},
            "ipamV4Config":"[{\"PreferredPool\":\"10.9.0.0/24\",\"SubPool\":\"10.9.0.128/25\",\"Gateway\":\"10.9.0.254\"}]",
            "ipamV4Info":"[{\"IPAMData\":\"{\\\"Gateway\\\":\\\"10.9.0.254/24\\\",\\\"Pool\\\":\\\"10.9.0.0/24\\\"}\",\"PoolID\":\"x\"}]",
            "labels":{"a":"b"},"name":"n2","networkType":"bridge","scope":"local"}"#;
        let network = parse(row.as_bytes()).expect("a network");
        assert_eq!((network.name.as_str(), network.driver.as_str(), network.internal), ("n2", "bridge", true));
        assert_eq!((network.device(), network.short_id()), ("mine".to_owned(), "275d5e02fec1"));
        let pool = &network.pools[0];
        assert_eq!(pool.subnet.to_string(), "10.9.0.0/24");
        assert_eq!(pool.range.map(|range| range.to_string()), Some("10.9.0.128/25".to_owned()));
        assert_eq!((pool.gateway, pool.shows_gateway), (Some(Ipv4Addr::new(10, 9, 0, 254)), true));
    }

    #[test]
    fn a_data_root_without_dockerd_has_the_three_that_are_always_there() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let names: Vec<_> = networks(dir.path()).expect("read").into_iter().map(|network| network.name).collect();
        assert_eq!(names, ["bridge", "host", "none"]);
        assert_eq!(networks(dir.path()).expect("read"), networks(dir.path()).expect("again"), "the ids stay");
    }
}
