//! Health checks: what is asked, what is said in `ps` and `inspect`, and what a dockerd finds of it.

use integration::{Driver, House, Side, same_on_both};

const IMAGE: &str = "busybox:golden";

/// What is known of a container's health, but for times.
fn health(house: &House, name: &str) -> Vec<String> {
    let health = house.inspect(name)["State"]["Health"].clone();
    let log = health["Log"].as_array().cloned().unwrap_or_default();
    let last = log.last().map(|probe| format!("{} {}", probe["ExitCode"], probe["Output"]));
    let times = log.iter().all(|probe| probe["Start"].as_str() < probe["End"].as_str());
    vec![
        health["Status"].to_string(),
        format!("{last:?}"),
        format!("at most five: {}, in order: {times}", log.len() <= 5),
    ]
}

fn begin(house: &House, name: &str, flags: &[&str]) {
    let all = [
        &["run", "-d", "--network", "none", "--health-interval", "100ms", "--name", name],
        flags,
        &[IMAGE, "sleep", "600"],
    ]
    .concat();
    house.ok(&all);
}

fn status(house: &House, name: &str) -> String {
    let text = house.ok(&["ps", "-a", "--filter", &format!("name={name}"), "--format", "{{.Status}}"]);
    text.rsplit_once('(').map(|(_, text)| text.to_owned()).unwrap_or_default()
}

#[test]
fn from_starting_to_healthy_to_unhealthy_and_back() {
    same_on_both(|house| {
        begin(house, "web", &["--health-retries", "2", "--health-cmd", "echo looked; test ! -e /ill"]);
        house.becomes("web", "{{.State.Health.Status}}", "healthy");
        let well = (health(house, "web"), status(house, "web"));
        house.ok(&["exec", "web", "busybox", "touch", "/ill"]);
        house.becomes("web", "{{.State.Health.Status}}", "unhealthy");
        let ill = (
            health(house, "web"),
            status(house, "web"),
            house.ok(&["ps", "--filter", "health=unhealthy", "--format", "{{.Names}}"]),
        );
        house.ok(&["exec", "web", "busybox", "rm", "/ill"]);
        house.becomes("web", "{{.State.Health.Status}} {{.State.Health.FailingStreak}}", "healthy 0");
        house.ok(&["stop", "-t", "0", "web"]);
        (well, ill, status(house, "web"))
    });
}

#[test]
fn commands_that_fail_hang_or_are_not_there() {
    same_on_both(|house| {
        begin(house, "none", &["--health-cmd", "exit 3"]);
        begin(house, "slow", &["--health-timeout", "150ms", "--health-cmd", "sleep 600"]);
        begin(house, "long", &["--health-cmd", "busybox seq 1 3000; exit 1"]);
        begin(house, "young", &["--health-start-period", "1h", "--health-cmd", "exit 1"]);
        house.ok(&["run", "-d", "--network", "none", "--no-healthcheck", "--name", "off", IMAGE, "sleep", "600"]);
        let mut told = Vec::new();
        for name in ["none", "slow", "long"] {
            house.becomes(name, "{{.State.Health.Status}}", "unhealthy");
            told.push(health(house, name));
        }
        house.becomes("young", "{{len .State.Health.Log}}", "5");
        told.push(health(house, "young"));
        let streak = house.ok(&["inspect", "-f", "{{.State.Health.FailingStreak}}", "young"]);
        let off = [
            house.run(&[
                "inspect",
                "-f",
                "{{.State.Health}} {{.Config.StopTimeout}} {{.HostConfig.Init}} {{.SizeRw}}",
                "off",
            ]),
            house.run(&["inspect", "-f", "{{.Config.Shell}} {{.Config.ExposedPorts}} {{.HostConfig.Tmpfs}}", "off"]),
            house.run(&["inspect", "-f", "{{.Config.MacAddress}}|{{.Config.StopSignal}}", "off"]),
            house.run(&["inspect", "-f", "{{.State.Health.Status}}", "off"]),
        ]
        .to_vec();
        (told.concat(), streak, off, house.ok(&["rm", "-f", "none", "slow", "long", "young", "off"]))
    });
}

#[test]
fn it_begins_anew_with_each_start_and_rests_while_it_is_held() {
    same_on_both(|house| {
        begin(house, "web", &["--health-cmd", "busybox date +%N > /looked"]);
        house.becomes("web", "{{.State.Health.Status}}", "healthy");
        house.ok(&["pause", "web"]);
        let held = status(house, "web");
        house.ok(&["unpause", "web"]);
        house.becomes("web", "{{.State.Health.Status}}", "healthy");
        house.ok(&["rm", "-f", "web"]);
        house.ok(&["run", "-d", "--network", "none", "--name", "late", "--health-cmd", "true", IMAGE, "sleep", "600"]);
        let starting = (health(house, "late"), status(house, "late"));
        house.ok(&["restart", "-t", "0", "late"]);
        let again = (health(house, "late"), status(house, "late"));
        house.ok(&["rm", "-f", "late"]);
        (held, starting, again)
    });
}

#[test]
fn a_dockerd_finds_it_as_it_was() {
    let mut house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    begin(&house, "web", &["--health-retries", "1", "--health-cmd", "echo ill; exit 1"]);
    house.becomes("web", "{{.State.Health.Status}}", "unhealthy");
    house.ok(&["stop", "-t", "0", "web"]);
    let before = health(&house, "web");
    house.hand_to(&Side::first());
    assert_eq!(health(&house, "web"), before);
    house.ok(&["start", "web"]);
    house.becomes("web", "{{.State.Health.Status}}", "unhealthy");
    house.ok(&["stop", "-t", "0", "web"]);
    house.hand_to(&Side::under_test());
    assert_eq!(health(&house, "web"), before);
}
