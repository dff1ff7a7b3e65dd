//! `create`: words and files.

use integration::images::{archive, golden_layers, small_layer};
use integration::{Driver, House, same_on, same_on_both};
use serde_json::json;

fn created(house: &House, args: &[&str]) -> (integration::Said, String) {
    let said = house.run(&[&["create", "--network", "none"], args].concat());
    (said, house.tree("containers"))
}

/// A container created and never started: same words, same files.
#[test]
fn create_leaves_the_same_files() {
    same_on_both(|house| {
        let shown = house.run(&["create", "--network", "none", "--name", "web", "busybox:golden", "httpd"]);
        let again = house.run(&["create", "--network", "none", "--name", "web", "busybox:golden"]);
        (shown, again, house.tree("image/DRIVER/layerdb/mounts"), house.tree("containers"), house.tree("DRIVER"))
    });
}

#[test]
fn create_leaves_the_same_files_on_vfs() {
    same_on(Driver::Vfs, |house| {
        let said = created(house, &["--name", "web", "busybox:golden"]);
        (said, house.tree("image/DRIVER/layerdb/mounts"), house.tree("DRIVER"))
    });
}

/// Every flag that a record keeps.
#[test]
fn flags_are_recorded_alike() {
    same_on_both(|house| {
        let dir = house.room().join("shared");
        std::fs::create_dir(&dir).expect("a fresh room");
        let bind = format!("{}:/shared", dir.display());
        let read_only = format!("{}:/seen:ro", dir.display());
        let flags = [
            &["--name", "env", "-e", "A=b", "-e", "EMPTY=", "-e", "GREETING=changed", "busybox:golden"][..],
            &["--name", "user", "-u", "guest", "-w", "/data/made/here", "busybox:golden", "pwd"],
            &["--name", "entry", "--entrypoint", "/bin/echo", "busybox:golden", "a", "b c"],
            &["--name", "no-entry", "--entrypoint", "", "busybox:golden", "true"],
            &["--name", "host", "--hostname", "box", "--label", "a=b", "--label", "bare", "busybox:golden"],
            &["--name", "fqdn", "--hostname", "box.example.org", "busybox:golden"],
            &["--name", "binds", "-v", &bind, "-v", &read_only, "busybox:golden"],
            &["--name", "ro", "--read-only", "busybox:golden"],
            &[
                "--name",
                "caps",
                "--cap-add",
                "NET_ADMIN",
                "--cap-add",
                "cap_sys_time",
                "--cap-drop",
                "ALL",
                "busybox:golden",
            ],
            &["--name", "limits", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "100", "busybox:golden"],
            &["--name", "open", "-i", "busybox:golden", "cat"],
        ];
        let said: Vec<_> =
            flags.iter().map(|flags| house.run(&[&["create", "--network", "none"], *flags].concat())).collect();
        let host = house.run(&["create", "--network", "host", "--name", "on-host", "busybox:golden"]);
        let inspected: Vec<_> = said.iter().map(|said| house.run(&["inspect", said.out.trim()]).json()).collect();
        (said, host, inspected, house.tree("containers"))
    });
}

/// What an image asks for, merged with what the user does.
#[test]
fn image_and_command_line_are_merged_alike() {
    same_on_both(|house| {
        let config = json!({
            "Env": ["PATH=/bin:/data", "A=image"], "Cmd": ["default", "arguments"], "Entrypoint": ["/bin/echo", "-n"],
            "WorkingDir": "/data/dir/", "User": "1000:50", "Labels": {"a": "image", "b": "image"}, "StopSignal": "SIGINT",
            "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "OnBuild": ["RUN x"], "Shell": ["/bin/sh"],
        });
        house.run_fed(&["load"], &archive(&golden_layers(), &config, &["rich:1"])).ok();
        let said = [
            created(house, &["--name", "plain", "rich:1"]).0,
            created(house, &["--name", "command", "rich:1", "other", "words"]).0,
            created(house, &["--name", "entry", "--entrypoint", "/bin/ls", "rich:1"]).0,
            created(house, &["--name", "env", "-e", "A=mine", "--label", "a=mine", "rich:1"]).0,
        ];
        (said.to_vec(), house.tree("containers"))
    });
}

