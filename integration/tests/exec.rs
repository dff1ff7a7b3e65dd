//! `exec`: another process in a running container.

use integration::{House, same_on_both};

fn up(house: &House, flags: &[&str]) {
    let run =
        [&["run", "-d", "--network", "none", "--name", "up"], flags, &["busybox:golden", "sleep", "1000"]].concat();
    house.ok(&run);
}

#[test]
fn exit_codes_and_words() {
    same_on_both(|house| {
        up(house, &[]);
        let commands: [&[&str]; 8] = [
            &["true"],
            &["sh", "-c", "echo out; echo err >&2; exit 6"],
            &["sh", "-c", "kill -9 $$"],
            &["no-such-command"],
            &["/no/such/file"],
            &["/data/kept"],
            &["/data"],
            &["echo", "-n", "words"],
        ];
        let said: Vec<_> = commands.iter().map(|command| house.run(&[&["exec", "up"], *command].concat())).collect();
        house.ok(&["kill", "up"]);
        said
    });
}

#[test]
fn flags() {
    same_on_both(|house| {
        up(house, &["-u", "guest", "-e", "A=run", "-w", "/data"]);
        let script = "id; pwd; echo $A-$B-$GREETING-$HOME";
        let said = [
            house.run(&["exec", "up", "sh", "-c", script]),
            house.run(&["exec", "-u", "root", "-e", "A=exec", "-e", "B=b", "-w", "/tmp", "up", "sh", "-c", script]),
            house.run(&["exec", "-u", "0:50", "up", "id"]),
            house.run(&["exec", "-u", "nosuch", "up", "id"]),
            house.run(&["exec", "-w", "/no/such", "up", "pwd"]),
            house.run_fed(&["exec", "-i", "up", "wc", "-c"], &[b'x'; 100_000]),
            house.run_fed(&["exec", "up", "wc", "-c"], b"unheard"),
            house.run(&["exec", "-d", "up", "sh", "-c", "echo late > /tmp/late"]),
        ];
        house.ok(&["kill", "up"]);
        said.to_vec()
    });
}

#[test]
fn where_there_is_nothing_to_enter() {
    same_on_both(|house| {
        let id = house.ok(&["create", "--network", "none", "--name", "still", "busybox:golden"]);
        let said = [
            house.run(&["exec", "still", "true"]),
            house.run(&["exec", &id[..12], "true"]),
            house.run(&["exec", "nosuch", "true"]),
        ];
        said.to_vec()
    });
}

/// It is in the container's namespaces, under its limits, and leaves no trace when it has ended.
#[test]
fn it_lives_where_the_container_does() {
    same_on_both(|house| {
        up(house, &["--hostname", "box"]);
        let script = "hostname; cat /proc/1/cmdline | tr '\\0' ' '; cat /proc/self/cgroup | cut -d: -f2 | sort; ls /data; ip -o link | wc -l";
        let said = house.run(&["exec", "up", "sh", "-c", script]);
        let inspected = house.run(&["inspect", "-f", "{{json .ExecIDs}} {{.State.Running}}", "up"]);
        house.ok(&["kill", "up"]);
        house.ended("up");
        (said, inspected, house.tree("containers"))
    });
}
