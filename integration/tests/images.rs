//! `images`: the table, its filters and formats.
//!
//! The tags of one image come in any order with dockerd, so lines are sorted where an image has several.

use integration::images::{archive, golden_layers, small_layer};
use integration::{House, same_on_both};
use serde_json::json;

/// Several tags, two repositories, an image that lost its tag.
fn furnish(house: &House) {
    house.run(&["tag", "busybox:golden", "localhost:5000/team/app:v1"]).ok();
    house.run(&["tag", "busybox:golden", "app"]).ok();
    let mut layers = golden_layers();
    layers.push(small_layer(1));
    house.run_fed(&["load"], &archive(&layers, &json!({"Labels": {"kind": "second"}}), &["app:second"])).ok();
    layers.push(small_layer(2));
    house.run_fed(&["load"], &archive(&layers, &json!({}), &["app:lost"])).ok();
    layers.push(small_layer(3));
    house.run_fed(&["load"], &archive(&layers, &json!({}), &["app:lost"])).ok();
}

#[test]
fn the_table_in_all_its_widths() {
    same_on_both(|house| {
        let empty = house.run(&["images", "nosuch"]);
        furnish(house);
        let said = [
            &["images"][..],
            &["images", "-a"],
            &["images", "--no-trunc"],
            &["images", "-q"],
            &["images", "--digests"],
            &["images", "-q", "--no-trunc"],
            &["images", "app"],
            &["images", "app:second"],
            &["image", "ls"],
            &["images", "localhost:5000/team/app"],
            &["images", "a*"],
        ];
        (empty, said.map(|args| house.run(args).sorted()).to_vec())
    });
}

#[test]
fn filters() {
    same_on_both(|house| {
        furnish(house);
        let filters = [
            "dangling=true",
            "dangling=false",
            "label=kind",
            "label=kind=second",
            "label=kind=first",
            "reference=app:*",
            "before=app:second",
            "since=busybox:golden",
        ];
        let mut said: Vec<_> =
            filters.iter().map(|filter| house.run(&["images", "--filter", filter]).sorted()).collect();
        said.push(house.run(&["images", "--filter", "nosuch=1"]));
        said.push(house.run(&["images", "-f", "label=kind", "-f", "dangling=true"]));
        said
    });
}

#[test]
fn formats() {
    same_on_both(|house| {
        furnish(house);
        let formats = [
            "{{.ID}} {{.Repository}} {{.Tag}} {{.Size}}",
            "table {{.Repository}}\t{{.Tag}}",
            "{{json .Repository}}",
            "{{.CreatedAt}}",
            "{{lower .Tag}} {{upper .Repository}}",
        ];
        formats.map(|format| house.run(&["images", "--format", format]).sorted()).to_vec()
    });
}

/// The newest first.
#[test]
fn in_order_of_their_making() {
    same_on_both(|house| {
        for number in [6, 4, 5] {
            let layers: Vec<_> = (0..number).map(small_layer).collect();
            house.run_fed(&["load"], &archive(&layers, &json!({}), &[&format!("made:{number}")])).ok();
        }
        house.run(&["images"])
    });
}
