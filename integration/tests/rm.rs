//! `rm`: nothing is left, and what must not go does not.

use integration::{Driver, House, same_on, same_on_both};

fn story(house: &mut House) -> impl integration::Tell + use<> {
    house.ok(&[
        "run",
        "--network",
        "none",
        "--name",
        "used",
        "busybox:golden",
        "sh",
        "-c",
        "echo x > /data/new; rm -r /data/dir",
    ]);
    house.ok(&["create", "--network", "none", "--name", "fresh", "busybox:golden"]);
    let said = house.run(&["rm", "used", "fresh"]);
    (
        said,
        house.run(&["ps", "-a"]),
        house.tree("containers"),
        house.tree("DRIVER"),
        house.tree("image/DRIVER/layerdb/mounts"),
    )
}

#[test]
fn nothing_is_left() {
    same_on_both(story);
}

#[test]
fn nothing_is_left_on_vfs() {
    same_on(Driver::Vfs, story);
}

#[test]
fn a_running_one_needs_force() {
    same_on_both(|house| {
        let id = house.ok(&["run", "-d", "--network", "none", "--name", "up", "busybox:golden", "sleep", "1000"]);
        let said = [
            house.run(&["rm", "up"]),
            house.run(&["rm", &id[..12]]),
            house.run(&["rm", "-f", "up"]),
            house.run(&["rm", "-f", "up"]),
            house.run(&["rm", "up"]),
        ];
        (said.to_vec(), house.run(&["ps", "-a"]), house.tree("containers"))
    });
}

#[test]
fn several_missing_and_ambiguous() {
    same_on_both(|house| {
        for name in ["one", "two", "three"] {
            house.ok(&["create", "--network", "none", "--name", name, "busybox:golden"]);
        }
        let said = [
            house.run(&["rm", "one", "nosuch", "/two"]),
            house.run(&["rm", ""]),
            house.run(&["container", "rm", "three"]),
        ];
        (said.map(|said| (said.out.clone(), said.sentences(), said.code)).to_vec(), house.run(&["ps", "-aq"]))
    });
}

/// `-v` takes the volumes nobody named.
#[test]
fn volumes() {
    same_on_both(|house| {
        house.ok(&[
            "create",
            "--network",
            "none",
            "--name",
            "one",
            "-v",
            "/anon",
            "-v",
            "named:/named",
            "busybox:golden",
        ]);
        house.ok(&["create", "--network", "none", "--name", "two", "-v", "/anon", "busybox:golden"]);
        let said = [house.run(&["rm", "-v", "one"]), house.run(&["rm", "two"])];
        let mut left: Vec<_> = std::fs::read_dir(house.path("volumes"))
            .expect("volumes")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        left.retain(|name| entry_is_volume(house, name));
        (said.to_vec(), left.len(), house.tree("volumes/named"))
    });
}

fn entry_is_volume(house: &House, name: &std::ffi::OsStr) -> bool {
    house.path("volumes").join(name).join("_data").is_dir()
}
