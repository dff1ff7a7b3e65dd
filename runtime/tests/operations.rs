//! `create` and `rm` on a data root of their own, with every one of their steps failing once, and
//! the machine stopping at every one of them. Nothing is run.

use std::{collections::BTreeSet, ffi::OsString, path::Path};

use images::Import;
use runtime::{Flags, Home, HomeOptions, PsRequest, RmRequest, create::CreateError, rm::RmError};

/// A data root with an image of one file, `/etc/passwd`.
struct House {
    dir: tempfile::TempDir,
    home: Home,
}

/// What a container leaves if it is not removed as a whole.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    containers: BTreeSet<OsString>,
    mounts: BTreeSet<OsString>,
    layers: usize,
    links: usize,
    volumes: usize,
    unfinished: usize,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let options = HomeOptions { data_root: Some(dir.path().join("root")), ..HomeOptions::default() };
        let home = Home::open(options).expect("a home");
        let writer = home.writer().expect("root may write");
        let layers = home.layers_for(&writer).expect("layers");
        let changes = ["VOLUME /data", "WORKDIR /work"].map(str::to_owned);
        let import = Import { name: Some("base:1".parse().expect("a name")), message: None, changes: &changes };
        home.images().import(&layers, &mut tar().as_slice(), &import, &mut |_| {}).expect("imported");
        Self { dir, home }
    }

    fn flags(name: &str) -> Flags {
        Flags {
            name: Some(name.to_owned()),
            image: "base:1".to_owned(),
            command: vec!["true".to_owned()],
            network: Some("none".to_owned()),
            ..Flags::default()
        }
    }

    fn create(&self, name: &str) -> Result<runtime::Created, CreateError> {
        runtime::create(&self.home, Self::flags(name).request())
    }

    fn rm(&self, name: &str) -> Result<(), RmError> {
        runtime::rm(&self.home, &RmRequest { container: name.to_owned(), volumes: true, ..RmRequest::default() })
    }

    fn names(&self) -> Vec<String> {
        let request = PsRequest { all: true, ..PsRequest::default() };
        let listed = runtime::ps(&self.home, &request).expect("listed");
        assert_eq!(listed.damaged, Vec::<String>::new());
        listed.rows.into_iter().map(|row| row.name).collect()
    }

    fn traces(&self) -> Traces {
        let list = |path: &str| -> BTreeSet<OsString> {
            sys::list_dir(self.dir.path().join("root").join(path)).expect(path).into_iter().collect()
        };
        Traces {
            containers: list("containers"),
            mounts: list("image/overlay2/layerdb/mounts"),
            layers: list("overlay2").len(),
            links: list("overlay2/l").len(),
            volumes: list("volumes").len(),
            unfinished: list("image/overlay2/layerdb/tmp").len(),
        }
    }
}

/// `etc/passwd` alone.
fn tar() -> Vec<u8> {
    let mut head = [0_u8; 512];
    let mut put = |at: usize, text: &[u8]| head[at..at + text.len()].copy_from_slice(text);
    put(0, b"etc/passwd");
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, b"00000000007\0");
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = head.to_vec();
    bytes.extend_from_slice(b"root:x\n");
    bytes.resize(4 * 512, 0);
    bytes
}

fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}

#[test]
fn a_container_is_made_whole_and_removed_without_a_trace() {
    let house = House::new();
    // The first container makes directories that stay.
    house.create("first").expect("made");
    let before = house.traces();
    let id = house.create("web").expect("made").id;
    assert_eq!(house.names(), ["web", "first"]);
    let dir = house.home.container_dir(&id);
    assert!(["config.v2.json", "hostconfig.json", "checkpoints"].iter().all(|name| exists(dir.join(name))));
    assert_eq!(house.traces().volumes, before.volumes + 1);
    house.rm("web").expect("removed");
    assert_eq!(house.traces(), before);
}

