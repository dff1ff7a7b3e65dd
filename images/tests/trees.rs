//! Images of data roots that real dockerds wrote: what we say of them is what they said.
//!
//! Known differences from 28.5.2, whose API is a younger one: it leaves `Container`,
//! `ContainerConfig` and `VirtualSize` out, and of `Config` all that does not belong to an image
//! (an empty `Labels` is null); it counts containers in its list; it saves an OCI layout.

mod support;

use std::{collections::BTreeMap, io::Read};

use base::{Digest, ImageId};
use layerstore::Access;
use serde_json::{Value, json};
use support::{Root, said};

const TREES: [(&str, &str); 3] = [("20.10.24", "overlay2"), ("20.10.24", "vfs"), ("28.5.2", "overlay2")];

/// Runs one check on every tree.
fn on_every_tree(check: impl Fn(&Root, &Value)) {
    for (version, driver) in TREES {
        let root = Root::recorded(version, driver);
        check(&root, &said(version, driver));
    }
}

fn id(text: &str) -> ImageId {
    text.parse().expect("an id")
}

/// Keeps of ours what theirs has: a younger dockerd says less.
fn as_far_as(ours: &Value, theirs: &Value) -> Value {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let shared = ours.iter().filter_map(|(key, value)| Some((key.clone(), as_far_as(value, theirs.get(key)?))));
            Value::Object(shared.collect())
        }
        // it reads configs as OCI says, and loses the difference between no labels and none said
        (Value::Object(ours), Value::Null) if ours.is_empty() => Value::Null,
        _ => ours.clone(),
    }
}

#[test]
fn every_image_is_inspected_as_dockerd_did() {
    on_every_tree(|root, said| {
        let (images, layers) = (root.images(), root.layers_with(Access::ReadOnly));
        let recorded = said["image_inspect"].as_object().expect("a map");
        for (name, answer) in recorded {
            let image = images.get(&id(name)).expect("whole").expect("there");
            let ours = serde_json::to_string(&images.inspect(&layers, &image).expect("inspect")).expect("JSON");
            let home = root.path().display().to_string();
            let ours: Value = serde_json::from_str(&ours.replace(&home, "/var/lib/docker")).expect("JSON");
            let theirs = &answer["json"];
            let young = said["version"].as_str().is_some_and(|version| version.starts_with("28"));
            let ours = if young { as_far_as(&ours, theirs) } else { ours };
            assert_eq!(&ours, theirs, "{name}");
        }
        assert!(recorded.len() > 150);
    });
}

#[test]
fn every_history_is_dockerds() {
    on_every_tree(|root, said| {
        let (images, layers) = (root.images(), root.layers_with(Access::ReadOnly));
        for (name, answer) in said["image_history"].as_object().expect("a map") {
            let image = images.resolve(name).expect("there");
            let rows = images.history(&layers, &image).expect("history");
            assert_eq!(serde_json::to_value(rows).expect("JSON"), answer["json"], "{name}");
        }
    });
}

/// One row of `GET /images/json`, as far as all versions say the same.
fn row(of: &Value) -> Value {
    let names = |key: &str| {
        let listed =
            of[key].as_array().into_iter().flatten().filter(|name| !name.as_str().unwrap_or("").contains("<none>"));
        Value::Array(listed.cloned().collect())
    };
    json!({ "Id": of["Id"], "ParentId": of["ParentId"], "Created": of["Created"], "Size": of["Size"],
        "Labels": of["Labels"], "RepoTags": names("RepoTags"), "RepoDigests": names("RepoDigests") })
}

#[test]
fn the_list_is_dockerds_with_and_without_intermediate_images() {
    on_every_tree(|root, said| {
        let listing = root.images().list(&root.layers_with(Access::ReadOnly)).expect("list");
        assert!(listing.findings.is_empty(), "{:?}", listing.findings);
        for (all, path) in [(false, "/images/json"), (true, "/images/json?all=1")] {
            let shown = listing.images.iter().filter(|listed| all || !listed.is_intermediate());
            let texts = |names: &[images::Reference]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            let mut ours: Vec<Value> = shown
                .map(|listed| {
                    json!({
                        "Id": listed.image.id.to_string(),
                        "ParentId": listed.image.parent.map(|parent| parent.to_string()).unwrap_or_default(),
                        "Created": listed.image.config.created.time().unix_seconds(),
                        "Size": listed.size,
                        "Labels": listed.image.config.config.as_ref().and_then(|config| config.labels.clone()),
                        "RepoTags": texts(&listed.tags),
                        "RepoDigests": texts(&listed.digests),
                    })
                })
                .collect();
            let mut theirs: Vec<Value> =
                said["api"][path]["json"].as_array().expect("a list").iter().map(row).collect();
            let order = |rows: &[Value]| rows.iter().map(|row| row["Created"].clone()).collect::<Vec<_>>();
            assert_eq!(order(&ours), order(&theirs), "the youngest first");
            // dockerd leaves the order within a second to chance
            let by_id = |row: &Value| row["Id"].as_str().unwrap_or_default().to_owned();
            ours.sort_by_key(by_id);
            theirs.sort_by_key(by_id);
            assert_eq!(ours, theirs, "{path}");
        }
    });
}

