//! The default bridge and published ports, each engine in a network of its own.

use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use integration::{House, lines_sorted, same_on_bridges};
use serde_json::Value;

const IMAGE: &str = "busybox:golden";

/// Says its name to whoever comes to port 80.
fn server(house: &House, name: &str, flags: &[&str]) {
    let script = format!("while true; do busybox nc -l -p 80 -e echo {name}; done");
    house.ok(&[&["run", "-d", "--name", name], flags, &[IMAGE, "sh", "-c", &script]].concat());
}

/// What is said at a place of the host. It may take a moment until somebody listens.
fn said_at(place: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut text = String::new();
        let heard = TcpStream::connect(place).and_then(|mut stream| stream.read_to_string(&mut text));
        if heard.is_ok() && !text.is_empty() {
            return text;
        }
        assert!(Instant::now() < deadline, "nobody says anything at {place}");
        std::thread::yield_now();
    }
}

fn settings(house: &House, name: &str) -> Value {
    house.inspect(name)["NetworkSettings"].clone()
}

/// The devices of the host and rules, but for what dockerd itself keeps.
fn left(house: &House) -> Vec<String> {
    if !house.is_ours() {
        return Vec::new();
    }
    let devices = std::fs::read_to_string("/proc/thread-self/net/dev").expect("proc is mounted");
    let devices = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
    let rules = std::process::Command::new("iptables-save").output().expect("iptables is there").stdout;
    let rules = String::from_utf8_lossy(&rules).into_owned();
    let rules: Vec<_> = rules.lines().filter(|line| line.contains("NETAVARK")).map(str::to_owned).collect();
    devices.filter(|device| device != "lo").chain(rules).chain(house.mounts()).collect()
}

#[test]
fn a_published_port_leads_to_the_container() {
    same_on_bridges(|house| {
        server(
            house,
            "web",
            &["-p", "8080:80", "-p", "127.0.0.1:5353:53/udp", "-p", "9000-9001:90-91", "--expose", "443"],
        );
        let heard = [said_at("127.0.0.1:8080"), said_at("127.0.0.1:8080")];
        let shown = (
            lines_sorted(&house.ok(&["port", "web"])),
            house.run(&["port", "web", "80"]),
            house.ok(&["ps", "--format", "{{.Names}} {{.Networks}}"]),
            settings(house, "web").to_string(),
            house.inspect("web")["HostConfig"]["PortBindings"].to_string(),
            house.inspect("web")["Config"]["ExposedPorts"].to_string(),
        );
        let inside = house.ok(&[
            "exec",
            "web",
            "sh",
            "-c",
            "tail -n 1 /etc/hosts; busybox ip -o -4 addr | cut -d: -f2; cat /etc/resolv.conf",
        ]);
        let restarted = (house.ok(&["restart", "-t", "0", "web"]), said_at("127.0.0.1:8080"));
        house.ok(&["stop", "-t", "0", "web"]);
        let stopped = settings(house, "web").to_string();
        assert_eq!(left(house), [""; 0]);
        (heard.to_vec(), shown, inside, restarted, stopped)
    });
}

#[test]
fn containers_reach_each_other_and_get_the_first_free_address() {
    same_on_bridges(|house| {
        server(house, "one", &[]);
        server(house, "two", &["--mac-address", "02:00:00:00:00:07"]);
        let script = "until busybox nc 172.17.0.2 80 < /dev/null | grep one; do true; done";
        let heard = house.ok(&["run", "--rm", IMAGE, "sh", "-c", script]);
        house.ok(&["rm", "-f", "one"]);
        house.ok(&["run", "-d", "--name", "three", IMAGE, "sleep", "1000"]);
        let address = "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.MacAddress}} {{.HostConfig.NetworkMode}}";
        let seen = ["two", "three"].map(|name| house.ok(&["inspect", "-f", address, name]));
        let joined = house.ok(&[
            "run",
            "--rm",
            "--network",
            "container:three",
            IMAGE,
            "sh",
            "-c",
            "busybox ip -o -4 addr | cut -d: -f2",
        ]);
        house.ok(&["rm", "-f", "two", "three"]);
        assert_eq!(left(house), [""; 0]);
        (heard, seen.to_vec(), joined)
    });
}

#[test]
fn a_port_in_use_is_refused_and_nothing_of_the_start_stays() {
    same_on_bridges(|house| {
        let other = TcpListener::bind("127.0.0.1:7001").expect("a port");
        let refused = house.run(&["run", "-d", "--name", "first", "-p", "7001:80", IMAGE, "sleep", "1000"]);
        assert_eq!(left(house), [""; 0]);
        drop(other);
        house.ok(&["start", "first"]);
        let clash = house.run(&["run", "-d", "--name", "second", "-p", "7001:81", IMAGE, "sleep", "1000"]);
        let exit = house.inspect("second")["State"]["ExitCode"].clone();
        let listening = TcpListener::bind("0.0.0.0:7001").is_err();
        house.ok(&["rm", "-f", "first", "second"]);
        assert_eq!(left(house), [""; 0]);
        (refused, clash, exit.to_string(), listening)
    });
}

