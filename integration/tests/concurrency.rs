//! Many commands at once on one data root: each is right, as if it had been alone.

use std::thread;

use integration::images::golden;
use integration::{Driver, House, Said, Side, same_on_both};

/// Runs every command at the same time and returns what they said, in the order given.
fn at_once(house: &House, commands: &[Vec<String>]) -> Vec<Said> {
    thread::scope(|scope| {
        let going: Vec<_> = commands
            .iter()
            .map(|command| {
                scope.spawn(move || {
                    let args: Vec<_> = command.iter().map(String::as_str).collect();
                    house.run(&args)
                })
            })
            .collect();
        going.into_iter().map(|said| said.join().expect("no panic")).collect()
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn codes(said: &[Said]) -> Vec<i32> {
    let mut codes: Vec<_> = said.iter().map(|said| said.code).collect();
    codes.sort_unstable();
    codes
}

/// Different containers do not disturb each other.
#[test]
fn each_its_own_container() {
    same_on_both(|house| {
        let all = |verb: &str| (0..8).map(|number| words(&verb.replace('#', &number.to_string()))).collect::<Vec<_>>();
        let created = codes(&at_once(house, &all("create --network none --name c# busybox:golden sh -c true")));
        let started = codes(&at_once(house, &all("start -a c#")));
        let run = codes(&at_once(house, &all("run --rm --network none busybox:golden cat /data/kept")));
        let names = house.run(&["ps", "-a", "--format", "{{.Names}} {{.State}}"]).sorted();
        let removed = codes(&at_once(house, &all("rm c#")));
        (created, started, run, names, removed, house.tree("containers"), house.tree("image/DRIVER/layerdb/mounts"))
    });
}

/// Of several that want one name, one gets it; the others say who has it and leave nothing.
#[test]
fn one_name_for_one() {
    same_on_both(|house| {
        let same = vec![words("create --network none --name only busybox:golden"); 6];
        let said = at_once(house, &same);
        let conflict = said.iter().filter(|said| said.err.contains("is already in use by container")).count();
        let count = |inside: &str| std::fs::read_dir(house.path(inside)).expect("it is there").count();
        (codes(&said), conflict, count("containers"), count("image/DRIVER/layerdb/mounts"), count("DRIVER"))
    });
}

/// Starting, stopping and removing one container from several sides ends in one state, and no two of them run it.
#[test]
fn one_container_from_several_sides() {
    same_on_both(|house| {
        house.ok(&[
            "create",
            "--network",
            "none",
            "--name",
            "one",
            "busybox:golden",
            "sh",
            "-c",
            "echo x >> /started; sleep 1000",
        ]);
        let started = codes(&at_once(house, &vec![words("start one"); 6]));
        while house.ok(&["exec", "one", "sh", "-c", "cat /started 2>/dev/null || true"]).is_empty() {
            thread::yield_now();
        }
        let times = house.run(&["exec", "one", "wc", "-l", "/started"]);
        let killed = at_once(house, &vec![words("rm -f one"); 4]);
        // Those who come late may find it gone or going; nobody may fail otherwise.
        let others = killed
            .iter()
            .filter(|said| {
                said.code != 0 && !said.err.contains("already in progress") && !said.err.contains("No such container")
            })
            .count();
        (started, times, others, house.run(&["ps", "-a"]), house.tree("containers"))
    });
}

/// The same image loaded several times at once, while another is removed.
#[test]
fn one_image_from_several_sides() {
    same_on_both(|house| {
        let path = house.write("golden.tar", golden()).display().to_string();
        house.ok(&["rmi", "busybox:golden"]);
        let said = codes(&at_once(house, &vec![words(&format!("load -q -i {path}")); 4]));
        let layers = std::fs::read_dir(house.path("image/DRIVER/layerdb/sha256")).expect("layers").count();
        let dirs = std::fs::read_dir(house.path("DRIVER")).expect("the driver's").count();
        let runs = house.run(&["run", "--rm", "--network", "none", "busybox:golden", "cat", "/data/changed"]);
        (said, layers, dirs, house.saved(&["busybox:golden"]), runs)
    });
}

/// Entries of a directory, without those that a store keeps for itself.
fn entries(house: &House, inside: &str) -> usize {
    std::fs::read_dir(house.path(inside)).map_or(0, |entries| entries.flatten().count())
}

/// Control groups that still name one of these containers.
fn groups(ids: &[String]) -> usize {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
    let points = mounts.lines().filter(|line| line.contains(" - cgroup")).filter_map(|line| line.split(' ').nth(4));
    points
        .map(|point| ids.iter().filter(|id| std::path::Path::new(point).join("minidock").join(id).exists()).count())
        .sum()
}

/// Two hundred containers by eight who know nothing of each other.
#[test]
fn two_hundred_come_and_go() {
    const EACH: usize = 25;
    let house = House::open(&Side::under_test(), Driver::Overlay2);
    house.load_golden();
    let before =
        ["containers", "image/DRIVER/layerdb/mounts", "DRIVER", "DRIVER/l"].map(|inside| entries(&house, inside));
    let each = |act: &(dyn Fn(usize) + Sync)| {
        thread::scope(|scope| {
            for worker in 0..8 {
                scope.spawn(move || (0..EACH).for_each(|number| act(worker * EACH + number)));
            }
        });
    };
    each(&|number| {
        let name = format!("c{number}");
        house.ok(&["run", "-d", "--network", "none", "--name", &name, "busybox:golden", "sleep", "600"]);
        house.ok(&["exec", &name, "sh", "-c", &format!("echo {number} > /mine")]);
    });
    let ids: Vec<String> = house.ok(&["ps", "-q", "--no-trunc"]).lines().map(str::to_owned).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (8 * EACH, 8 * EACH), "none lost, none doubled");
    assert_eq!(house.shims().len(), 8 * EACH, "one shim for each");
    each(&|number| {
        let name = format!("c{number}");
        assert_eq!(house.ok(&["exec", &name, "cat", "/mine"]), number.to_string());
        house.ok(&["stop", "-t", "0", &name]);
        house.ok(&["rm", &name]);
    });
    assert_eq!(house.ok(&["ps", "-aq"]), "");
    let after =
        ["containers", "image/DRIVER/layerdb/mounts", "DRIVER", "DRIVER/l"].map(|inside| entries(&house, inside));
    assert_eq!(after, before, "what is on disk");
    assert_eq!(house.mounts(), Vec::<String>::new(), "no mount");
    assert_eq!(house.shims(), Vec::<u32>::new(), "no process");
    assert_eq!(groups(&ids), 0, "no control group");
}
