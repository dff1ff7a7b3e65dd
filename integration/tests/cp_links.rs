//! `cp` and links: followed or not, and never out of a container's files.

mod copies;

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use copies::{IMAGE, at, cp, host_files, made, upper};
use integration::{Driver, House, Said, Side, same_on_both};

/// Links in a container that are there already: they lead to its own files.
#[test]
fn a_link_leads_to_the_containers_own_files() {
    same_on_both(|house| {
        let outside = host_files(house, "outside");
        let link = format!("mkdir -p /in/sub; ln -s {} /evil; ln -s ../../../.. /up; ln -s /in /fine", at(&outside));
        house.ok(&["run", "--network", "none", "--name", "web", IMAGE, "sh", "-c", &link]);
        let file = at(&house.write("marked", b"marked"));
        let out = house.room().join("got");
        fs::create_dir(&out).expect("mkdir");
        let mut said = Vec::new();
        for path in ["/evil", "/evil/new", "/evil/.", "/up/etc", "/up/new", "/fine", "/fine/sub/new"] {
            said.push(cp(house, &file, &format!("web:{path}")));
            said.push(house.run_from(&["cp", "-", &format!("web:{path}")], &house.write("empty.tar", &[0; 1024])));
            said.push(cp(house, &format!("web:{path}"), &at(&out)));
            said.push(house.run(&["cp", "-L", &format!("web:{path}"), &at(&out)]));
        }
        said.push(cp(house, "web:/evil/file", &at(&out)));
        (said, upper(house, "web"), house.tree_at(&outside), house.tree_at(&out))
    });
}

/// A container that makes a directory a link to the host's files and a directory again, as fast as
/// it can, while something is copied from it and to it. Until each has been met, nothing was shown.
#[test]
fn a_container_that_swaps_links_leads_nobody_out() {
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    let [outside, source, out] = ["outside", "source", "out"].map(|name| house.room().join(name));
    for dir in [&outside, &source] {
        fs::create_dir(dir).expect("mkdir");
    }
    house.write("outside/file", b"of the host");
    house.write("source/marked", b"marked");
    let before = house.tree_at(&outside);
    let script = format!(
        "while true; do rm -rf /swap; mkdir -p /swap/sub; echo inside > /swap/file; echo inside > /swap/sub/file; \
         rm -rf /swap; ln -s {} /swap; done",
        at(&outside)
    );
    house.ok(&["run", "-d", "--network", "none", "--name", "web", IMAGE, "sh", "-c", &script]);
    let (mut met_directory, mut met_other, mut rounds) = (false, false, 0);
    let deadline = Instant::now() + Duration::from_secs(120);
    while rounds < 40 || !(met_directory && met_other) {
        assert!(Instant::now() < deadline, "directory met: {met_directory}, link met: {met_other}");
        rounds += 1;
        drop(fs::remove_dir_all(&out));
        fs::create_dir(&out).expect("mkdir");
        for (number, path) in ["/swap/file", "/swap", "/swap/."].iter().enumerate() {
            for flags in [&["cp"][..], &["cp", "-L"]] {
                // Each to a name of its own: a link that was copied is the host's to follow.
                let to = format!("{}/{number}{}", at(&out), flags.len());
                let said = house.run(&[flags, &[&format!("web:{path}"), &to]].concat());
                met_directory |= said.code == 0 && out.join("01").is_file();
                met_other |= said.code != 0;
            }
        }
        for path in ["/swap", "/swap/", "/swap/new", "/swap/sub"] {
            house.run(&["cp", &at(&source.join("marked")), &format!("web:{path}")]);
            house.run(&["cp", &format!("{}/.", at(&source)), &format!("web:{path}")]);
        }
        assert!(!house.tree_at(&out).contains("of the host"), "a file of the host was read:\n{}", house.tree_at(&out));
        assert_eq!(house.tree_at(&outside), before, "files of the host were changed");
    }
    house.ok(&["rm", "-f", "web"]);
    assert_eq!(house.mounts(), Vec::<String>::new());
}

