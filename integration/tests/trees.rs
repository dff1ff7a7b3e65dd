//! Recorded data roots: what is said of them now equals what their own daemon said.
//!
//! Reading only, so each tree is unpacked once for all its tests. `MINIDOCK_UNDER_TEST=theirs` (or `second`) lets a
//! dockerd answer in minidock's place; it starts the containers whose policy wants it, so their state differs then.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock};

use integration::fixtures::Tree;
use integration::{House, Side, agree, images, lines_sorted};
use serde_json::Value;

/// A tree, its house, and what was recorded of it.
struct Told {
    house: Mutex<House>,
    expect: Value,
}

impl Told {
    fn of(name: &str, place: &'static OnceLock<Self>) -> &'static Self {
        place.get_or_init(|| {
            let tree = Tree::named(name);
            Self { house: Mutex::new(tree.house(&Side::under_test(), |_| ())), expect: tree.expect() }
        })
    }

    fn house(&self) -> MutexGuard<'_, House> {
        self.house.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn api(&self, path: &str) -> &[Value] {
        self.expect["api"][path]["json"].as_array().expect("recorded")
    }

    /// The recorded value of each container or image, by id.
    fn each(&self, what: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.expect[what].as_object().expect("recorded").iter()
    }

    /// Whether the engine that answers has changed this container by opening the tree: a dockerd starts those whose
    /// policy wants it, minidock does not.
    fn restarted(&self, house: &House, id: &str) -> bool {
        let host = &self.expect["container_inspect"][id]["json"]["HostConfig"];
        !house.is_ours() && !matches!(text(&host["RestartPolicy"], "Name"), "" | "no")
    }

    /// Fails with all that differs.
    #[track_caller]
    fn compare(&self, expected: &str, found: &str) {
        // What was recorded had its data root where docker has it; records that no dockerd has rewritten still say so.
        let [expected, found] = [expected, found].map(|text| text.replace("/var/lib/docker", "<root>"));
        agree(("recorded", &expected), ("now", &found));
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).unwrap_or(&Value::Null).as_str().unwrap_or_default()
}

/// With keys in order, and mounts, so that only contents count. An endpoint's id is memory of the dockerd that
/// answered, not of the record: it forgets some on disk before it forgets them itself, and the other way round.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let map = map.iter().filter(|(key, _)| key.as_str() != "EndpointID");
            let map: BTreeMap<_, _> = map.map(|(key, value)| (key.clone(), sorted(value))).collect();
            Value::Object(map.into_iter().collect())
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            // Mounts come from a map of Go's, in any order.
            items.sort_by(|one, two| text(one, "Destination").cmp(text(two, "Destination")));
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&sorted(value)).expect("printable")
}

fn every_image_with_its_tags_and_size(told: &Told) {
    let house = told.house();
    let mut expected = Vec::new();
    for image in told.api("/images/json?all=1") {
        let none = vec![Value::from("<none>:<none>")];
        let tags = image["RepoTags"].as_array().filter(|tags| !tags.is_empty()).unwrap_or(&none);
        expected.extend(tags.iter().map(|tag| format!("{} {}", text(image, "Id"), tag.as_str().unwrap_or_default())));
    }
    let found = house.ok(&["images", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]);
    told.compare(&lines_sorted(&expected.join("\n")), &lines_sorted(&found));

    let table = |text: &str| lines_sorted(&text.lines().map(without_age).collect::<Vec<_>>().join("\n"));
    let expected = text(&told.expect["cli"]["images -a --no-trunc --digests"], "out");
    told.compare(&table(expected), &table(&house.run(&["images", "-a", "--no-trunc", "--digests"]).out));
}

/// A line of the images table but for CREATED, which grows older.
fn without_age(line: &str) -> String {
    let cells: Vec<_> = line.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let age = cells.len().saturating_sub(2);
    cells.iter().enumerate().filter(|(at, _)| *at != age).map(|(_, cell)| *cell).collect::<Vec<_>>().join(" | ")
}

fn every_history(told: &Told) {
    let house = told.house();
    let format = "{{.ID}} {{.Size}} {{.CreatedBy}} {{.Comment}}";
    for (id, recorded) in told.each("image_history") {
        let layers = recorded["json"].as_array().expect("recorded");
        let expected: Vec<_> = layers
            .iter()
            .map(|layer| {
                let words =
                    [text(layer, "Id"), &layer["Size"].to_string(), text(layer, "CreatedBy"), text(layer, "Comment")];
                words.join(" ").replace('\t', " ")
            })
            .collect();
        let found = house.run(&["history", "--no-trunc", "--human=false", "--format", format, id]);
        told.compare(&format!("{id}\n{}", expected.join("\n")), &format!("{id}\n{}", found.ok()));
    }
}

