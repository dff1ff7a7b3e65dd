//! What a command has acknowledged survives a power cut right behind it, and dockerd opens the tree.
//!
//! Of minidock only: dockerd 20.10 does not sync a layer's files or its directories, and loses some of these.

use integration::images::golden;
use integration::power::{Disk, FILE_SYSTEMS};
use integration::{Driver, House, Room, Side};

/// Furnishes a house on a fresh disk and makes that durable, does the last thing, cuts the power at once, and looks.
fn survives(before: impl Fn(&House), last: impl Fn(&House), holds: impl Fn(&House)) {
    if !matches!(Side::under_test(), Side::Ours) {
        return;
    }
    for kind in FILE_SYSTEMS {
        let room = Room::new();
        let disk = Disk::new(&room, kind, 512);
        let root = disk.path().join("root");
        let mut house = House::on(&Side::Ours, Driver::Overlay2, room, root);
        before(&house);
        let synced = std::process::Command::new("sync").arg("-f").arg(disk.path()).status();
        assert!(synced.expect("sync runs").success());
        last(&house);
        disk.cut();
        disk.power_up();
        holds(&house);
        house.hand_to(&Side::first());
        holds(&house);
        house.stop_engine();
    }
}

#[test]
fn a_created_container() {
    survives(
        |house| house.load_golden(),
        |house| {
            house.ok(&[
                "create",
                "--network",
                "none",
                "--name",
                "one",
                "-w",
                "/made",
                "busybox:golden",
                "cat",
                "/data/changed",
            ]);
        },
        |house| {
            assert_eq!(house.ok(&["ps", "-a", "--format", "{{.Names}}"]), "one");
            assert_eq!(house.ok(&["start", "-a", "one"]), "after");
        },
    );
}

#[test]
fn a_removed_container() {
    survives(
        |house| {
            house.load_golden();
            house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
        },
        |house| {
            house.ok(&["rm", "one"]);
        },
        |house| {
            assert_eq!(house.ok(&["ps", "-aq"]), "");
            house.ok(&["create", "--network", "none", "--name", "one", "busybox:golden"]);
            house.ok(&["rm", "one"]);
        },
    );
}

#[test]
fn a_loaded_image() {
    survives(
        |house| {
            house.run(&["images"]).ok();
        },
        |house| house.load_golden(),
        |house| {
            assert_eq!(house.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]), "busybox:golden");
            // Every byte is there: save checks each against its digest.
            assert!(house.saved(&["busybox:golden"]).contains("layer.tar"));
            assert_eq!(
                house.ok(&["run", "--rm", "--network", "none", "busybox:golden", "cat", "/data/changed"]),
                "after"
            );
        },
    );
}

/// Shared layers, and no more than the last image is new.
#[test]
fn a_tag() {
    survives(
        |house| house.load_golden(),
        |house| {
            house.ok(&["tag", "busybox:golden", "second:1"]);
        },
        |house| {
            assert!(house.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]).contains("second:1"));
            assert_eq!(house.run_fed(&["load"], golden()).code, 0);
        },
    );
}

/// Into a container's layer and into a volume.
#[test]
fn copied_files() {
    survives(
        |house| {
            house.load_golden();
            house.ok(&["create", "--network", "none", "--name", "one", "-v", "vol:/vol", "busybox:golden", "true"]);
        },
        |house| {
            let file = house.write("copied", b"copied").display().to_string();
            for to in ["one:/data/new", "one:/vol"] {
                house.ok(&["cp", &file, to]);
            }
        },
        |house| {
            for from in ["one:/data/new", "one:/vol/copied"] {
                let back = house.room().join("back");
                house.ok(&["cp", from, &back.display().to_string()]);
                assert_eq!(std::fs::read(&back).expect("read"), b"copied", "{from}");
                std::fs::remove_file(&back).expect("remove");
            }
        },
    );
}