/// Links, followed and not, on both ends; as often as it takes.
#[test]
fn links_followed_or_not() {
    same_on_both(|house| {
        let host = host_files(house, "host");
        for (name, target) in [("l1", "to-dir"), ("l2", "l1"), ("round", "round"), ("abs", "/etc/hostname")] {
            symlink(target, host.join(name)).expect("symlink");
        }
        let script = "cd /data; ln -s dir l1; ln -s l1 l2; ln -s round round; ln -s nowhere dangling; ln -s /data/kept abs; \
                      ln -s ../data/dir up; mkdir into; ln -s into to-into; ln -s ../../../../data/new far";
        house.ok(&["run", "--network", "none", "--name", "web", IMAGE, "sh", "-c", script]);
        let mut said = Vec::new();
        for flags in [&["cp"][..], &["cp", "-L"], &["cp", "-aL"]] {
            for (number, link) in
                ["l1", "l2", "l2/", "l2/.", "round", "dangling", "abs", "up", "up/new", "link"].iter().enumerate()
            {
                let out = house.room().join(format!("{}-{number}", flags.concat()));
                fs::create_dir(&out).expect("mkdir");
                for to in ["", "/new", "/new/"] {
                    said.push(
                        house.run(&[flags, &[&format!("web:/data/{link}"), &format!("{}{to}", at(&out))]].concat()),
                    );
                    said.push(Said { out: house.tree_at(&out), ..said[0].clone() });
                }
            }
            for link in ["l1", "l2", "l2/", "l2/.", "round", "dangling", "link", "to-dir", "file"] {
                for to in [
                    "/data/to-into",
                    "/data/to-into/",
                    "/data/new-name",
                    "/data/dangling",
                    "/data/far",
                    "/data/abs",
                    "/data/round",
                ] {
                    said.push(house.run(&[flags, &[&format!("{}/{link}", at(&host)), &format!("web:{to}")]].concat()));
                }
            }
        }
        let kept = said.len();
        (said, kept, upper(house, "web"))
    });
}

/// Links of the host's on the way to where something goes.
#[test]
fn links_of_the_hosts_where_it_goes() {
    same_on_both(|house| {
        made(house, "web", &[]);
        let out = house.room().join("out");
        let mut said = Vec::new();
        for from in ["/data/kept", "/data/dir", "/data/dir/."] {
            for to in [
                "to-dir",
                "to-dir/",
                "to-file",
                "to-new",
                "to-new/",
                "to-far",
                "round",
                "to-null",
                "pipe",
                "deep/to-up",
            ] {
                drop(fs::remove_dir_all(&out));
                fs::create_dir_all(out.join("deep/dir")).expect("mkdir");
                house.write("out/file", b"there\n");
                for (name, target) in [
                    ("to-dir", "deep/dir"),
                    ("to-file", "file"),
                    ("to-new", "deep/new"),
                    ("to-far", "no/such"),
                    ("round", "round"),
                    ("to-null", "/dev/null"),
                    ("deep/to-up", "../up"),
                ] {
                    symlink(target, out.join(name)).expect("symlink");
                }
                rustix::fs::mkfifoat(rustix::fs::CWD, out.join("pipe"), rustix::fs::Mode::from_raw_mode(0o644))
                    .expect("mkfifo");
                said.push((cp(house, &format!("web:{from}"), &format!("{}/{to}", at(&out))), house.tree_at(&out)));
            }
        }
        said
    });
}

/// A link in a volume leads an archive back to the root, which dockerd then writes to.
#[test]
fn a_read_only_root_stays_as_it_is() {
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    house.ok(&[
        "run",
        "--network",
        "none",
        "--name",
        "web",
        "--read-only",
        "-v",
        "vol:/vol",
        IMAGE,
        "ln",
        "-s",
        "/etc",
        "/vol/link",
    ]);
    let before = upper(&house, "web");
    let host = house.room().join("host");
    fs::create_dir_all(host.join("link")).expect("mkdir");
    house.write("host/link/new", b"x");
    let tar = house.room().join("through.tar");
    let made = std::process::Command::new("tar").args(["-C", &at(&host), "-cf", &at(&tar), "link/new"]).status();
    assert!(made.expect("tar runs").success());
    let said = house.run_from(&["cp", "-", "web:/vol"], &tar);
    assert!(said.code == 1 && said.err.contains("open /vol/link/new: read-only file system"), "{said:?}");
    assert_eq!(upper(&house, "web"), before);
}
