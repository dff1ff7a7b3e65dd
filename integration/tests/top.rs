//! `top`: a container's processes, as the host's `ps` shows them.

use integration::{Driver, House, Said, Side, same_on_both};

const IMAGE: &str = "busybox:golden";

/// A shell with a child, which is there when this returns.
fn begin(house: &House, name: &str) {
    let script = "sleep 1000 & echo ready; wait";
    house.ok(&["run", "-d", "--network", "none", "--name", name, IMAGE, "sh", "-c", script]);
    while !house.ok(&["logs", name]).contains("ready") {
        std::thread::yield_now();
    }
}

/// Without the numbers, which are chance, and the blanks that follow their length.
fn shape(mut said: Said) -> Said {
    let word =
        |word: &str| if word.bytes().any(|byte| byte.is_ascii_digit()) { "N".to_owned() } else { word.to_owned() };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    said.out = said.out.lines().map(line).collect::<Vec<_>>().join("\n");
    said
}

#[test]
fn processes_and_columns() {
    same_on_both(|house| {
        begin(house, "one");
        let heading = house.ok(&["top", "one"]).lines().next().map(str::to_owned);
        let said = [
            shape(house.run(&["top", "one"])),
            shape(house.run(&["container", "top", "one", "aux"])),
            house.run(&["top", "one", "-o", "comm,args,user,pid=PID"]),
            house.run(&["top", "one", "-eo", "args,pid"]),
        ];
        // The ids are chance, and their columns the last ones.
        let said = said.map(|mut said| {
            let cut = |line: &str| line.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
            said.out = said.out.lines().map(cut).collect::<Vec<_>>().join("\n");
            said
        });
        // `f` cannot be asked of some processes only.
        let tree = shape(house.run(&["top", "one", "axf", "-o", "pid,comm"]));
        let threads = shape(house.run(&["top", "one", "m", "-o", "pid,comm"]));
        house.ok(&["pause", "one"]);
        let paused = shape(house.run(&["top", "one", "-o", "pid,comm"]));
        house.ok(&["rm", "-f", "one"]);
        (heading, said.to_vec(), tree, threads, paused)
    });
}

#[test]
fn what_cannot_be_shown() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "new", IMAGE, "true"]);
        begin(house, "one");
        let said = [
            &["top", "new"][..],
            &["top", "ghost"],
            &["top", "one", "-o", "comm"],
            &["top", "one", "-o", "ppid=PID"],
            &["top", "one", "--nosuch"],
            &["top", "one", "-o", "nosuch"],
            &["top", "one", "-o", "pid,comm", "extra", "words"],
        ];
        let said = said.map(|args| house.run(args));
        let none = house.run(&["top"]).code;
        house.ok(&["rm", "-f", "one"]);
        (said.to_vec(), none)
    });
}

/// While a dockerd works there, the processes of its containers can be seen too.
#[test]
fn beside_a_dockerd() {
    let mut house = House::open(&Side::first(), Driver::Overlay2);
    house.load_golden();
    begin(&house, "one");
    let theirs = house.run(&["top", "one", "-o", "pid,ppid,args"]);
    let ours = house.minidock_beside(&["top", "one", "-o", "pid,ppid,args"]);
    assert_eq!((theirs.out, ours.code), (ours.out, 0));
    house.ok(&["rm", "-f", "one"]);
    house.stop_engine();
}