#[test]
fn ports_are_chosen_where_the_user_leaves_it_open() {
    same_on_bridges(|house| {
        let run = |name: &str, flags: &[&str]| {
            house.ok(&[&["run", "-d", "--name", name], flags, &[IMAGE, "sleep", "1000"]].concat());
            house.ok(&["port", name])
        };
        let all = run("all", &["-P", "--expose", "70", "--expose", "71/udp"]).lines().count();
        let ranges = [run("one", &["-p", "6000-6001:80"]), run("two", &["-p", "6000-6001:80"])];
        let bad = [&["-p", "x:80"][..], &["-p", "80/foo"], &["-p", "1-2:3-5"], &["--mac-address", "x"]];
        let bad = bad.map(|flags| house.run(&[&["create"], flags, &[IMAGE, "true"]].concat()));
        house.ok(&["rm", "-f", "all", "one", "two"]);
        (all, ranges.to_vec(), bad.to_vec())
    });
}

#[test]
fn a_container_whose_watcher_was_killed_is_taken_off_its_network() {
    let house = House::bridged(&integration::Side::Ours, integration::Driver::Overlay2);
    house.load_golden();
    house.ok(&["run", "-d", "--name", "web", "-p", "8080:80", IMAGE, "sleep", "1000"]);
    for shim in house.shims() {
        integration::send(shim, "KILL");
    }
    house.ok(&["start", "web"]);
    house.ok(&["rm", "-f", "web"]);
    assert_eq!(left(&house), [""; 0]);
}

#[test]
fn what_one_engine_put_on_a_bridge_the_other_starts() {
    let theirs = integration::Side::first();
    let mut house = House::bridged(&theirs, integration::Driver::Overlay2);
    house.load_golden();
    house.ok(&["network", "create", "n1"]);
    server(&house, "web", &["--network", "n1", "-p", "8080:80"]);
    house.ok(&["stop", "-t", "0", "web"]);
    let known = ["bridge", "n1"]
        .map(|name| house.ok(&["network", "inspect", "-f", "{{.Id}} {{range .IPAM.Config}}{{.Subnet}}{{end}}", name]));

    house.hand_to(&integration::Side::Ours);
    assert_eq!(
        ["bridge", "n1"].map(|name| house.ok(&[
            "network",
            "inspect",
            "-f",
            "{{.Id}} {{range .IPAM.Config}}{{.Subnet}}{{end}}",
            name
        ])),
        known
    );
    house.ok(&["start", "web"]);
    assert_eq!(said_at("127.0.0.1:8080"), "web\n");
    server(&house, "mine", &["-p", "8081:80"]);
    assert_eq!(said_at("127.0.0.1:8081"), "mine\n");
    assert_eq!(settings(&house, "mine")["Networks"]["bridge"]["NetworkID"], known[0][..64]);
    house.ok(&["stop", "-t", "0", "web", "mine"]);
    let refused = house.run(&["network", "rm", "n1"]);
    assert!(refused.err.contains("only dockerd can remove it"), "{}", refused.err);

    house.hand_to(&theirs);
    house.ok(&["start", "web", "mine"]);
    assert_eq!(said_at("127.0.0.1:8080"), "web\n");
    assert_eq!(said_at("127.0.0.1:8081"), "mine\n");
    house.ok(&["rm", "-f", "web", "mine"]);
}

#[test]
fn containers_that_start_at_once_share_no_address_and_no_port() {
    let house = House::bridged(&integration::Side::Ours, integration::Driver::Overlay2);
    house.load_golden();
    let names = ["c0", "c1", "c2", "c3", "c4", "c5"];
    let going =
        names.map(|name| house.spawn(&["run", "-d", "-P", "--expose", "80", "--name", name, IMAGE, "sleep", "1000"]));
    for one in going {
        one.end().ok();
    }
    let places = names.map(|name| {
        let settings = settings(&house, name);
        (settings["IPAddress"].to_string(), settings["Ports"]["80/tcp"][0]["HostPort"].to_string())
    });
    let addresses: std::collections::BTreeSet<_> = places.iter().map(|(address, _)| address).collect();
    let ports: std::collections::BTreeSet<_> = places.iter().map(|(_, port)| port).collect();
    assert_eq!((addresses.len(), ports.len()), (6, 6), "{places:?}");
    house.ok(&[&["rm", "-f"], &names[..]].concat());
    assert_eq!(left(&house), [""; 0]);
}

/// minidock where `/usr/lib/podman` is empty.
fn without_netavark(house: &House, args: &[&str]) -> (i32, String) {
    let client = house.client();
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-c", "mount -t tmpfs none /usr/lib/podman && exec \"$@\"", "sh"]);
    command.arg(client.get_program()).args(client.get_args()).args(args);
    let said = command.output().expect("unshare is there");
    let text = [said.stdout, said.stderr].concat();
    (said.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn without_netavark_its_package_is_named_and_other_networks_work() {
    let house = House::bridged(&integration::Side::Ours, integration::Driver::Overlay2);
    house.load_golden();
    let run =
        |args: &[&str]| without_netavark(&house, &[&["run", "--rm"], args, &[IMAGE, "sh", "-c", "echo ran"]].concat());
    for network in ["none", "host"] {
        assert_eq!(run(&["--network", network]), (0, "ran\n".to_owned()));
    }
    let (code, text) = run(&[]);
    assert!(code == 0 && text.contains("ran\n") && text.contains("apt install netavark"), "{text}");
    for refused in [&["-p", "8080:80"][..], &["--network", "bridge"]] {
        let (code, text) = run(refused);
        assert!(code == 125 && text.contains("apt install netavark"), "{text}");
    }
    assert_eq!(house.ok(&["ps", "-aq"]), "", "nothing was made");
}
