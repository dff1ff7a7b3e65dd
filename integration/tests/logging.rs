//! Log drivers, their options, and rotation: the words, the files, and what `logs` makes of them.

use integration::{Driver, House, Oracle, Side, same_between, same_on_both};

fn ran(house: &House, flags: &[&str], script: &str) {
    let start = ["run", "-d", "--network", "none", "--name", "one"];
    house.run(&[&start[..], flags, &["busybox:golden", "sh", "-c", script]].concat()).ok();
    house.ended("one");
}

fn read(house: &House) -> Vec<integration::Said> {
    let said = [
        &["logs", "one"][..],
        &["logs", "--tail", "3", "one"],
        &["logs", "--tail", "250", "one"],
        &["logs", "-n", "0", "one"],
        &["logs", "--since", "1h", "one"],
        &["logs", "--until", "2001-01-01T00:00:00Z", "one"],
        &["logs", "--details", "--tail", "2", "one"],
    ];
    said.map(|args| house.run(args)).to_vec()
}

/// Its files' names; what is in them depends on the length of the times in their entries.
fn files(house: &House) -> String {
    let id = house.ok(&["inspect", "-f", "{{.Id}}", "one"]);
    let dir = house.path(&format!("containers/{id}"));
    let mut names: Vec<String> = [dir.clone(), dir.join("local-logs")]
        .iter()
        .filter_map(|dir| std::fs::read_dir(dir).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().replace(&id, "ID")))
        .collect();
    names.sort();
    names.join("\n")
}

/// The same in pieces: minidock does not wait for what is being compressed, and a file grows
/// meanwhile; dockerd waits.
const SLOWLY: &str = "for h in 10 11 12; do i=0; while [ $i -lt 100 ]; do echo line $((h*100+i)); i=$((i+1)); done; \
                      sleep 0.2; done";

const LINES: &str = "i=1000; while [ $i -lt 1300 ]; do echo line $i; i=$((i+1)); done";

#[test]
fn a_full_log_is_rotated_and_read_as_one() {
    same_on_both(|house| {
        ran(house, &["--log-opt", "max-size=10k", "--log-opt", "max-file=3"], LINES);
        let last = house.run(&["logs", "--tail", "50", "one"]);
        (last, house.run(&["logs", "--tail", "0", "one"]), files(house))
    });
}

#[test]
fn one_file_only() {
    same_on_both(|house| {
        ran(house, &["--log-opt", "max-size=1m"], LINES);
        (read(house), files(house))
    });
}

#[test]
fn compressed() {
    same_on_both(|house| {
        let flags = ["--log-opt", "max-size=10k", "--log-opt", "max-file=9", "--log-opt", "compress=true"];
        ran(house, &flags, SLOWLY);
        let id = house.ok(&["inspect", "-f", "{{.Id}}", "one"]);
        let plain = house.path(&format!("containers/{id}/{id}-json.log.1"));
        // Whoever compresses the last one may not be done.
        while plain.exists() {
            std::thread::yield_now();
        }
        (read(house), files(house))
    });
}

#[test]
fn the_driver_local() {
    same_on_both(|house| {
        ran(house, &["--log-driver", "local"], "echo err >&2; sleep 0.05; echo out; printf '\\377 odd\\n'; printf end");
        let said = read(house);
        let path = house.run(&["inspect", "-f", "{{.LogPath}} {{json .HostConfig.LogConfig}}", "one"]);
        (said, path, files(house))
    });
}

/// Lines longer than a record: 20.10 loses their newline when it reads, so this is 28's story.
#[test]
fn long_lines_of_the_driver_local() {
    let second = match Oracle::second() {
        Ok(second) if second.is("28.5.2") => Side::Theirs(second),
        _ => return,
    };
    same_between(&second, &Side::under_test(), Driver::Overlay2, |house| {
        ran(house, &["--log-driver", "local"], "head -c 40000 /dev/zero | tr '\\000' x; echo; echo end");
        house.run(&["logs", "one"])
    });
}

/// What one engine wrote and rotated, the other reads, and goes on with.
#[test]
fn logs_are_handed_over() {
    let theirs = Side::first();
    for (first, second) in [(Side::under_test(), theirs.clone()), (theirs, Side::under_test())] {
        for driver in ["local", "json-file"] {
            let mut house = House::open(&first, Driver::Overlay2);
            house.load_golden();
            let options = ["--log-driver", driver, "--log-opt", "max-size=4k", "--log-opt", "max-file=20"];
            ran(&house, &[&options[..], &["--log-opt", "compress=true"]].concat(), LINES);
            let written = house.ok(&["logs", "one"]);
            house.hand_to(&second);
            assert_eq!(house.ok(&["logs", "one"]), written, "{driver} from {}", first.name());
            house.ok(&["start", "one"]);
            house.ended("one");
            let tail = house.ok(&["logs", "--tail", "400", "one"]);
            assert!(tail.starts_with("line 1200\n") && tail.ends_with("line 1299"), "{driver}: {tail}");
        }
    }
}

#[test]
fn the_driver_local_rotates() {
    same_on_both(|house| {
        let options = ["--log-opt", "max-size=5k", "--log-opt", "max-file=9", "--log-opt", "compress=false"];
        ran(house, &[&["--log-driver", "local"], &options[..]].concat(), LINES);
        (read(house), files(house))
    });
}

#[test]
fn what_entries_carry() {
    same_on_both(|house| {
        let flags = [
            "--label",
            "a=1",
            "--label",
            "b=<2>",
            "-e",
            "X=y",
            "--log-opt",
            "labels=a,b,c",
            "--log-opt",
            "env=X",
            "--log-opt",
            "tag={{.Name}}/{{.ImageName}}",
            "--log-opt",
            "env-regex=^PA",
        ];
        ran(house, &flags, "echo hello");
        (house.run(&["logs", "--details", "one"]), house.tree("containers"))
    });
}

#[test]
fn bad_options() {
    same_on_both(|house| {
        let made = |flags: &[&str]| {
            house.run(&[&["create", "--network", "none", "--name", "bad"], flags, &["busybox:golden"]].concat())
        };
        let created = [
            made(&["--log-opt", "nosuch=1"]),
            made(&["--log-driver", "local", "--log-opt", "tag=x"]),
            made(&["--log-driver", "nosuch"]),
            made(&["--log-opt", "mode=odd"]),
            made(&["--log-opt", "max-buffer-size=1m"]),
        ];
        let started = [
            &["--log-opt", "max-size=x"][..],
            &["--log-opt", "max-size=0"],
            &["--log-opt", "max-file=x"],
            &["--log-opt", "max-file=0"],
            &["--log-opt", "compress=maybe"],
            &["--log-opt", "compress=true"],
            &["--log-driver", "local", "--log-opt", "max-file=1"],
            &["--log-driver", "local", "--log-opt", "max-size=x"],
            &["--log-opt", "labels-regex=("],
        ];
        let started = started.map(|flags| {
            let run = ["run", "--network", "none", "--name", "bad"];
            let said = house.run(&[&run[..], flags, &["busybox:golden", "true"]].concat());
            let state = house.run(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}", "bad"]);
            house.run(&["rm", "-f", "bad"]);
            // A pattern's error is each engine's own from its second half on.
            if flags[1].starts_with("labels-regex") { vec![] } else { vec![said, state] }
        });
        (created.to_vec(), started.to_vec())
    });
}

#[test]
fn no_log_at_all() {
    same_on_both(|house| {
        ran(house, &["--log-driver", "none"], "echo unheard");
        (house.run(&["logs", "one"]), files(house))
    });
}
