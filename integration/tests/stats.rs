//! `stats`: what containers use. The numbers are chance, their form is not.

use integration::{Driver, House, Said, Screen, Side, same_on_both};

const IMAGE: &str = "busybox:golden";

fn begin(house: &House, name: &str, flags: &[&str], script: &str) {
    let start = ["run", "-d", "--network", "none", "--name", name];
    house.ok(&[&start[..], flags, &[IMAGE, "sh", "-c", script]].concat());
}

/// Numbers as `N`, whatever their unit, and columns apart from each other however wide.
fn shape(mut said: Said) -> Said {
    let word = |word: &str| {
        let number = word.starts_with(|letter: char| letter.is_ascii_digit()) && word.len() < 12;
        let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        match (number, unit) {
            (true, "B" | "kB" | "MB" | "GB" | "KiB" | "MiB" | "GiB") => "size".to_owned(),
            (true, "%") if word.split('.').nth(1).is_some_and(|digits| digits.len() == 3) => "percent".to_owned(),
            (true, "") => "number".to_owned(),
            _ => word.to_owned(),
        }
    };
    let cells = |line: &str| {
        let cells = line.split("   ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(|cell| cell.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(" | ")
    };
    said.out = said.out.lines().map(cells).collect::<Vec<_>>().join("\n");
    said
}

#[test]
fn one_look_has_dockers_columns() {
    same_on_both(|house| {
        begin(house, "one", &["-m", "64m"], "sleep 1000 & wait");
        begin(house, "two", &[], "sleep 1000");
        house.ok(&["create", "--network", "none", "--name", "still", IMAGE, "true"]);
        let tables = [
            shape(house.run(&["stats", "--no-stream"])),
            shape(house.run(&["stats", "--no-stream", "-a"])),
            shape(house.run(&["container", "stats", "--no-stream", "--no-trunc", "two", "one", "two"])),
        ];
        let exact = [
            house.run(&["stats", "--no-stream", "still"]),
            house.run(&[
                "stats",
                "--no-stream",
                "--format",
                "{{.Container}} {{.Name}} {{.PIDs}} {{.NetIO}}",
                "one",
                "two",
            ]),
            house.run(&["stats", "--no-stream", "--format", "{{json .}}", "still"]),
            house.run(&["stats", "--no-stream", "--format", "table {{.Name}}\t{{.PIDs}}\t{{.Container}}", "still"]),
        ];
        let limits = ["one", "two"].map(|name| {
            let used = house.ok(&["stats", "--no-stream", "--format", "{{.MemUsage}}", name]);
            used.split(" / ").nth(1).map(str::to_owned)
        });
        house.ok(&["pause", "one"]);
        let paused = shape(house.run(&["stats", "--no-stream", "one"]));
        house.ok(&["rm", "-f", "one", "two"]);
        (tables.to_vec(), exact.to_vec(), limits.to_vec(), paused)
    });
}

#[test]
fn who_is_not_there() {
    same_on_both(|house| {
        let ghosts = house.run(&["stats", "--no-stream", "ghost"]);
        begin(house, "one", &[], "sleep 1000");
        let two = house.run(&["stats", "ghost", "one", "spirit"]).sentences();
        let none = house.run(&["stats", "--no-stream", "--format", "{{.Nothing}}", "one"]).code;
        house.ok(&["rm", "-f", "one"]);
        let mut two = two;
        two.sort();
        (ghosts, two, none, house.run(&["stats", "--no-stream"]))
    });
}

/// Who is busy is seen to be.
#[test]
fn a_share_of_a_processor() {
    same_on_both(|house| {
        begin(house, "busy", &["--cpus", "0.5"], "while true; do :; done");
        let percent = || {
            let text = house.ok(&["stats", "--no-stream", "--format", "{{.CPUPerc}}", "busy"]);
            text.trim_end_matches('%').parse::<f64>().expect("a number")
        };
        // The first look may be at its beginning.
        percent();
        let busy = percent();
        assert!((10.0..80.0).contains(&busy), "{busy}");
        house.ok(&["rm", "-f", "busy"]);
    });
}

/// Over and over: who comes is shown, and who has ended is not.
#[test]
fn a_stream_follows_what_happens() {
    same_on_both(|house| {
        begin(house, "first", &[], "sleep 1000");
        let all = house.spawn(&["stats", "--format", "<{{.Name}}>"]);
        let one = house.spawn(&["stats", "first"]);
        all.await_words("\u{1b}[2J\u{1b}[H<first>\n");
        one.await_words("first");
        begin(house, "second", &[], "sleep 1000");
        all.await_words("<first>\n<second>\n\u{1b}[2J");
        house.ok(&["rm", "-f", "first"]);
        all.await_words("\u{1b}[H<second>\n\u{1b}[2J");
        one.await_words("first     --        -- / --");
        house.ok(&["rm", "-f", "second"]);
        [all, one]
            .map(|stats| {
                stats.signal("TERM");
                stats.end().code
            })
            .to_vec()
    });
}

/// On a terminal, the keys that end it leave it as it was.
#[test]
fn on_a_terminal() {
    same_on_both(|house| {
        begin(house, "one", &[], "sleep 1000");
        let screen = Screen::open(house, "stats");
        screen.line("engine stats one");
        screen.wait("MEM USAGE / LIMIT");
        screen.keys(&["C-c"]);
        screen.await_prompt();
        screen.line("echo code=$?");
        screen.await_line("code=130");
        house.ok(&["rm", "-f", "one"]);
    });
}

/// While a dockerd works there, its containers can be looked at too.
#[test]
fn beside_a_dockerd() {
    let mut house = House::open(&Side::first(), Driver::Overlay2);
    house.load_golden();
    begin(&house, "one", &["-m", "64m"], "sleep 1000 & wait");
    let ask = ["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.NetIO}} {{.MemUsage}}"];
    let [theirs, ours] = [house.run(&ask), house.minidock_beside(&ask)].map(shape);
    assert_eq!((theirs.out, ours.code), (ours.out, 0));
    house.ok(&["rm", "-f", "one"]);
    house.stop_engine();
}
