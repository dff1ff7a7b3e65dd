//! `cp`: what goes where, and what is refused.

mod copies;

use std::fs;

use copies::{at, cp, host_files, made, running, streamed, upper};
use integration::{Driver, same_on, same_on_both};

#[test]
fn from_a_container_each_rule() {
    same_on_both(|house| {
        running(house, "web", &[]);
        let out = house.room().join("out");
        let sources = [
            "web:/data/kept",
            "web:/data/kept/",
            "web:data/kept",
            "web:/data",
            "web:/data/",
            "web:/data/.",
            "web:/data/dir",
            "web:/data/link",
            "web:/data/../data/./twin",
            "web:/bin/sh",
            "web:/no/such",
            "web:/data/kept/below",
            "web:",
            "ghost:/data",
        ];
        let mut said = Vec::new();
        for source in sources {
            for target in ["new", "new/", "dir", "dir/", "dir/.", "file", "file/", "no/such", "file/below"] {
                drop(fs::remove_dir_all(&out));
                fs::create_dir_all(out.join("dir")).expect("mkdir");
                house.write("out/file", b"there\n");
                let copied = cp(house, source, &format!("{}/{target}", at(&out)));
                // dockerd removes the file first, and then refuses the link in its place.
                let left = if copied.err.contains("invalid symlink") { String::new() } else { house.tree_at(&out) };
                said.push((copied, left));
            }
        }
        house.ok(&["rm", "-f", "web"]);
        said
    });
}

#[test]
fn to_a_container_each_rule() {
    same_on_both(|house| {
        made(house, "web", &[]);
        let host = host_files(house, "host");
        let mut said = Vec::new();
        for (number, source) in
            ["file", "file/", "dir", "dir/", "dir/.", "link", "to-dir", "to-dir/", "dangling", "no/such"]
                .iter()
                .enumerate()
        {
            let source = format!("{}/{source}", at(&host));
            for target in [
                format!("web:/new{number}"),
                format!("web:/new{number}-dir/"),
                "web:/data".to_owned(),
                "web:data/.".to_owned(),
                "web:/data/dir/".to_owned(),
                "web:/data/kept".to_owned(),
                "web:/data/link".to_owned(),
                "web:/no/such".to_owned(),
                "web:/data/kept/below".to_owned(),
                "web:".to_owned(),
                "ghost:/data".to_owned(),
            ] {
                said.push(cp(house, &source, &target));
            }
        }
        (said, upper(house, "web"))
    });
}

#[test]
fn archives_are_the_same_byte_for_byte() {
    for driver in [Driver::Overlay2, Driver::Vfs] {
        same_on(driver, |house| {
            made(house, "web", &[]);
            let paths = [
                "web:/data",
                "web:/data/",
                "web:/data/.",
                "web:/data/dir",
                "web:/data/kept",
                "web:/data/link",
                "web:/etc/passwd",
                "web:/bin",
                "web:/data/guests",
            ];
            let plain = paths.map(|path| streamed(house, &["cp", path, "-"])).to_vec();
            let followed = ["web:/data/link", "web:/data", "web:/bin/sh"];
            let followed = followed.map(|path| streamed(house, &["cp", "-L", path, "-"])).to_vec();
            (plain, followed, house.run(&["cp", "web:/no/such", "-"]), house.run(&["cp", "ghost:/", "-"]))
        });
    }
}

/// Owners: those of the host's files, and with `-a` the container's user, as the host knows it.
#[test]
fn whose_the_files_are() {
    same_on_both(|house| {
        let host = host_files(house, "host");
        made(house, "plain", &[]);
        made(house, "daemon", &["-u", "daemon"]);
        made(house, "guest", &["-u", "guest"]);
        made(house, "number", &["-u", "1"]);
        let dir = format!("{}/dir", at(&host));
        let names = ["plain", "daemon", "guest", "number"];
        let said = names.map(|name| {
            let said = (
                house.run(&["cp", "-a", &dir, &format!("{name}:/a")]),
                house.run(&["cp", &dir, &format!("{name}:/b")]),
            );
            (said, upper(house, name))
        });
        let out = house.room().join("out");
        fs::create_dir(&out).expect("mkdir");
        let back = house.run(&["cp", "-a", "daemon:/a", &at(&out)]);
        (said.to_vec(), back, house.tree_at(&out))
    });
}

