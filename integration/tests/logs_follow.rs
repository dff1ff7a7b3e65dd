//! `logs -f`: what is said from now on, over rotations, until the container ends.

use integration::{Driver, Going, House, Side, same_on_both};

const IMAGE: &str = "busybox:golden";

/// Begins a container that says a line for each that it is told, and ends after `end`.
fn begin(house: &House, flags: &[&str]) -> Going {
    let script = "echo ready; while read line; do echo \"$line\"; echo \"$line again\" >&2; [ \"$line\" != end ] || exit 3; done";
    let start = ["run", "-i", "--network", "none", "--name", "one"];
    let talk = house.spawn(&[&start[..], flags, &[IMAGE, "sh", "-c", script]].concat());
    talk.await_words("ready");
    talk
}

fn say(talk: &mut Going, lines: &[&str]) {
    for line in lines {
        talk.feed(format!("{line}\n").as_bytes());
        talk.await_words(line);
    }
}

#[test]
fn it_goes_on_and_ends_with_the_container() {
    same_on_both(|house| {
        for driver in ["json-file", "local"] {
            let mut talk = begin(house, &["--log-driver", driver]);
            say(&mut talk, &["first", "second"]);
            let all = house.spawn(&["logs", "-f", "one"]);
            let tail = house.spawn(&["logs", "--follow", "--tail", "3", "one"]);
            let new = house.spawn(&["logs", "-fn0", "one"]);
            let since = house.spawn(&["logs", "-f", "--since", "1h", "--details", "one"]);
            // docker's client says nothing when it begins to follow.
            for follower in [&all, &tail, &new, &since] {
                talk.feed(b"tick\n");
                while !follower.has_said("tick\n") {
                    talk.feed(b"tick\n");
                }
            }
            say(&mut talk, &["end"]);
            talk.end();
            let all = all.end();
            assert!(all.out.starts_with("ready\nfirst\nsecond\ntick\n") && all.out.ends_with("end\n"), "{all:?}");
            assert!(all.err.contains("tick again\n") && all.err.ends_with("end again\n"), "{all:?}");
            assert_eq!(all.code, 0);
            let tail = tail.end();
            assert!(!tail.out.contains("ready") && tail.out.ends_with("end\n"), "{tail:?}");
            let new = new.end();
            assert!(!new.out.contains("second") && new.out.ends_with("end\n"), "{new:?}");
            assert!(since.end().out.contains("first\n"));
            house.ended("one");
            house.ok(&["rm", "one"]);
        }
    });
}

#[test]
fn of_what_does_not_run_it_ends_at_once() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "never", IMAGE]);
        house.ok(&["run", "-d", "--network", "none", "--name", "done", IMAGE, "sh", "-c", "echo out; echo err >&2"]);
        house.ended("done");
        let said = [
            house.run(&["logs", "-f", "never"]),
            house.run(&["logs", "-f", "done"]),
            house.run(&["logs", "-f", "--tail", "0", "done"]),
            house.run(&["logs", "-f", "ghost"]),
        ];
        house.ok(&["run", "-d", "--network", "none", "--name", "mute", "--log-driver", "none", IMAGE, "sleep", "1000"]);
        let mute = house.run(&["logs", "-f", "mute"]);
        house.ok(&["rm", "-f", "mute"]);
        (said.to_vec(), mute)
    });
}

/// With stamps, from a terminal's container, and until a signal: the client alone ends.
#[test]
fn a_terminal_and_a_signal() {
    same_on_both(|house| {
        let script = "echo on a terminal; read line; echo \"got $line\"; sleep 1000";
        house.ok(&["run", "-dit", "--network", "none", "--name", "tty", IMAGE, "sh", "-c", script]);
        let follow = house.spawn(&["logs", "-f", "-t", "tty"]);
        follow.await_words("on a terminal");
        follow.signal("TERM");
        let interrupted = follow.end();
        let running = house.ok(&["inspect", "-f", "{{.State.Running}}", "tty"]);
        let follow = house.spawn(&["logs", "-f", "tty"]);
        follow.await_words("on a terminal\r\n");
        house.ok(&["rm", "-f", "tty"]);
        (interrupted, running, follow.end())
    });
}

