//! `diff`: what a container changed, on every driver.

use integration::{Driver, House, Tell, same_on, same_on_both};

/// Siblings come in any order with dockerd.
fn changed(house: &House, script: &str) -> impl Tell + use<> {
    house.ok(&["run", "--network", "none", "--name", "one", "busybox:golden", "sh", "-c", script]);
    house.run(&["diff", "one"]).sorted()
}

const SCRIPT: &str = "echo x >> /data/kept; rm /data/changed; mkdir -p /new/deep; echo x > /new/deep/file; rm -r /data/dir; \
    mkdir /data/dir; echo again > /data/dir/again; mv /data/link /data/moved; chmod 700 /home; ln /data/guests /data/third; \
    mkfifo /tmp/pipe; mknod /dev-null c 1 3; touch -d '2001-01-01 00:00:00' /etc/passwd; rm -r /var; echo file > /var";

#[test]
fn every_kind_of_change() {
    same_on_both(|house| changed(house, SCRIPT));
}

#[test]
fn every_kind_of_change_on_vfs() {
    same_on(Driver::Vfs, |house| changed(house, SCRIPT));
}

/// A container that did nothing, one that was never started, one that is not there; what is mounted is no change.
#[test]
fn nothing_changed() {
    same_on_both(|house| {
        let nothing = changed(house, "cat /data/kept; touch /dev/shm/x");
        house.ok(&["create", "--network", "none", "--name", "never", "-w", "/made", "busybox:golden"]);
        house.ok(&[
            "run",
            "--network",
            "none",
            "--name",
            "volume",
            "-v",
            "/data",
            "busybox:golden",
            "touch",
            "/data/x",
        ]);
        (nothing, house.run(&["diff", "never"]), house.run(&["diff", "volume"]), house.run(&["diff", "nosuch"]))
    });
}

/// Of a running container, twice.
#[test]
fn while_it_runs() {
    same_on_both(|house| {
        house.ok(&["run", "-d", "--network", "none", "--name", "up", "busybox:golden", "sleep", "1000"]);
        house.ok(&["exec", "up", "touch", "/one"]);
        let first = house.run(&["diff", "up"]);
        house.ok(&["exec", "up", "sh", "-c", "rm /one; touch /two; rm /data/kept"]);
        let told = (first, house.run(&["diff", "up"]).sorted());
        house.ok(&["kill", "up"]);
        told
    });
}