fn every_container(told: &Told) {
    let house = told.house();
    let expected: Vec<_> = told
        .api("/containers/json?all=1&size=1")
        .iter()
        .filter(|container| !told.restarted(&house, text(container, "Id")))
        .map(|container| {
            let names: Vec<_> = container["Names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let names = names.iter().map(|name| name.trim_start_matches('/')).collect::<Vec<_>>().join(",");
            // Up or exited, with its code; not since when.
            let status = text(container, "Status").split(" ago").next().unwrap_or_default();
            let status = status.rsplit_once(')').map_or(status, |(code, _)| code);
            format!("{} {names} {} {status}", text(container, "Id"), text(container, "Image"))
        })
        .collect();
    let found = house.ok(&["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Status}}"]);
    let found: Vec<_> =
        found.lines().filter(|line| !told.restarted(&house, line.split(' ').next().unwrap_or_default())).collect();
    let found: Vec<_> = found.iter().map(|line| line.split_once(')').map_or(*line, |(code, _)| code)).collect();
    told.compare(&expected.join("\n"), &found.join("\n"));
}

fn every_diff(told: &Told) {
    let house = told.house();
    let (mut expected, mut found) = (String::new(), String::new());
    for (id, recorded) in told.each("container_diff_cli") {
        let said = house.run(&["diff", id]);
        // Go's maps give the siblings in any order.
        let out = lines_sorted(text(recorded, "out"));
        expected += &format!("{id}\n{out}\n{}exit {}\n", text(recorded, "err"), recorded["rc"]);
        found += &format!("{id}\n{}\n{}exit {}\n", lines_sorted(&said.out), said.sentences().join("\n"), said.code);
    }
    told.compare(&expected, &house.neutral(&found));
}

fn every_log(told: &Told) {
    let house = told.house();
    for (id, recorded) in told.each("container_logs") {
        let said = house.run(&["logs", id]);
        let expected = format!("{id}\n{}--\n{}exit {}\n", text(recorded, "out"), text(recorded, "err"), recorded["rc"]);
        told.compare(&expected, &house.neutral(&format!("{id}\n{}--\n{}exit {}\n", said.out, said.err, said.code)));
    }
}

fn every_container_inspected(told: &Told) {
    let house = told.house();
    for (id, recorded) in told.each("container_inspect") {
        if told.restarted(&house, id) {
            continue;
        }
        let mut expected = recorded["json"].clone();
        let found = house.run(&["inspect", id]);
        let mut found: Value = serde_json::from_str(&house.neutral(&found.out)).expect("inspect prints JSON");
        let mut found = found[0].take();
        // Sizes were asked for then. A dockerd that opens the tree gives its networks new ids, and minidock shows
        // what the record holds of them.
        let unlike = if house.is_ours() { 2 } else { 4 };
        for part in &["SizeRw", "SizeRootFs", "NetworkSettings", "ExecIDs"][..unlike] {
            expected.as_object_mut().expect("an object").remove(*part);
            found.as_object_mut().expect("an object").remove(*part);
        }
        told.compare(&pretty(&expected), &pretty(&found));
    }
}

fn every_image_inspected(told: &Told) {
    let house = told.house();
    for (id, recorded) in told.each("image_inspect") {
        let found = house.run(&["inspect", "--type", "image", id]);
        let found: Value = serde_json::from_str(&house.neutral(&found.out)).expect("inspect prints JSON");
        told.compare(&pretty(&recorded["json"]), &pretty(&found[0]));
    }
}

fn every_layer_saved(told: &Told) {
    let house = told.house();
    for (name, recorded) in told.each("save") {
        let path = house.room().join("saved.tar");
        let said = house.run(&["save", "-o", &path.display().to_string(), name]);
        let Some(expected) = recorded["images"].as_array() else {
            assert_ne!(said.code, 0, "{name}: {recorded}");
            continue;
        };
        said.ok();
        let saved = images::files(&path);
        let manifest: Value = serde_json::from_slice(&saved["manifest.json"]).expect("JSON");
        // From 25 on the archive is an OCI layout; the tags, the configuration and the layers are the same.
        let tags = |manifest: &Value| {
            sorted(&manifest.as_array().expect("a list").iter().map(|image| image["RepoTags"].clone()).collect())
        };
        assert_eq!(tags(&manifest), tags(&recorded["manifest.json"]), "{name}");
        let as_20_10 = text(&expected[0], "Config").ends_with(".json");
        if as_20_10 {
            told.compare(&pretty(&recorded["manifest.json"]), &pretty(&manifest));
        }
        for (image, expected) in manifest.as_array().expect("a list").iter().zip(expected) {
            assert_eq!(images::hex(&saved[text(image, "Config")]), text(expected, "config_sha256"), "{name}");
            let list = |of: &Value| of.as_array().into_iter().flatten().cloned().collect::<Vec<_>>();
            let digests: Vec<_> = list(&image["Layers"])
                .iter()
                .map(|layer| images::hex(&saved[layer.as_str().expect("a path")]))
                .collect();
            let expected: Vec<_> =
                list(&expected["layers"]).iter().map(|layer| text(layer, "sha256").to_owned()).collect();
            assert_eq!(digests, expected, "{name}");
        }
    }
}

macro_rules! trees {
    ($($module:ident $name:literal: $($check:ident)+;)+) => { $(mod $module {
        static TOLD: std::sync::OnceLock<super::Told> = std::sync::OnceLock::new();
        $(#[test]
        fn $check() {
            super::$check(super::Told::of($name, &TOLD));
        })+
    })+ };
}

trees! {
    v20_10_24_overlay2 "20.10.24-overlay2": every_image_with_its_tags_and_size every_history every_container every_diff
        every_log every_container_inspected every_image_inspected every_layer_saved;
    v20_10_24_vfs "20.10.24-vfs": every_image_with_its_tags_and_size every_history every_container every_diff
        every_log every_container_inspected every_image_inspected every_layer_saved;
    v28_5_2_overlay2 "28.5.2-overlay2": every_image_with_its_tags_and_size every_history every_container every_diff
        every_log every_layer_saved;
}
