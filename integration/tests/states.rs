//! Containers in every state there is, with volumes of each kind, handed from one engine to the other: at rest, and
//! after everything that kept them was killed.

use integration::{Driver, House, Room, Side, forget_groups, signals};
use serde_json::Value;

const IMAGE: &str = "busybox:golden";

/// One container for each state; `dead` is made so by [`bury`].
fn furnish(house: &House) {
    let shared = house.room().join("shared");
    std::fs::create_dir_all(&shared).expect("a fresh room");
    let bind = format!("{}:/bound", shared.display());
    let volumes: [&[&str]; 5] = [
        &["-v", "named:/named"],
        &["-v", "/anonymous"],
        &["-v", &bind],
        &["--tmpfs", "/quick"],
        &["--mount", "type=volume,src=other,dst=/other,volume-label=a=b"],
    ];
    let run = |name: &str, flags: &[&str], script: &str| {
        let head = ["run", "-d", "--network", "none", "--name", name];
        house.ok(&[&head, flags, &volumes.concat(), &[IMAGE, "sh", "-c", script]].concat());
    };
    house
        .ok(&[&["create", "--network", "none", "--name", "created"], &volumes.concat()[..], &[IMAGE, "true"]].concat());
    run("exited", &[], "echo x > /anonymous/x; exit 3");
    house.ended("exited");
    run("dead", &[], "true");
    house.ended("dead");
    let stay =
        "for dir in named anonymous bound other; do echo $0 > /$dir/kept; done; echo y > /own; echo up; exec sleep 600";
    run("running", &[], stay);
    run("paused", &[], stay);
    run("restarting", &["--restart", "always"], "exit 5");
    for name in ["running", "paused"] {
        while house.ok(&["logs", name]).is_empty() {
            std::thread::yield_now();
        }
    }
    house.ok(&["pause", "paused"]);
    house.becomes("restarting", "{{.RestartCount}} {{.State.Restarting}}", "5 true");
}

/// Half of a removal: what dockerd writes when it cannot go on.
fn bury(house: &House, id: &str) {
    let path = house.path(&format!("containers/{id}/config.v2.json"));
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).expect("a record")).expect("JSON");
    record["State"]["Dead"] = true.into();
    house.overwrite(&path, &serde_json::to_vec(&record).expect("JSON"));
}

fn states(house: &House) -> Vec<String> {
    let all = ["created", "exited", "dead", "running", "paused"];
    let format = "{{.Name}} {{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Pid}}";
    all.iter().map(|name| house.ok(&["inspect", "-f", format, name])).collect()
}

/// What a container has mounted, and where its volumes are.
fn mounts(house: &House, name: &str) -> Vec<String> {
    let mounts = house.inspect(name)["Mounts"].clone();
    let mut all: Vec<String> = mounts
        .as_array()
        .expect("a list")
        .iter()
        .map(|mount| {
            let source = mount["Source"].as_str().unwrap_or_default();
            format!("{} {} {} {}", mount["Type"], mount["Destination"], mount["RW"], house.neutral(source))
        })
        .collect();
    all.sort();
    all
}

/// The next engine takes all of them over, and is through with them in the end.
fn take_over(house: &House) {
    assert_eq!(house.ok(&["start", "-a", "created"]), "");
    let dead = house.run(&["start", "dead"]);
    assert!(dead.err.contains("marked for removal"), "{dead:?}");
    for name in ["running", "paused"] {
        house.ok(&["start", name]);
        for dir in ["named", "anonymous", "bound", "other"] {
            house.ok(&["exec", name, "busybox", "test", "-e", &format!("/{dir}/kept")]);
        }
        assert_eq!(house.ok(&["exec", name, "cat", "/own"]), "y");
        assert!(house.ok(&["diff", name]).contains("A /own"));
    }
    house.becomes("restarting", "{{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}}", "5 always");
    let code = house.ok(&["inspect", "-f", "{{.State.ExitCode}}", "exited"]);
    assert_eq!(code, "3");
    for name in ["created", "exited", "dead", "running", "paused", "restarting"] {
        house.ok(&["rm", "-f", "-v", name]);
    }
    assert_eq!(house.ok(&["ps", "-aq"]), "");
    let volumes = house.ok(&["volume", "ls", "--format", "{{.Name}} {{.Labels}}"]);
    let mut volumes: Vec<_> = volumes.lines().map(str::trim_end).collect();
    volumes.sort_unstable();
    assert_eq!(volumes, ["named", "other a=b"], "the named ones stay, with their labels");
}

fn hand_over(one: &Side, other: &Side) {
    let mut house = House::open(one, Driver::Overlay2);
    house.load_golden();
    furnish(&house);
    let id = house.ok(&["inspect", "-f", "{{.Id}}", "dead"]);
    let mounted: Vec<_> = ["created", "exited", "running"].map(|name| mounts(&house, name)).into();
    if house.is_ours() {
        let refused = house.try_hand_to(other).expect_err("our shims keep a dockerd away");
        assert!(refused.contains("metadata.db") || refused.contains("timeout"), "{refused}");
        house.try_hand_to(one).expect("back");
    }
    house.lose_power();
    bury(&house, &id);
    house.hand_to(other);
    let rest = [
        "/created created false false 0",
        "/exited exited false false 0",
        "/dead dead false false 0",
        "/running exited false false 0",
        "/paused exited false false 0",
    ];
    assert_eq!(states(&house), rest, "from {} to {}", one.name(), other.name());
    let now: Vec<_> = ["created", "exited", "running"].map(|name| mounts(&house, name)).into();
    assert_eq!(now, mounted, "from {} to {}", one.name(), other.name());
    if house.is_ours() {
        house.ok(&["boot"]);
    }
    take_over(&house);
}

#[test]
fn every_state_from_minidock_to_dockerd() {
    hand_over(&Side::under_test(), &Side::first());
}

#[test]
fn every_state_from_dockerd_to_minidock() {
    hand_over(&Side::first(), &Side::under_test());
}

/// Not the power: only our shims. The mounts they had stay, as a dockerd's stay when it is killed, and what was held
/// still stays so where the kernel kills no held process (cgroup v1).
#[test]
fn after_all_shims_were_killed_a_dockerd_goes_on() {
    let room = Room::new();
    let root = room.path().join("root");
    std::fs::create_dir(&root).expect("a fresh room");
    // As on a system with systemd, where mounts are shared: else dockerd covers its data root with itself, and what
    // is mounted below.
    rustix::mount::mount_bind(&root, &root).expect("root");
    rustix::mount::mount_change(&root, rustix::mount::MountPropagationFlags::SHARED).expect("root");
    let mut house = House::on(&Side::under_test(), Driver::Overlay2, room, root);
    house.load_golden();
    furnish(&house);
    let held: u32 = house.ok(&["inspect", "-f", "{{.State.Pid}}", "paused"]).parse().expect("a number");
    let id = house.ok(&["inspect", "-f", "{{.Id}}", "dead"]);
    let ids = house.containers();
    house.kill_shims();
    while !house.shims().is_empty() {
        std::thread::yield_now();
    }
    bury(&house, &id);
    house.hand_to(&Side::first());
    take_over(&house);
    signals::kill_held(held);
    ids.iter().for_each(|id| forget_groups(id));
}
