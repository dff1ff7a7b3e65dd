//! Networks of one's own, and `network`'s commands, each engine in a network namespace of its own.

use integration::{House, same_on_bridges};

const IMAGE: &str = "busybox:golden";

fn stays(house: &House, name: &str, flags: &[&str]) {
    house.ok(&[&["run", "-d", "--name", name], flags, &[IMAGE, "sleep", "1000"]].concat());
}

/// `network inspect` without what is chance.
fn inspected(house: &House, name: &str) -> String {
    let format = "{{.Name}} {{.Driver}} {{.Scope}} {{json .IPAM}} {{.Internal}} {{.Attachable}} {{json .Options}} \
                  {{json .Labels}} {{range .Containers}}{{.Name}} {{.IPv4Address}} {{.MacAddress}}{{end}}";
    house.ok(&["network", "inspect", "-f", format, name])
}

#[test]
fn made_listed_used_and_removed() {
    same_on_bridges(|house| {
        house.ok(&["network", "create", "plain"]);
        let flags =
            ["--subnet", "10.9.0.0/24", "--gateway", "10.9.0.254", "--ip-range", "10.9.0.128/25", "--label", "a=b"];
        house.ok(&[&["network", "create"], &flags[..], &["--internal", "own"]].concat());
        let list = |args: &[&str]| {
            house.run(
                &[&["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.Labels}}"], args]
                    .concat(),
            )
        };
        let lists = [
            list(&[]),
            list(&["-f", "driver=bridge"]),
            list(&["-f", "type=custom"]),
            list(&["-f", "label=a"]),
            list(&["-f", "dangling=true"]),
            list(&["-f", "foo=1"]),
            list(&["-f", "type=x"]),
        ];
        stays(house, "one", &["--network", "plain", "--network-alias", "al"]);
        stays(house, "two", &["--network", "own", "--ip", "10.9.0.9", "--mac-address", "02:00:00:00:00:01"]);
        stays(house, "three", &["--network", "own"]);
        let settings = ["one", "two"].map(|name| {
            let text = house.inspect(name)["NetworkSettings"].to_string();
            (text, house.inspect(name)["HostConfig"]["NetworkMode"].to_string())
        });
        let addresses = ["two", "three"].map(|name| {
            house.ok(&["exec", name, "sh", "-c", "busybox ip -o -4 addr | cut -d: -f2; tail -n 1 /etc/hosts | cut -f1"])
        });
        let seen = ["bridge", "host", "none", "plain"].map(|name| inspected(house, name));
        let busy = house.run(&["network", "rm", "plain"]);
        house.ok(&["rm", "-f", "one", "two", "three"]);
        let pruned = house.run(&["network", "prune", "-f"]).out.lines().count();
        let told = (house.run(&["network", "rm", "plain"]), house.run(&["network", "inspect", "own"]));
        (lists.to_vec(), settings.to_vec(), addresses.to_vec(), seen.to_vec(), busy, pruned, told)
    });
}

#[test]
fn what_cannot_be_made_or_removed() {
    same_on_bridges(|house| {
        house.ok(&["network", "create", "--subnet", "10.9.0.0/24", "n1"]);
        let create = |args: &[&str]| house.run(&[&["network", "create"], args].concat());
        let told = [
            create(&["n1"]),
            create(&["bridge"]),
            create(&["-d", "foo", "n2"]),
            create(&["--subnet", "10.9.0.0/16", "n2"]),
            create(&["--subnet", "10.0.0.1", "n2"]),
            create(&["--gateway", "10.0.0.1", "n2"]),
            create(&["--subnet", "10.1.0.0/24", "--gateway", "10.2.0.1", "n2"]),
            house.run(&["network", "rm", "nobody", "host"]),
            house.run(&["run", "--name", "lost", "--network", "nobody", IMAGE, "true"]),
        ];
        let state = house.inspect("lost")["State"]["ExitCode"].to_string();
        (told.to_vec(), state)
    });
}

#[test]
fn containers_are_found_by_their_names() {
    same_on_bridges(|house| {
        house.ok(&["network", "create", "n1"]);
        stays(house, "web", &["--network", "n1", "--network-alias", "al", "-h", "inside"]);
        let asked = |name: &str| {
            let script = format!("busybox nslookup -type=a {name} | sed -n '/^Name/,$p' | grep Address");
            house.run(&["run", "--rm", "--network", "n1", IMAGE, "sh", "-c", &script]).out
        };
        let short: String = house.inspect("web")["Id"].as_str().expect("an id").chars().take(12).collect();
        let found = ["web", "al", "inside", &short].map(asked);
        assert!(found.iter().all(|text| text.contains("172.18.0.2")), "{found:?}");
        house.ok(&["rm", "-f", "web"]);
        house.ok(&["network", "rm", "n1"]);
        found.to_vec()
    });
}

#[test]
fn a_container_comes_to_a_network_and_leaves_it() {
    same_on_bridges(|house| {
        house.ok(&["network", "create", "n1"]);
        house.ok(&["network", "create", "--subnet", "10.9.0.0/24", "n2"]);
        stays(house, "runs", &["--network", "n1"]);
        house.ok(&["create", "--name", "idle", IMAGE, "sleep", "1000"]);
        let id = house.inspect("runs")["Id"].as_str().expect("an id").to_owned();
        let addresses = |name: &str| {
            let script = "busybox ip -o -4 addr | cut -d: -f2; busybox ip route | grep default | cut -d' ' -f1-5";
            house.ok(&["exec", name, "sh", "-c", script])
        };
        let on = |name: &str| house.inspect(name)["NetworkSettings"]["Networks"].to_string();
        let connect = |args: &[&str]| house.run(&[&["network", "connect"], args].concat());
        let disconnect = |args: &[&str]| house.run(&[&["network", "disconnect"], args].concat());
        let came = (connect(&["n2", "runs"]), connect(&["n2", "runs"]), addresses("runs"), on("runs"));
        let told = [
            connect(&["nobody", "runs"]),
            connect(&["n1", "nobody"]),
            connect(&["host", "runs"]),
            connect(&["--ip", "172.18.0.99", "n1", "idle"]),
            disconnect(&["nobody", "runs"]),
            disconnect(&["n2", "idle"]),
        ];
        let left = (disconnect(&["n1", "runs"]), disconnect(&["n1", "runs"]), addresses("runs"), on("runs"));
        let waits = (connect(&["--ip", "10.9.0.200", "--alias", "x", "n2", "idle"]), on("idle"));
        house.ok(&["start", "idle"]);
        let started = (addresses("idle"), on("idle"));
        house.ok(&["rm", "-f", "runs", "idle"]);
        house.ok(&["network", "rm", "n1", "n2"]);
        assert_eq!(id.len(), 64);
        (came, told.to_vec(), left, waits, started)
    });
}
