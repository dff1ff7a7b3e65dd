//! `save`: byte for byte what was loaded, on every driver.

use integration::images::{self, golden, golden_layers, hex};
use integration::{Driver, same_on, same_on_both};

#[test]
fn the_same_archive() {
    same_on_both(|house| {
        house.run(&["tag", "busybox:golden", "other/name:2"]).ok();
        let id = house.ok(&["images", "-q", "busybox:golden"]);
        (house.saved(&["busybox:golden"]), house.saved(&["busybox:golden", "other/name:2"]), house.saved(&[&id]))
    });
}

#[test]
fn the_same_archive_on_vfs() {
    same_on(Driver::Vfs, |house| house.saved(&["busybox:golden"]));
}

/// Not the oracle judges here but the tar that was loaded: the layers come back to the byte.
#[test]
fn what_is_saved_is_what_was_loaded() {
    let expected: Vec<_> = golden_layers().iter().map(|layer| hex(layer)).collect();
    same_on_both(|house| {
        let path = house.room().join("saved.tar");
        house.run(&["save", "-o", &path.display().to_string(), "busybox:golden"]).ok();
        let files = images::files(&path);
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
        let layers = manifest[0]["Layers"].as_array().expect("a list");
        let found: Vec<_> = layers.iter().map(|layer| hex(&files[layer.as_str().expect("a path")])).collect();
        assert_eq!(found, expected);
        // And what is saved can be loaded.
        house.run(&["rmi", "busybox:golden"]).ok();
        house.run(&["load", "-i", &path.display().to_string()])
    });
}

#[test]
fn to_stdout_and_what_is_refused() {
    same_on_both(|house| {
        let out = house.run(&["save", "busybox:golden"]);
        assert!(out.out.len() > golden().len() / 2, "a tar on standard output");
        let said =
            [house.run(&["save", "-o", "/dev/null", "nosuch:1"]), house.run(&["save", "nosuch:1", "busybox:golden"])];
        (
            out.code,
            said.map(|said| (said.sentences(), said.code)).to_vec(),
            house.run(&["save", "-o", "/no/dir/x", "busybox:golden"]).code,
        )
    });
}