/// The init layer and the container's layer, with a working directory made in it.
#[test]
fn the_layers_hold_the_same() {
    same_on_both(|house| {
        created(house, &["-w", "/data/dir/deep/er", "busybox:golden"]).0.ok();
        house.tree("DRIVER")
    });
}

/// Where the image has its own ideas of /etc and /dev.
#[test]
fn the_init_layer_on_odd_images() {
    use integration::images::{Layer, base_layer};
    same_on_both(|house| {
        let odd = Layer::new()
            .symlink("etc/mtab", "/nowhere")
            .file("etc/hosts", b"1.2.3.4 mine\n")
            .dir("dev", 0o700)
            .file("dev/console", b"a file\n")
            .symlink("etc/resolv.conf", "../run/resolv.conf")
            .file(".dockerenv", b"x");
        house.run_fed(&["load"], &archive(&[base_layer().to_vec(), odd.tar()], &json!({}), &["odd:1"])).ok();
        let linked = Layer::new().symlink("etc", "elsewhere").dir("elsewhere", 0o755);
        house.run_fed(&["load"], &archive(&[linked.tar()], &json!({"Cmd": ["x"]}), &["linked:1"])).ok();
        house.run_fed(&["load"], &archive(&[], &json!({"Cmd": ["x"]}), &["empty:1"])).ok();
        let said = ["odd:1", "linked:1", "empty:1"].map(|image| created(house, &[image]).0);
        (said.to_vec(), house.tree("DRIVER"), house.tree("image/DRIVER/layerdb/mounts"))
    });
}

/// On 121 layers the mount's options no longer fit a page.
#[test]
fn on_very_many_layers() {
    same_on_both(|house| {
        let layers: Vec<_> = (0..121).map(small_layer).collect();
        house.run_fed(&["load"], &archive(&layers, &json!({"Cmd": ["x"]}), &["deep:121"])).ok();
        let said = created(house, &["--name", "deep", "deep:121"]).0;
        (said, house.run(&["diff", "deep"]), house.run(&["rm", "deep"]))
    });
}

#[test]
fn what_is_refused_leaves_nothing() {
    same_on_both(|house| {
        house.run(&["create", "--network", "none", "--name", "taken", "busybox:golden"]).ok();
        let id = house.ok(&["ps", "-aq", "--no-trunc"]);
        let refused: [&[&str]; 12] = [
            &["--name", "taken", "busybox:golden"],
            &["--name", "/taken", "busybox:golden"],
            &["--name", "x", "busybox:golden"],
            &["--name", "with space", "busybox:golden"],
            &["--name", "-dash", "busybox:golden"],
            &["-v", "relative/../path:/x", "busybox:golden"],
            &["-v", "/tmp:relative", "busybox:golden"],
            &["-v", "/tmp:/", "busybox:golden"],
            &["-w", "relative", "busybox:golden"],
            &["--memory", "1k", "busybox:golden"],
            &["--cap-add", "NO_SUCH", "busybox:golden"],
            &["-w", "/data/kept", "busybox:golden"],
        ];
        let said: Vec<_> =
            refused.iter().map(|flags| house.run(&[&["create", "--network", "none"], *flags].concat())).collect();
        let left = house.ok(&["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]);
        assert_eq!(left, format!("{id} taken"));
        (said, house.tree("containers"), house.tree("image/DRIVER/layerdb/mounts"))
    });
}

/// dockerd would ask a registry; either way it fails with the image's name and makes nothing.
#[test]
fn an_image_that_is_not_there() {
    same_on_both(|house| {
        let said = house.run(&["create", "--network", "none", "no/such-image:1"]);
        assert!(said.err.contains("no/such-image:1"), "{}", said.err);
        let bad = house.run(&["create", "--network", "none", "Bad Name"]);
        (said.code, bad.code, house.tree("containers"))
    });
}

/// One that nobody named gets an adjective and a surname.
#[test]
fn a_name_for_the_nameless() {
    same_on_both(|house| {
        created(house, &["busybox:golden"]).0.ok();
        let name = house.ok(&["ps", "-a", "--format", "{{.Names}}"]);
        let (adjective, surname) = name.split_once('_').expect("two words");
        [adjective, surname].map(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())).to_vec()
    });
}