/// Each line once, and none left out, though the file they are in is turned over many times. dockerd 20.10 is no
/// measure: it goes on with the newest file, whatever lies between, and says some lines twice.
#[test]
fn rotation_is_not_noticed() {
    let mut house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    if !house.is_ours() {
        return house.stop_engine();
    }
    let fast = "echo ready; read go; i=1000; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done";
    let whole: String = (1000..9000).map(|number| format!("line {number}\n")).collect();
    for flags in [
        &["--log-opt", "max-size=20k", "--log-opt", "max-file=60"][..],
        &["--log-opt", "max-size=20k", "--log-opt", "max-file=60", "--log-opt", "compress=true"],
        &["--log-driver", "local", "--log-opt", "max-size=20k", "--log-opt", "max-file=60"],
        &["--log-driver", "local", "--log-opt", "max-size=200k", "--log-opt", "max-file=2"],
    ] {
        house.ok(&[&["run", "-di", "--network", "none", "--name", "one"], flags, &[IMAGE, "sh", "-c", fast]].concat());
        let follow = house.spawn(&["logs", "-f", "one"]);
        follow.await_words("ready");
        let mut go = house.spawn(&["attach", "one"]);
        go.feed(b"go\n");
        let said = follow.end();
        assert!(said.out == format!("ready\n{whole}"), "{} lines, {flags:?}", said.out.lines().count());
        go.end();
        house.ok(&["rm", "-f", "one"]);
    }
}

/// Where one file is kept, there is an older one that is not read.
#[test]
fn one_file_that_is_full() {
    same_on_both(|house| {
        let script = "i=1000; while [ $i -lt 1300 ]; do echo line $i; i=$((i+1)); done";
        house.ok(&[
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            "one",
            "--log-opt",
            "max-size=10k",
            IMAGE,
            "sh",
            "-c",
            script,
        ]);
        house.ended("one");
        let id = house.ok(&["inspect", "-f", "{{.Id}}", "one"]);
        let files = std::fs::read_dir(house.path(&format!("containers/{id}"))).expect("it is there").flatten();
        let mut logs: Vec<String> = files.map(|file| file.file_name().to_string_lossy().replace(&id, "ID")).collect();
        logs.sort();
        logs.retain(|name| name.contains(".log"));
        (house.ok(&["logs", "--tail", "20", "one"]), logs)
    });
}

/// A container that is killed, removed, or begun again ends what is read of it.
#[test]
fn restart_and_removal_end_it() {
    same_on_both(|house| {
        let script = "echo up; trap 'echo down; exit 0' TERM; while true; do sleep 0.1; done";
        house.ok(&["run", "-d", "--network", "none", "--name", "one", IMAGE, "sh", "-c", script]);
        let follow = house.spawn(&["logs", "-f", "one"]);
        follow.await_words("up");
        house.ok(&["restart", "one"]);
        let first = follow.end();
        let follow = house.spawn(&["logs", "-f", "one"]);
        follow.await_words("up\ndown\nup");
        house.ok(&["pause", "one"]);
        house.ok(&["unpause", "one"]);
        house.ok(&["rm", "-f", "one"]);
        (first, follow.end())
    });
}

/// While a dockerd works there, its containers are followed to their end.
#[test]
fn beside_a_dockerd() {
    let mut house = House::open(&Side::first(), Driver::Overlay2);
    house.load_golden();
    for driver in ["json-file", "local"] {
        let script = "echo early; sleep 1; echo late; echo err >&2; seq 1 2000";
        let start = ["run", "-d", "--network", "none", "--name", "one", "--log-driver", driver];
        house.ok(&[&start[..], &[IMAGE, "sh", "-c", script]].concat());
        let said = house.minidock_beside(&["logs", "-f", "one"]);
        assert!(said.out.starts_with("early\nlate\n") && said.out.ends_with("\n2000\n"), "{said:?}");
        assert_eq!((said.err.as_str(), said.code), ("err\n", 0));
        house.ok(&["rm", "-f", "one"]);
    }
    house.stop_engine();
}

/// Until a time that is still to come, and no further.
#[test]
fn until_a_time() {
    same_on_both(|house| {
        let script = "i=0; while true; do echo $i; i=$((i+1)); sleep 0.1; done";
        house.ok(&["run", "-d", "--network", "none", "--name", "one", IMAGE, "sh", "-c", script]);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let said = house.run(&["logs", "-f", "--until", &(now + 2).to_string(), "one"]);
        let last: u32 = said.out.lines().last().and_then(|line| line.parse().ok()).expect("a number");
        assert!((3..25).contains(&last), "{said:?}");
        house.ok(&["rm", "-f", "one"]);
        said.code
    });
}

/// A policy begins it anew, and with that another log that nobody follows yet.
#[test]
fn a_policy_that_starts_it_again() {
    same_on_both(|house| {
        let flags = ["run", "-di", "--network", "none", "--restart", "on-failure:1", "--name", "one", IMAGE];
        house.ok(&[&flags[..], &["sh", "-c", "echo begun; read end; exit 1"]].concat());
        let follow = house.spawn(&["logs", "-f", "one"]);
        follow.await_words("begun");
        house.spawn(&["attach", "one"]).feed(b"end\n");
        let first = follow.end();
        while house.ok(&["logs", "one"]) != "begun\nbegun" {
            std::thread::yield_now();
        }
        house.ok(&["rm", "-f", "one"]);
        first
    });
}
