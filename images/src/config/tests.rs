//! Configs that dockerd 20.10.24 wrote, and such as it refuses.

use super::*;

/// `docker import -m 'msg <é>&' -c 'ENV A=1 B="x y"' -c 'CMD ["/a","b"]'`, dockerd 20.10.24.
pub(crate) const IMPORTED: &str = include_str!("../../tests/golden/import-changes.json");
/// The last step of a build, dockerd 20.10.24.
pub(crate) const BUILT: &str = include_str!("../../tests/golden/built.json");

#[test]
fn what_dockerd_wrote_we_would_write() {
    for golden in [IMPORTED, BUILT] {
        let read = ImageConfig::parse(golden.as_bytes()).expect("dockerd's config");
        assert_eq!(String::from_utf8_lossy(&read.to_bytes()), golden);
    }
}

#[test]
fn the_least_that_dockerd_takes() {
    let read = ImageConfig::parse(br#"{"rootfs":{"type":"layers"}}"#).expect("rootfs is all it needs");
    assert_eq!((read.operating_system(), read.chain(), &read.config), ("linux", None, &None));
    assert_eq!(read.created, Created::never());
}

#[test]
fn keys_are_read_without_regard_to_case_and_nulls_are_not_there() {
    let text = br#"{"RootFS":{"Type":"layers","DIFF_IDS":null},"CREATED":null,"Config":{"cmd":"one","entrypoint":["a"],
        "healthcheck":{"test":["NONE"]},"Labels":null,"exposedports":{"80/tcp":{}}},"History":[null,{"Empty_Layer":true}]}"#;
    let read = ImageConfig::parse(text).expect("as Go reads it");
    let config = read.config.expect("it is there");
    assert_eq!(config.cmd, Some(vec!["one".to_owned()]));
    assert_eq!(config.healthcheck.and_then(|health| health.test), Some(vec!["NONE".to_owned()]));
    assert_eq!(config.exposed_ports.map(|ports| ports.len()), Some(1));
    assert_eq!(read.history.iter().map(|step| step.empty_layer).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_config_without_rootfs_is_refused_in_dockerds_words() {
    let bad = ImageConfig::parse(b"{}").expect_err("no rootfs");
    assert_eq!(bad.to_string(), "invalid image JSON, no RootFS key");
    for bad in ["nope", "[1]", r#"{"rootfs":{"type":"layers","diff_ids":"x"}}"#, r#"{"rootfs":{"diff_ids":["x"]}}"#] {
        assert!(ImageConfig::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_history_of_more_layers_than_there_are_is_refused() {
    let read = ImageConfig::parse(br#"{"rootfs":{"type":"layers"},"history":[{}]}"#).expect("it parses");
    assert!(matches!(read.check(), Err(BadConfig::History)));
}

#[test]
fn chains_grow_from_the_base() {
    let read = ImageConfig::parse(BUILT.as_bytes()).expect("dockerd's config");
    let chains: Vec<_> = read.chains().collect();
    assert_eq!(chains.len(), 4);
    assert_eq!(chains[0].digest(), read.diff_ids()[0].digest());
    let top = "sha256:d8b6cca73067a29ba8408b6e7bf85ae7ff457390a28cc694b50d01a028e7a444";
    assert_eq!(read.chain().map(|chain| chain.to_string()).as_deref(), Some(top));
}
