//! `history` and `image inspect`.

use integration::images::{archive, golden_layers};
use integration::same_on_both;
use serde_json::json;

#[test]
fn history_in_all_its_widths() {
    same_on_both(|house| {
        let said = [
            &["history", "busybox:golden"][..],
            &["history", "--no-trunc", "busybox:golden"],
            &["history", "-q", "busybox:golden"],
            &["history", "-H=false", "busybox:golden"],
            &["history", "--format", "{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}", "busybox:golden"],
            &["history", "nosuch"],
            &["image", "history", "-q", "--no-trunc", "busybox:golden"],
        ];
        said.map(|args| house.run(args)).to_vec()
    });
}

/// The same JSON, field by field.
#[test]
fn an_image_inspected() {
    same_on_both(|house| {
        let config = json!({
            "Env": ["A=b"], "Cmd": ["sh", "-c", "echo \"<&>\""], "Entrypoint": ["/bin/sh"], "WorkingDir": "/data",
            "User": "guest", "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/vol": {}},
            "StopSignal": "SIGINT", "Healthcheck": {"Test": ["NONE"]},
        });
        house.run_fed(&["load"], &archive(&golden_layers(), &config, &["rich:1"])).ok();
        let one = house.run(&["image", "inspect", "rich:1", "busybox:golden"]);
        let plain = house.run(&["inspect", "busybox:golden"]);
        let some = house.run(&["image", "inspect", "nosuch", "rich:1"]);
        let format = house.run(&["image", "inspect", "-f", "{{.Id}} {{.Config.Cmd}} {{json .Config.Env}}", "rich:1"]);
        (one, plain, some, format)
    });
}
