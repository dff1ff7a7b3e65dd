//! Files written by real dockerds: `fixtures/VERSION-DRIVER/NAME/` hold a container's
//! `config.v2.json` and `hostconfig.json`, and for some `inspect.json`, what that daemon said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base::{ContainerId, Time};
use containers::{
    Config, HostConfig, MountPoint, Record,
    config_v2::{Endpoint, HealthConfig},
};
use proptest::prelude::*;

/// Every container of the fixtures.
fn all() -> Vec<PathBuf> {
    let list = |dir: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).expect("the fixtures can be listed");
        entries.map(|entry| entry.expect("the fixtures can be listed").path()).filter(|path| path.is_dir()).collect()
    };
    let mut found: Vec<_> = list(&fixtures()).iter().flat_map(|tree| list(tree)).collect();
    found.sort();
    assert!(found.len() > 30, "only {} fixtures", found.len());
    found
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(&path).unwrap_or_else(|bad| panic!("{}: {bad}", path.as_ref().display()))
}

/// The id that stands in the record; the fixtures' directories have names.
fn id_in(bytes: &[u8]) -> ContainerId {
    let json: serde_json::Value = serde_json::from_slice(bytes).expect("a fixture is JSON");
    json["ID"].as_str().expect("a fixture has an ID").parse().expect("a fixture's ID is an id")
}

fn same(path: &Path, theirs: &[u8], ours: &[u8]) {
    let (theirs, ours) = (String::from_utf8_lossy(theirs), String::from_utf8_lossy(ours));
    let at = theirs.bytes().zip(ours.bytes()).take_while(|(a, b)| a == b).count();
    let from = at.saturating_sub(60);
    assert!(theirs == ours, "{}:\n{:.200}\n{:.200}", path.display(), &theirs[from..], &ours[from..]);
}

#[test]
fn a_record_goes_back_byte_for_byte() {
    for dir in all() {
        let bytes = read(dir.join("config.v2.json"));
        let record = Record::parse(&bytes, &id_in(&bytes)).unwrap_or_else(|bad| panic!("{}: {bad}", dir.display()));
        same(&dir, &bytes, &record.to_bytes());
    }
}

#[test]
fn a_host_config_goes_back_byte_for_byte() {
    for dir in all() {
        let bytes = read(dir.join("hostconfig.json"));
        let host_config = HostConfig::parse(&bytes).unwrap_or_else(|bad| panic!("{}: {bad}", dir.display()));
        same(&dir, &bytes, &host_config.to_bytes());
    }
}

/// The same record without the memory of how it was spelled must come out in dockerd's order.
#[test]
fn a_new_record_is_written_as_dockerd_20_10_24_writes_it() {
    let path = fixtures().join("created-20.10.24.config.v2.json");
    let theirs = read(&path);
    let id = id_in(&theirs);
    let created: Time = "2026-11-22T06:10:32.49911561Z".parse().expect("it is a time");
    let mut record = Record::new(&id, "tpl", "overlay2", created);
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    record.path = "/bin/sleep".to_owned();
    record.args = words(&["1000"]);
    record.image = "sha256:edd2e89a4012dfada884d873964b570f622fcbed858db975d0ad0de2558c0bab".to_owned();
    record.network_settings.networks = Some([("none".to_owned(), Endpoint::default())].into());
    record.config = Config {
        hostname: id.short().to_owned(),
        attach_stdout: true,
        attach_stderr: true,
        exposed_ports: Some([("80/tcp".to_owned(), containers::Empty::default())].into()),
        env: words(&["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1"]),
        cmd: words(&["/bin/sleep", "1000"]),
        healthcheck: Some(HealthConfig { test: words(&["NONE"]), ..HealthConfig::default() }),
        image: "multi:1".to_owned(),
        volumes: Some([("/data".to_owned(), containers::Empty::default())].into()),
        working_dir: "/work/dir".to_owned(),
        labels: Some([("k".to_owned(), "v".to_owned())].into()),
        ..Config::default()
    };
    let volume = MountPoint {
        destination: "/data".to_owned(),
        rw: true,
        name: "92b23a9443efd18ae2d6106fffecea1a6730ffa1e0a2b0456679d798dfa09e09".to_owned(),
        driver: "local".to_owned(),
        kind: "volume".to_owned(),
        ..MountPoint::default()
    };
    record.mount_points = Some([("/data".to_owned(), volume)].into());
    assert_eq!(record.fit_to_write(), Ok(()));
    same(&path, &theirs, &record.to_bytes());
}

#[test]
fn a_new_host_config_is_written_as_dockerd_20_10_24_writes_it() {
    let path = fixtures().join("created-20.10.24.hostconfig.json");
    let host_config = HostConfig { network_mode: "none".to_owned(), ..HostConfig::new() };
    same(&path, &read(&path), &host_config.to_bytes());
}

#[test]
fn a_state_change_touches_nothing_else() {
    for dir in all() {
        let bytes = read(dir.join("config.v2.json"));
        let mut record = Record::parse(&bytes, &id_in(&bytes)).expect("it was read above");
        let before = record.clone();
        record.state.set_running(7, Time::NEVER);
        let again = Record::parse(&record.to_bytes(), &id_in(&bytes)).expect("we read what we write");
        assert_eq!(again.state.pid, 7);
        assert_eq!(Record { state: before.state.clone(), ..again }, before, "{}", dir.display());
    }
}

proptest! {
    /// Bytes of real files with some replaced: never a panic, and what can be read is written so
    /// that it reads the same (but for what Go's `omitempty` leaves out, so bytes are compared).
    #[test]
    fn damaged_files_are_refused_or_read_back(
        which in 0..30usize, at in 0..4000usize, cut in 0..12usize, with in "[ -~]{0,12}",
    ) {
        let dir = &all()[which];
        let damaged = |name: &str| {
            let mut bytes = read(dir.join(name));
            let from = at % bytes.len();
            let to = (from + cut).min(bytes.len());
            bytes.splice(from..to, with.bytes());
            bytes
        };
        let id = id_in(&read(dir.join("config.v2.json")));
        if let Ok(record) = Record::parse(&damaged("config.v2.json"), &id) {
            let again = Record::parse(&record.to_bytes(), &id);
            prop_assert_eq!(again.map_err(|bad| bad.to_string()).map(|again| again.to_bytes()), Ok(record.to_bytes()));
        }
        if let Ok(host_config) = HostConfig::parse(&damaged("hostconfig.json")) {
            let again = HostConfig::parse(&host_config.to_bytes());
            prop_assert_eq!(again.map_err(|bad| bad.to_string()).map(|again| again.to_bytes()), Ok(host_config.to_bytes()));
        }
    }
}
