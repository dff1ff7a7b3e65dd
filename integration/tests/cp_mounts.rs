//! `cp` and what a container mounts; the other engine's containers; files that are no plain files.

mod copies;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use copies::{IMAGE, at, cp, host_files, made, running, streamed, upper};
use integration::{Driver, House, Said, Side, same_on, same_on_both};

/// Volumes, binds, what is read-only, and the files that every container has.
#[test]
fn what_a_container_mounts() {
    same_on_both(|house| {
        let host = host_files(house, "host");
        let bound = host_files(house, "bound");
        let (bind, read_only) = (format!("{}:/bound", at(&bound)), format!("{}:/ro:ro", at(&bound)));
        let more = ["-v", &bind, "-v", &read_only, "-v", "vol:/data/vol", "-v", "/anon", "--tmpfs", "/mem"];
        made(house, "web", &more);
        made(house, "sealed", &[&more[..], &["--read-only", "--mount", "type=tmpfs,target=/tmpfs"]].concat());
        let mut said = Vec::new();
        for again in [false, true] {
            for name in ["web", "sealed"] {
                if again {
                    house.ok(&["start", name]);
                    house.ok(&["exec", name, "sh", "-c", "echo secret > /mem/file"]);
                }
                for target in [
                    "/",
                    "/bound",
                    "/bound/dir",
                    "/ro",
                    "/data/vol",
                    "/anon/new",
                    "/mem",
                    "/etc",
                    "/etc/hosts",
                    "/tmpfs",
                ] {
                    // Else it would be a file, on which nothing is mounted.
                    let target = if again || target != "/mem" { target } else { "/mem/" };
                    said.push(cp(house, &format!("{}/file", at(&host)), &format!("{name}:{target}")));
                }
                for (number, source) in
                    ["/bound/.", "/data/vol", "/anon", "/mem/.", "/proc/self", "/dev/null"].iter().enumerate()
                {
                    let out = format!("{}/{name}-{again}-{number}", at(house.room()));
                    said.push(cp(house, &format!("{name}:{source}"), &out));
                    said.push(Said { out: house.tree_at(Path::new(&out)), ..said[0].clone() });
                }
            }
        }
        let disk = (upper(house, "web"), upper(house, "sealed"), house.tree("volumes/vol"), house.tree_at(&bound));
        let mounts = house.mounts().into_iter().filter(|point| point.contains("/merged/")).collect::<Vec<_>>();
        house.ok(&["rm", "-fv", "web", "sealed"]);
        (said, disk, mounts)
    });
}

