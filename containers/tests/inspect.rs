//! `inspect` against what dockerd said of the same container: `fixtures/VERSION-DRIVER/NAME/`
//! hold both files and its answer, with sorted keys; `inspect-20.10.24/` one as it was sent.

use std::{collections::BTreeMap, fs, path::Path};

use containers::{
    Container, HostConfig, Record,
    inspect::{Facts, Sizes, inspect},
};
use serde_json::Value;

fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|bad| panic!("{}: {bad}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|bad| panic!("{}: {bad}", path.display()))
}

fn container(dir: &Path) -> Container {
    let bytes = fs::read(dir.join("config.v2.json")).expect("a fixture has a record");
    let id = json(&dir.join("config.v2.json"))["ID"].as_str().and_then(|id| id.parse().ok()).expect("and it an id");
    let record = Record::parse(&bytes, &id).expect("a fixture is whole");
    let host_config = fs::read(dir.join("hostconfig.json")).expect("a fixture has a host config");
    Container { id, record, host_config: HostConfig::parse(&host_config).expect("a fixture is whole") }
}

/// What the container's own files do not say, taken from dockerd's answer.
fn facts(container: &Container, answer: &Value) -> Facts {
    let size = |key: &str| answer[key].as_i64();
    let names = container.record.mounts().filter_map(|point| point.volume());
    Facts {
        graph_driver: serde_json::from_value(answer["GraphDriver"]["Data"].clone()).expect("a driver says texts"),
        volumes: names.map(|name| (name.to_owned(), format!("/var/lib/docker/volumes/{name}/_data"))).collect(),
        sizes: size("SizeRw").zip(size("SizeRootFs")).map(|(rw, root_fs)| Sizes { rw, root_fs }),
        ..Facts::default()
    }
}

/// Go's maps have no order, and `Mounts` is made of one.
fn in_one_order(mut answer: Value) -> Value {
    if let Some(mounts) = answer["Mounts"].as_array_mut() {
        mounts.sort_by_key(|mount| mount["Destination"].to_string());
    }
    answer
}

/// Paths of all values that are not the same.
fn differences(path: &str, theirs: &Value, ours: &Value, to: &mut BTreeMap<String, String>) {
    if let (Value::Object(a), Value::Object(b)) = (theirs, ours) {
        for key in a.keys().chain(b.keys()) {
            let (a, b) = (a.get(key), b.get(key));
            match (a, b) {
                (Some(a), Some(b)) => differences(&format!("{path}/{key}"), a, b, to),
                _ => drop(to.insert(format!("{path}/{key}"), format!("{a:?} != {b:?}"))),
            }
        }
    } else if theirs != ours {
        to.insert(path.to_owned(), format!("{theirs} != {ours}"));
    }
}

#[test]
fn inspect_says_what_dockerd_20_10_24_said() {
    let mut compared = 0;
    for tree in ["20.10.24-overlay2", "20.10.24-vfs"] {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(tree);
        for entry in fs::read_dir(&tree).expect("the fixtures can be listed") {
            let dir = entry.expect("the fixtures can be listed").path();
            let container = container(&dir);
            let theirs = in_one_order(json(&dir.join("inspect.json")));
            let ours = in_one_order(inspect(&container, &facts(&container, &theirs)));
            let mut found = BTreeMap::new();
            differences("", &theirs, &ours, &mut found);
            // Its start failed, and dockerd forgot the endpoint without saving that.
            if dir.ends_with("c-deep0") {
                assert!(found.remove("/NetworkSettings/Networks/none/EndpointID").is_some());
            }
            assert!(found.is_empty(), "{}: {found:#?}", dir.display());
            compared += 1;
        }
    }
    assert!(compared >= 15, "only {compared} compared");
}

/// `fixtures/inspect-20.10.24/answer.json` is the API's answer as it came, keys in Go's order.
#[test]
fn the_bytes_are_dockerds() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inspect-20.10.24");
    let theirs = fs::read_to_string(dir.join("answer.json")).expect("a fixture can be read");
    let container = container(&dir);
    let ours = inspect(&container, &facts(&container, &json(&dir.join("answer.json"))));
    // moby 20.10, httputils WriteJSON: the API does not escape `<`, unlike the files.
    assert_eq!(ours.to_string() + "\n", theirs);
}
