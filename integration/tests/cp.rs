//! `cp`: what goes where, what is refused, and that a container leads nobody out of its files.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use integration::{Driver, House, Said, Side, same_on, same_on_both};
use sha2::{Digest as _, Sha256};

const IMAGE: &str = "busybox:golden";

fn made(house: &House, name: &str, more: &[&str]) {
    house.ok(&[&["create", "--network", "none", "--name", name], more, &[IMAGE, "sleep", "1000"]].concat());
}

fn running(house: &House, name: &str, more: &[&str]) {
    made(house, name, more);
    house.ok(&["start", name]);
}

/// A directory of the host's with something of everything.
fn host_files(house: &House, name: &str) -> PathBuf {
    let dir = house.room().join(name);
    fs::create_dir_all(dir.join("dir/sub")).expect("mkdir");
    for (path, text) in [("file", "a file\n"), ("dir/one", "1\n"), ("dir/sub/two", "2\n")] {
        house.write(&format!("{name}/{path}"), text.as_bytes());
    }
    std::os::unix::fs::chown(dir.join("dir/sub/two"), Some(7), Some(8)).expect("chown");
    fs::set_permissions(dir.join("dir/sub/two"), fs::Permissions::from_mode(0o4751)).expect("chmod");
    fs::set_permissions(dir.join("dir/sub"), fs::Permissions::from_mode(0o700)).expect("chmod");
    fs::hard_link(dir.join("dir/one"), dir.join("dir/twin")).expect("link");
    symlink("file", dir.join("link")).expect("symlink");
    symlink("dir", dir.join("to-dir")).expect("symlink");
    symlink("nowhere", dir.join("dangling")).expect("symlink");
    dir
}

fn cp(house: &House, from: &str, to: &str) -> Said {
    house.run(&["cp", from, to])
}

fn at(path: &Path) -> String {
    path.display().to_string()
}

/// What a container changed, as it lies on disk.
fn upper(house: &House, name: &str) -> String {
    let upper = house.inspect(name)["GraphDriver"]["Data"]["UpperDir"].as_str().expect("a path").to_owned();
    house.tree_at(Path::new(&upper))
}

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

/// An archive that the engine streams: its listing, and a digest of its very bytes.
fn streamed(house: &House, args: &[&str]) -> String {
    let file = house.room().join("streamed.tar");
    let status = house
        .client()
        .args(args)
        .stdout(fs::File::create(&file).expect("create"))
        .stderr(Stdio::null())
        .status()
        .expect("it runs");
    assert!(status.success(), "{args:?}");
    let listed = std::process::Command::new("tar")
        .args(["--full-time", "-Ptvf", &at(&file)])
        .env("TZ", "UTC")
        .output()
        .expect("tar runs");
    let digest = Sha256::digest(fs::read(&file).expect("read"));
    let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    format!("{args:?}\n{text}{digest}")
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