#[test]
fn archives_from_stdin() {
    same_on_both(|house| {
        let host = host_files(house, "host");
        made(house, "web", &[]);
        let tar = |more: &[&str], name: &str| {
            let file = house.room().join(name);
            let done =
                std::process::Command::new("tar").args(["-C", &at(&host), "-cf", &at(&file)]).args(more).status();
            assert!(done.expect("tar runs").success());
            file
        };
        let plain = tar(&["dir", "file"], "plain.tar");
        let zipped = tar(&["-z", "dir"], "zipped.tar");
        let climbing = tar(&["-P", "--transform", "s,^file,../../climbed,", "file"], "climbing.tar");
        let linked = tar(&["--transform", "s,^dir/one,dir/sub/../../../out,RS", "-P", "file", "dir/one"], "odd.tar");
        let mut said = Vec::new();
        for file in [&plain, &zipped, &climbing, &linked] {
            for target in ["web:/", "web:/data/dir", "web:/data/link", "web:/new", "web:/data/kept", "ghost:/"] {
                said.push(house.run_from(&["cp", "-", target], file));
            }
        }
        for text in [&b""[..], b"no archive at all", &[b'x'; 1024], &[0; 1024]] {
            said.push(house.run_fed(&["cp", "-", "web:/data"], text));
        }
        // A file in the place of a directory, and the other way round.
        house.ok(&["cp", &at(&host.join("file")), "web:/other"]);
        said.push(house.run_from(&["cp", "-", "web:/other"], &plain));
        let swapped = tar(&["--transform", "s,^file,dir,", "file"], "swapped.tar");
        said.push(house.run_from(&["cp", "-", "web:/"], &swapped));
        (said, upper(house, "web"))
    });
}

#[test]
fn what_is_no_copy_at_all() {
    same_on_both(|house| {
        made(house, "web", &[]);
        let device = format!("{}/null", at(house.room()));
        let mknod = std::process::Command::new("mknod").args([&device, "c", "1", "3"]).status();
        assert!(mknod.expect("mknod runs").success());
        let file = at(&house.write("file", b"x"));
        house.ok(&["start", "web"]);
        house.ok(&["exec", "web", "mknod", "/device", "c", "1", "3"]);
        let said = vec![
            house.run(&["cp", "web:/a", "web:/b"]),
            house.run(&["cp", "/a", "/b"]),
            house.run(&["cp", "", "web:/b"]),
            house.run(&["cp", "web:/b", ""]),
            house.run(&["cp", "web:/data/kept", &device]),
            house.run(&["cp", &file, "web:/device"]),
            house.run(&["cp", &file, "web:/dev/null"]),
            house.run(&["container", "cp", &file, "web:/copied"]),
            house.run(&["exec", "web", "cat", "/copied"]),
            house.run(&["cp", "./no:colon", "web:/"]),
        ];
        house.ok(&["rm", "-f", "web"]);
        said
    });
}

/// What the words of a wrong line end with, and a place that is full.
#[test]
fn wrong_lines_and_full_places() {
    same_on_both(|house| {
        let full = house.room().join("full");
        fs::create_dir(&full).expect("mkdir");
        let mounted =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs", &at(&full)]).status();
        assert!(mounted.expect("mount runs").success());
        made(house, "web", &["-v", &format!("{}:/full", at(&full))]);
        let big = at(&house.write("big", &vec![7; 1 << 20]));
        let said = vec![cp(house, &big, "web:/full"), cp(house, "web:/bin/busybox", &format!("{}/out", at(&full)))];
        let codes = [
            &["cp"][..],
            &["cp", "x"],
            &["cp", "x", "y", "z"],
            &["cp", "--no-such", "x", "y"],
            &["cp", "-q", "x", "y"],
        ];
        let codes = codes.map(|args| house.run(args).code).to_vec();
        house.ok(&["rm", "web"]);
        let gone = std::process::Command::new("umount").arg(&full).status();
        assert!(gone.expect("umount runs").success());
        (said, codes)
    });
}
