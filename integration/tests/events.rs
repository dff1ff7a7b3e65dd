//! What is told of a container's life, on both engines: the same events in the same order.

use integration::{House, same_on_both};

const IMAGE: &str = "busybox:golden";

/// Seconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// What was told of containers up to now; ids of execs are by chance.
fn told(house: &House) -> Vec<String> {
    let until = now() + 1;
    let all = house.ok(&["events", "--since", "0", "--until", &until.to_string(), "--filter", "type=container"]);
    let lines = all.lines().map(|line| {
        let (_, rest) = line.split_once(' ').expect("a time first");
        let mut text = house.neutral(rest);
        while let Some(at) = text.find("execID=") {
            let end = text[at..].find([',', ')']).map_or(text.len(), |end| at + end);
            text.replace_range(at..end, "<exec>");
        }
        text
    });
    lines.filter(|line| !line.contains(" resize ")).collect()
}

#[test]
fn a_whole_life() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "web", "--label", "a=b", IMAGE, "sleep", "600"]);
        house.ok(&["start", "web"]);
        house.ok(&["exec", "web", "sh", "-c", "exit 0"]);
        house.ok(&["exec", "web", "true"]);
        house.ok(&["pause", "web"]);
        house.ok(&["unpause", "web"]);
        house.ok(&["rename", "web", "other"]);
        house.ok(&["restart", "-t", "0", "other"]);
        house.ok(&["update", "--cpu-shares", "512", "other"]);
        house.ok(&["stop", "-t", "0", "other"]);
        house.ok(&["start", "other"]);
        house.ok(&["kill", "other"]);
        house.ended("other");
        house.ok(&["rm", "other"]);
        told(house)
    });
}

#[test]
fn ends_by_themselves_and_by_policy() {
    same_on_both(|house| {
        house.run(&["run", "--rm", "--network", "none", "--name", "once", IMAGE, "sh", "-c", "exit 3"]);
        house.ok(&[
            "run",
            "-d",
            "--network",
            "none",
            "--restart",
            "on-failure:1",
            "--name",
            "twice",
            IMAGE,
            "sh",
            "-c",
            "exit 4",
        ]);
        house.becomes("twice", "{{.RestartCount}} {{.State.Status}}", "1 exited");
        house.ok(&["rm", "twice"]);
        told(house)
    });
}

#[test]
fn filters_formats_and_what_is_wrong() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "one", "--label", "a=b", IMAGE, "true"]);
        house.ok(&["create", "--network", "none", "--name", "two", IMAGE, "true"]);
        house.ok(&["start", "-a", "one"]);
        let until = (now() + 1).to_string();
        let with = |more: &[&str]| {
            let all = [&["events", "--since", "0", "--until", &until], more].concat();
            let mut said = house.run(&all);
            said.args = vec![format!("{more:?}")];
            said
        };
        let format = "{{.Type}} {{.Action}} {{.Status}} {{.From}} {{.Scope}} {{.Actor.Attributes.name}}";
        [
            with(&["--format", format, "--filter", "container=one"]),
            with(&["--format", format, "--filter", "label=a=b", "--filter", "event=start", "--filter", "event=die"]),
            with(&["--format", format, "--filter", "event=create", "--filter", "image=busybox"]),
            with(&["--format", format, "--filter", "container=none-such"]),
            with(&["--format", format, "--filter", "container=tw"]),
            with(&["--format", format, "--filter", "status=die", "--filter", "container=one"]),
            with(&["--filter", "bogus"]),
            house.run(&["events", "--since", "nonsense"]),
        ]
        .to_vec()
    });
}

/// Told while it happens, to who waits for it.
#[test]
fn what_happens_is_told_at_once() {
    same_on_both(|house| {
        let waiting = house.spawn(&[
            "events",
            "--filter",
            "type=container",
            "--filter",
            "event=die",
            "--format",
            "{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}",
        ]);
        // Somebody listens only when what is made again and again is heard.
        let mut made = 0;
        while !waiting.has_said("first 3") {
            house.run(&["run", "--rm", "--network", "none", "--name", "first", IMAGE, "sh", "-c", "exit 3"]);
            made += 1;
            assert!(made < 100, "nobody listens");
        }
        house.run(&["run", "--rm", "--network", "none", "--name", "second", IMAGE, "sh", "-c", "exit 4"]);
        waiting.await_words("second 4");
        waiting.signal("TERM");
        waiting.end().code
    });
}