/// What an archive holds: its entries by name, with the digest and a copy of what is small.
fn unpack(archive: &[u8]) -> BTreeMap<String, (Digest, Vec<u8>)> {
    let mut reader = archive::Reader::new(archive);
    let mut found = BTreeMap::new();
    let mut links = Vec::new();
    while let Some(mut entry) = reader.next_entry().expect("a whole archive") {
        let name = String::from_utf8(entry.header.name.clone()).expect("plain names");
        if entry.header.typeflag == archive::header::SYMLINK {
            // a layer that another one is too; its name comes earlier or later
            links.push((name, String::from_utf8(entry.header.linkname.clone()).expect("plain names")));
            continue;
        }
        let mut bytes = Vec::new();
        entry.payload.read_to_end(&mut bytes).expect("a whole archive");
        found.insert(name.trim_end_matches('/').to_owned(), (Digest::of(&bytes), bytes));
    }
    for (name, target) in links {
        let linked = found[target.trim_start_matches("../")].clone();
        found.insert(name, linked);
    }
    found
}

#[test]
fn every_layer_is_saved_as_it_came() {
    on_every_tree(|root, said| {
        let (images, layers) = (root.images(), root.layers());
        for (name, theirs) in said["save"].as_object().expect("a map") {
            let mut saved = Vec::new();
            let outcome = images.save(&layers, std::slice::from_ref(name), &mut saved);
            if let Some(sentence) = theirs["err"].as_str() {
                let ours = outcome.expect_err("dockerd refuses it").to_string();
                assert_eq!(format!("Error response from daemon: {ours}\n"), sentence, "{name}");
                continue;
            }
            outcome.unwrap_or_else(|error| panic!("{name}: {error}: {:?}", std::error::Error::source(&error)));
            let ours = unpack(&saved);
            let items: Value = serde_json::from_slice(&ours["manifest.json"].1).expect("JSON");
            for (item, image) in
                items.as_array().expect("a list").iter().zip(theirs["images"].as_array().expect("a list"))
            {
                let digest = |path: &Value| ours[path.as_str().expect("a path")].0.hex();
                let digests = |of: &Value| of.as_array().expect("a list").iter().map(digest).collect::<Vec<_>>();
                let recorded: Vec<_> =
                    image["layers"].as_array().expect("a list").iter().map(|layer| &layer["sha256"]).collect();
                assert_eq!(json!(digests(&item["Layers"])), json!(recorded), "{name}");
                assert_eq!(json!(digest(&item["Config"])), image["config_sha256"], "{name}");
            }
            if theirs.get("index.json").is_none() {
                assert_eq!(json!(ours.keys().collect::<Vec<_>>()), theirs["entries"], "{name}");
                assert_eq!(items, theirs["manifest.json"], "{name}");
                let repositories =
                    ours.get("repositories").map(|(_, bytes)| serde_json::from_slice(bytes).expect("JSON"));
                assert_eq!(
                    repositories.as_ref(),
                    theirs.get("repositories").filter(|value| !value.is_null()),
                    "{name}"
                );
            }
        }
    });
}

#[test]
fn reading_writes_nothing() {
    let root = Root::recorded("20.10.24", "overlay2");
    let before = support::below(&root.path());
    let (images, layers) = (root.images(), root.layers_with(Access::ReadOnly));
    let listing = images.list(&layers).expect("list");
    for listed in &listing.images {
        images.inspect(&layers, &listed.image).expect("inspect");
        images.history(&layers, &listed.image).expect("history");
    }
    assert_eq!(support::below(&root.path()), before);
}