#[test]
fn a_name_is_given_once() {
    let house = House::new();
    house.create("web").expect("made");
    let before = house.traces();
    let words = house.create("web").expect_err("taken").to_string();
    assert!(words.starts_with("Conflict. The container name \"/web\" is already in use by container"), "{words}");
    assert_eq!(house.traces(), before);
}

#[test]
fn a_create_that_fails_at_any_step_leaves_nothing() {
    let house = House::new();
    house.create("first").expect("made");
    let before = house.traces();
    let (made, steps) = sys::steps::counted(|| house.create("web"));
    made.expect("made");
    house.rm("web").expect("removed");
    let mut failures = 0;
    for step in 0..steps {
        match sys::steps::failing_at(step, || house.create("web")) {
            Ok(_) => house.rm("web").expect("removed"),
            Err(_) => failures += 1,
        }
        assert_eq!(house.traces(), before, "step {step} of {steps}");
    }
    assert!(failures > steps / 2, "{failures} of {steps} steps made it fail");
}

#[test]
fn a_create_that_dies_at_any_step_is_cleared_away_by_the_next() {
    let house = House::new();
    house.create("first").expect("made");
    let before = house.traces();
    let (made, steps) = sys::steps::counted(|| house.create("web"));
    made.expect("made");
    house.rm("web").expect("removed");
    for step in 0..steps {
        let died = sys::steps::stopped_at(step, || house.create("web"));
        let there = house.names().contains(&"web".to_owned());
        assert!(there || died.is_err(), "what was acknowledged is there: step {step}");
        if there {
            house.rm("web").expect("removed");
        }
        house.create("next").expect("made");
        house.rm("next").expect("removed");
        let after = house.traces();
        // A volume whose container never was is nobody's: fsck will say so.
        assert!(after.volumes <= before.volumes + step + 1);
        assert_eq!(Traces { volumes: before.volumes, ..after }, before, "step {step} of {steps}");
    }
}

#[test]
fn a_removal_that_dies_at_any_step_is_finished_by_the_next_writer() {
    let house = House::new();
    house.create("first").expect("made");
    let before = house.traces();
    house.create("web").expect("made");
    let (removed, steps) = sys::steps::counted(|| house.rm("web"));
    removed.expect("removed");
    for step in 0..steps {
        house.create("web").expect("made");
        let died = sys::steps::stopped_at(step, || house.rm("web"));
        let there = house.names().contains(&"web".to_owned());
        assert!(!there || died.is_err(), "what was acknowledged is gone: step {step}");
        if there {
            house.rm("web").expect("removed");
        }
        house.create("next").expect("made");
        house.rm("next").expect("removed");
        let after = house.traces();
        assert_eq!(Traces { volumes: before.volumes, ..after }, before, "step {step} of {steps}");
    }
}

#[test]
fn creating_and_removing_flush_no_more_than_they_must() {
    let house = House::new();
    let flushes = |work: &dyn Fn()| {
        let count = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let seen = std::rc::Rc::clone(&count);
        let watcher = move |call: &'static str, _: &Path| {
            if call.contains("sync") {
                seen.borrow_mut().push(call);
            }
            true
        };
        sys::steps::watched(watcher, work);
        count.take()
    };
    assert_eq!(flushes(&|| drop(house.create("web").expect("made"))), ["syncfs", "fsync"]);
    // The container's directory leaves, and its anonymous volume's.
    assert_eq!(flushes(&|| house.rm("web").expect("removed")), ["fsync", "fsync"]);
}

#[test]
fn two_at_once_make_one_container_of_one_name() {
    let house = House::new();
    let made: Vec<bool> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| house.create("web").is_ok())).collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    assert_eq!(house.names(), ["web"]);
    assert_eq!(house.traces().mounts.len(), 1);
}

#[test]
fn what_is_not_there_cannot_be_removed() {
    let words = House::new().rm("ghost").expect_err("nothing there").to_string();
    assert_eq!(words, "No such container: ghost");
}