/// Volumes of another container, and one that is a directory of the host's by its options.
#[test]
fn volumes_of_others_and_with_options() {
    same_on_both(|house| {
        let host = host_files(house, "host");
        let device = format!("device={}", at(&host_files(house, "device")));
        house.ok(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", &device, "bound"]);
        made(house, "first", &["-v", "bound:/bound", "-v", "vol:/data/vol:ro"]);
        made(house, "second", &["--volumes-from", "first"]);
        let file = at(&host.join("file"));
        let said = ["/bound/new", "/data/vol/new", "/data/vol", "/data/new"]
            .map(|to| cp(house, &file, &format!("second:{to}")));
        let out = house.room().join("out");
        let back = cp(house, "first:/bound", &at(&out));
        (said.to_vec(), back, house.tree_at(&out), upper(house, "second"))
    });
}

/// All of a container, and all that is in it.
#[test]
fn the_whole_root() {
    same_on_both(|house| {
        made(house, "web", &["-v", "vol:/data/vol"]);
        let out = house.room().join("out");
        fs::create_dir(&out).expect("mkdir");
        let sources = ["web:/", "web:/.", "web:.", "web:/data/..", "web:/../data"];
        let said = sources.iter().enumerate().flat_map(|(number, source)| {
            let to = format!("{}/{number}", at(&out));
            let new = cp(house, source, &to);
            fs::create_dir_all(format!("{to}-in")).expect("mkdir");
            [new, cp(house, source, &format!("{to}-in"))]
        });
        let said = said.collect::<Vec<_>>();
        let listings = sources.map(|source| {
            let listing = streamed(house, &["cp", source, "-"]);
            // What the engine makes at create is as old as the story.
            listing
                .lines()
                .filter(|line| !line.contains("<time>") && line.contains(' '))
                .map(|line| {
                    line.split_whitespace()
                        .filter(|word| !word.contains(':') && !word.starts_with("20"))
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect::<Vec<_>>()
                .join("\n")
        });
        (said, listings.to_vec(), house.tree_at(&out))
    });
}

/// While a dockerd lives its containers can be looked into, and not written to.
#[test]
fn beside_a_live_dockerd() {
    let house = House::open(&Side::first(), Driver::Overlay2);
    house.load_golden();
    let bound = host_files(&house, "bound");
    running(&house, "on", &["-v", &format!("{}:/bound", at(&bound))]);
    made(&house, "off", &["-v", "vol:/data/vol"]);
    house.ok(&["exec", "on", "sh", "-c", "echo changed > /data/kept"]);
    let file = at(&house.write("file", b"x"));
    let before = [upper(&house, "off"), upper(&house, "on")];
    let read = |path: &str| {
        let out = format!("{}/got", at(house.room()));
        let said = house.minidock_beside(&["cp", path, &out]);
        (said.code, fs::read_to_string(out).unwrap_or_default())
    };
    assert_eq!(read("on:/data/kept"), (0, "changed\n".to_owned()));
    assert_eq!(read("on:/bound/dir/one"), (0, "1\n".to_owned()));
    assert_eq!(read("off:/data/kept"), (0, "kept\n".to_owned()));
    let refused = house.minidock_beside(&["cp", &file, "off:/data"]);
    assert!(refused.code == 1 && refused.err.contains("a running dockerd owns"), "{refused:?}");
    assert_eq!([upper(&house, "off"), upper(&house, "on")], before);
    house.ok(&["rm", "-f", "on"]);
}

/// A container that runs or is held still sees what was copied, and the other engine's does too.
#[test]
fn each_copies_to_and_from_the_others_containers() {
    let mut house = House::open(&Side::first(), Driver::Overlay2);
    house.load_golden();
    let host = host_files(&house, "host");
    let dir = at(&host.join("dir"));
    for (side, name) in [(Side::first(), "theirs"), (Side::under_test(), "ours")] {
        house.hand_to(&side);
        made(&house, name, &["-v", &format!("{name}:/data/vol")]);
        house.ok(&["start", name]);
        house.ok(&["cp", &dir, &format!("{name}:/data/vol/mine")]);
        assert_eq!(house.ok(&["exec", name, "cat", "/data/vol/mine/sub/two"]), "2");
        house.ok(&["pause", name]);
        house.ok(&["cp", &dir, &format!("{name}:/data/held")]);
        house.ok(&["unpause", name]);
        assert_eq!(house.ok(&["exec", name, "cat", "/data/held/one"]), "1");
        house.ok(&["stop", "-t", "0", name]);
    }
    let got = |house: &House, engine: &str, name: &str| {
        let out = house.room().join(format!("{engine}-{name}"));
        house.ok(&["cp", &format!("{name}:/data"), &at(&out)]);
        (house.tree_at(&out), streamed(house, &["cp", &format!("{name}:/data"), "-"]))
    };
    let by_us = ["theirs", "ours"].map(|name| got(&house, "us", name));
    house.hand_to(&Side::first());
    let by_docker = ["theirs", "ours"].map(|name| got(&house, "docker", name));
    assert_eq!(by_us, by_docker);
    assert!(by_us[0].0.contains("held") && by_us[0].0.contains("mine"), "{}", by_us[0].0);
}

/// What is no plain file, capabilities, holes, long names and such that are no text.
#[test]
fn odd_files_there_and_back() {
    for driver in [Driver::Overlay2, Driver::Vfs] {
        same_on(driver, |house| {
            let script = "mkdir /odd; cd /odd; mkfifo pipe; mknod null c 1 3; mknod loop b 7 0; ln -s ../x up; ln -s / root; \
                          ln up linked; dd if=/dev/zero of=sparse bs=1 count=1 seek=300000 2>/dev/null; \
                          mkdir -m 1777 sticky; echo x > $(printf 'new\\nline'); echo y > $(printf 'raw\\377'); \
                          n=$(printf %0120d 1); mkdir $n; echo long > $n/$n; chown 70000:4000000 $n/$n; chmod 0 pipe; \
                          find . -exec touch -h -d '2020-01-02 03:04:05' {} +";
            house.ok(&["run", "--network", "none", "--name", "web", IMAGE, "sh", "-c", script]);
            let archive = streamed(house, &["cp", "web:/odd", "-"]);
            let out = house.room().join("out");
            fs::create_dir(&out).expect("mkdir");
            // A link that leads out of where it is copied to is refused; without it the rest comes.
            let refused = cp(house, "web:/odd", &at(&out));
            house.ok(&[
                "run",
                "--network",
                "none",
                "--name",
                "less",
                IMAGE,
                "sh",
                "-c",
                &format!("{script}; rm up linked; touch -d '2020-01-02 03:04:05' ."),
            ]);
            let copied = cp(house, "less:/odd", &at(&out.join("less")));
            let file = out.join("less/sparse");
            set_capability(&file);
            let back = cp(house, &at(&out.join("less")), "less:/back");
            (
                archive,
                refused.code,
                copied,
                house.tree_at(&out.join("less")),
                back,
                house.run(&["diff", "less"]).sorted(),
                streamed(house, &["cp", "less:/back", "-"]),
            )
        });
    }
}

/// `cap_net_raw+p`, as the kernel keeps it.
fn set_capability(file: &Path) {
    let value = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    rustix::fs::setxattr(file, "security.capability", &value, rustix::fs::XattrFlags::empty()).expect("setxattr");
}

/// Several to and from one container at the same time, running and not.
#[test]
fn several_at_once() {
    same_on_both(|house| {
        running(house, "on", &[]);
        made(house, "off", &[]);
        let host = host_files(house, "host");
        let commands: Vec<[String; 3]> = ["on", "off"]
            .iter()
            .flat_map(|name| {
                let to = |number| ["cp".to_owned(), at(&host.join("dir")), format!("{name}:/new{number}")];
                let from = |number| {
                    ["cp".to_owned(), format!("{name}:/bin"), at(&house.room().join(format!("{name}{number}")))]
                };
                [to(1), to(2), to(3), from(1), from(2)]
            })
            .collect();
        let codes = std::thread::scope(|scope| {
            let going =
                commands.iter().map(|words| scope.spawn(|| house.run(&words.each_ref().map(String::as_str)).code));
            let going: Vec<_> = going.collect();
            going.into_iter().map(|going| going.join().expect("no panic")).collect::<Vec<_>>()
        });
        let seen = house.ok(&["exec", "on", "cat", "/new1/one", "/new2/sub/two", "/new3/twin"]);
        let disk = (upper(house, "on"), upper(house, "off"), house.tree_at(&house.room().join("on2")));
        house.ok(&["rm", "-f", "on"]);
        (codes, seen, disk)
    });
}

/// Half an archive, and the end of who unpacks it: nothing stays mounted, and the container starts.
#[test]
fn one_that_is_killed_leaves_no_mounts() {
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    made(&house, "web", &["-v", "vol:/data/vol"]);
    let host = host_files(&house, "host");
    house.write("host/big", &vec![7; 1 << 20]);
    let tar = house.room().join("big.tar");
    let done = std::process::Command::new("tar").args(["-C", &at(&host), "-cf", &at(&tar), "file", "big"]).status();
    assert!(done.expect("tar runs").success());
    let mut going = house.spawn(&["cp", "-", "web:/data"]);
    going.feed(&fs::read(&tar).expect("read")[..1 << 19]);
    let layer = house.inspect("web")["GraphDriver"]["Data"]["UpperDir"].as_str().expect("a path").to_owned();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !Path::new(&layer).join("data/big").exists() {
        assert!(Instant::now() < deadline, "it does not unpack");
        std::thread::yield_now();
    }
    going.signal("KILL");
    assert_eq!(going.end().code, 137);
    assert_eq!(house.mounts(), Vec::<String>::new());
    house.ok(&["start", "web"]);
    assert_eq!(house.ok(&["exec", "web", "cat", "/data/file"]), "a file");
    house.ok(&["rm", "-f", "web"]);
}

/// Sources that are not there (any more), and places that do not fit.
#[test]
fn mounts_that_cannot_be_made() {
    same_on_both(|house| {
        let host = host_files(house, "host");
        let (gone, missing) = (host_files(house, "gone"), house.room().join("missing"));
        made(house, "new", &["-v", &format!("{}:/bound", at(&missing))]);
        made(house, "gone", &["--mount", &format!("type=bind,source={},target=/bound", at(&gone))]);
        made(house, "file", &["-v", &format!("{}:/data", at(&host.join("file")))]);
        made(house, "dir", &["-v", &format!("{}:/data/kept", at(&host.join("dir")))]);
        fs::remove_dir_all(&gone).expect("remove");
        let file = at(&host.join("file"));
        let mut said = Vec::new();
        for name in ["new", "gone", "file", "dir"] {
            said.push(cp(house, &file, &format!("{name}:/bound")));
            said.push(cp(house, &format!("{name}:/data/link"), &format!("{}/{name}", at(house.room()))));
        }
        (said, house.tree_at(&missing), upper(house, "new"), upper(house, "gone"))
    });
}
