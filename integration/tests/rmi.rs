//! `rmi`: untags first, deletes what nobody needs, leaves what somebody does.

use integration::images::{archive, golden_layers, small_layer};
use integration::same_on_both;
use serde_json::json;

#[test]
fn the_last_tag_takes_the_image_and_its_layers() {
    same_on_both(|house| {
        house.run(&["tag", "busybox:golden", "second:1"]).ok();
        let first = house.run(&["rmi", "busybox:golden"]);
        let second = house.run(&["rmi", "second:1"]);
        let gone = house.run(&["rmi", "second:1"]);
        (first, second, gone, house.tree("image"), house.tree("DRIVER"))
    });
}

/// Layers shared with another image stay.
#[test]
fn shared_layers_stay() {
    same_on_both(|house| {
        let mut layers = golden_layers();
        layers.push(small_layer(1));
        house.run_fed(&["load"], &archive(&layers, &json!({}), &["more:1"])).ok();
        (
            house.run(&["rmi", "busybox:golden"]),
            house.tree("image"),
            house.run(&["rmi", "more:1"]),
            house.tree("DRIVER"),
        )
    });
}

#[test]
fn an_image_in_use() {
    same_on_both(|house| {
        house.run(&["create", "--network", "none", "--name", "user", "busybox:golden"]).ok();
        let id = house.ok(&["images", "-q", "--no-trunc"]);
        let short = &id["sha256:".len()..][..12];
        let said = [
            house.run(&["rmi", "busybox:golden"]),
            house.run(&["rmi", short]),
            house.run(&["rmi", "-f", "busybox:golden"]),
            house.run(&["rmi", "-f", short]),
            house.run(&["images", "-a"]),
            house.run(&["rm", "user"]),
            house.run(&["rmi", "-f", short]),
        ];
        (said.to_vec(), house.tree("image"))
    });
}

#[test]
fn by_id_with_several_tags_and_several_arguments() {
    same_on_both(|house| {
        house.run(&["tag", "busybox:golden", "second:1"]).ok();
        let id = house.ok(&["images", "-q", "--no-trunc", "second:1"]);
        let refused = house.run(&["rmi", &id]);
        let several = house.run(&["rmi", "nosuch:1", "busybox:golden", "also/missing"]);
        let forced = house.run(&["rmi", "-f", "nosuch:1"]);
        let rest = house.run(&["image", "rm", "-f", &id]);
        (refused, several, forced, rest, house.run(&["images", "-a"]))
    });
}
