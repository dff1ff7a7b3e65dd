//! Networks: those of other containers.

use integration::{House, Said, same_on_both};

const IMAGE: &str = "busybox:golden";

/// A container without network that stays.
fn owner(house: &House) {
    house.ok(&["run", "-d", "--network", "none", "--name", "web", IMAGE, "sleep", "1000"]);
}

fn beside(house: &House, args: &[&str], script: &str) -> Said {
    house.run(&[&["run", "--rm", "--network", "container:web"], args, &[IMAGE, "sh", "-c", script]].concat())
}

#[test]
fn a_container_lives_in_another_ones_network() {
    same_on_both(|house| {
        owner(house);
        let namespace = "readlink /proc/self/ns/net";
        let same = house.ok(&["exec", "web", "sh", "-c", namespace]) == beside(house, &[], namespace).ok();
        let files =
            beside(house, &[], "cat /etc/hosts /etc/resolv.conf; cat /etc/hostname | wc -c; echo me >> /etc/hosts");
        let name = house.ok(&["exec", "web", "hostname"]) == beside(house, &[], "hostname").ok();
        let seen = house.ok(&["exec", "web", "tail", "-n", "1", "/etc/hosts"]);
        house.ok(&["run", "--name", "beside", "--network", "container:web", IMAGE, "true"]);
        let settings = house.inspect("beside")["NetworkSettings"].clone();
        let mode = house.inspect("beside")["HostConfig"]["NetworkMode"].clone();
        let id = house.inspect("web")["Id"].as_str().expect("an id").to_owned();
        assert_eq!(mode, format!("container:{id}"), "kept by id");
        let shared = house.inspect("beside")["HostsPath"] == house.inspect("web")["HostsPath"];
        (same, files, name, seen, settings.to_string(), shared)
    });
}

#[test]
fn what_cannot_be_wished_for_beside_it() {
    same_on_both(|house| {
        owner(house);
        house.ok(&["create", "--network", "none", "--name", "idle", IMAGE, "true"]);
        let refused = |args: &[&str]| house.run(&[&["create", "--network"], args, &[IMAGE, "true"]].concat());
        let told = [
            refused(&["container:web", "-h", "x"]),
            refused(&["container:web", "--dns", "1.1.1.1"]),
            refused(&["container:web", "--add-host", "a:1.1.1.1"]),
            refused(&["container:web", "--expose", "80"]),
            house.run(&["run", "--network", "container:nobody", IMAGE, "true"]),
            house.run(&["run", "--name", "late", "--network", "container:idle", IMAGE, "true"]),
        ];
        house.ok(&["start", "idle"]);
        (told.to_vec(), house.inspect("late")["State"]["ExitCode"].to_string())
    });
}
