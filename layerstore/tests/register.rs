//! Registering and deleting layers: in one pass, many at once, by many at once, and cut short.

mod support;

use std::{cell::RefCell, process::Command, rc::Rc};

use base::{ChainId, DiffId, Digest, chain_id};
use layerstore::{Access, Batch, LayerStore};
use support::{Root, claiming_link_entry, dir_entry, entry, none_needed, tar, tar_split};
use sys::steps::{counted, failing_at, stopped_at};

const DRIVERS: [&str; 2] = ["overlay2", "vfs"];

fn layer(number: usize) -> Vec<u8> {
    tar(&[dir_entry("d/"), entry(&format!("d/{number}"), format!("layer {number}").as_bytes())])
}

/// Adds the layers of these numbers, each on the one before; returns their chain ids.
fn add(batch: &mut Batch<'_>, numbers: impl IntoIterator<Item = usize>) -> layerstore::Result<Vec<ChainId>> {
    let mut chains: Vec<ChainId> = Vec::new();
    for number in numbers {
        let added = batch.add(chains.last(), &mut &layer(number)[..], &mut |_| {})?;
        chains.push(added.layer.chain);
    }
    Ok(chains)
}

fn register(store: &LayerStore, numbers: impl IntoIterator<Item = usize>) -> Vec<ChainId> {
    let mut batch = store.batch();
    let chains = add(&mut batch, numbers).expect("add");
    batch.publish().expect("publish").keep();
    chains
}

/// The store has these layers and the driver what they name, nothing else is anywhere.
fn holds_only(root: &Root, chains: &[ChainId]) {
    let store = root.store();
    let mut wanted = chains.to_vec();
    wanted.sort();
    wanted.dedup();
    assert_eq!(store.layers().expect("list"), wanted);
    let mut cached: Vec<_> =
        wanted.iter().map(|chain| store.layer(chain).expect("read").expect("there").cache_id.layer().clone()).collect();
    cached.sort();
    assert_eq!(store.driver().list().expect("list"), cached);
    assert_eq!(sys::list_dir(root.layerdb().join("tmp")).expect("list"), Vec::<std::ffi::OsString>::new());
    for chain in &wanted {
        store.write_tar(chain, &mut std::io::sink()).expect("whole");
        store.view_layer(chain).expect("it rests on what is there");
    }
}

#[test]
fn a_layer_is_known_by_its_tar() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let bytes = [layer(1), vec![0; 4096], b"what follows the end".to_vec()].concat();
        let mut told = 0;
        let (registered, published) = store.register(None, &mut &bytes[..], &mut |read| told = read).expect("register");
        published.keep();
        let diff = DiffId::new(Digest::of(&bytes));
        assert_eq!((registered.layer.diff, registered.layer.chain), (diff, chain_id(None, &diff)));
        assert_eq!((registered.layer.size, told), (7, bytes.len() as u64));
        let mut again = Vec::new();
        store.write_tar(&registered.layer.chain, &mut again).expect("write");
        assert!(again == bytes);
        assert_eq!(store.tar_size(&registered.layer.chain).expect("size"), bytes.len() as u64);
        let lines = tar_split(&root.layerdb().join("sha256").join(registered.layer.chain.hex()));
        assert!(lines.lines().nth(3).is_some_and(|line| line.starts_with("{\"type\":1,\"name\":\"d/1\",\"size\":7,")));
        holds_only(&root, &[registered.layer.chain]);
    }
}

#[test]
fn a_tar_is_as_long_as_was_said_before() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let file = [entry("full", b"hello"), entry("empty", b""), claiming_link_entry("link", "empty", 5)];
        let bytes = tar(&file);
        let (registered, published) = store.register(None, &mut &bytes[..], &mut |_| {}).expect("register");
        published.keep();
        let chain = registered.layer.chain;
        let mut again = Vec::new();
        store.write_tar(&chain, &mut again).expect("write");
        assert!(again == bytes);
        assert_eq!(store.tar_size(&chain).expect("size"), bytes.len() as u64, "{driver}");
    }
}

#[test]
fn what_is_there_already_is_kept_and_the_new_one_removed() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let chains = register(&store, [1, 2, 3]);
        let cache = store.layer(&chains[0]).expect("read").expect("there").cache_id;
        let mut batch = store.batch();
        let again = batch.add(None, &mut &layer(1)[..], &mut |_| {}).expect("add");
        assert!(again.existed);
        assert_eq!(again.layer.cache_id, cache);
        add(&mut batch, [1, 2, 4]).expect("add");
        let fourth = batch.publish().expect("publish");
        let mut all = chains.clone();
        all.extend(fourth.pins().iter().map(|pin| *pin.chain()));
        fourth.keep();
        holds_only(&root, &all);
        assert_eq!(store.layers().expect("list").len(), 4);
    }
}

#[test]
fn the_files_have_dockerds_names_modes_and_bytes() {
    use std::os::unix::fs::MetadataExt;
    let root = Root::fresh("overlay2");
    let store = root.store();
    let chains = register(&store, [1, 2]);
    let dir = root.layerdb().join("sha256").join(chains[1].hex());
    let mode = |path: &std::path::Path| path.metadata().expect("stat").mode() & 0o7777;
    assert_eq!(
        [root.layerdb(), root.layerdb().join("sha256"), dir.clone()].map(|dir| mode(&dir)),
        [0o700, 0o755, 0o700]
    );
    assert_eq!(mode(&root.layerdb().join("tmp")), 0o755);
    let names: Vec<_> = sys::list_dir(&dir).expect("list");
    assert_eq!(names, ["cache-id", "diff", "parent", "size", "tar-split.json.gz"]);
    assert!(names.iter().all(|name| mode(&dir.join(name)) == 0o644));
    let read = |name: &str| String::from_utf8(std::fs::read(dir.join(name)).expect("read")).expect("text");
    assert_eq!((read("size"), read("parent")), ("7".to_owned(), chains[0].to_string()));
    assert_eq!(read("diff"), DiffId::new(Digest::of(&layer(2))).to_string());
}

#[test]
fn any_number_of_layers_costs_two_flushes() {
    for (numbers, wanted) in [(0..1, vec!["syncfs", "fsync"]), (0..9, vec!["syncfs", "fsync"]), (0..9, vec![])] {
        let root = Root::fresh("overlay2");
        let store = root.store();
        if wanted.is_empty() {
            register(&store, numbers.clone());
        }
        assert_eq!(flushes(|| register(&store, numbers)), wanted);
    }
}

#[test]
fn content_is_durable_before_its_name_is() {
    let root = Root::fresh("overlay2");
    let store = root.store();
    let seen = calls(|| register(&store, 0..2));
    let at = |wanted: &str| seen.iter().position(|call| call == wanted).expect("it was called");
    let (last_write, first_rename) = (seen.iter().rposition(|call| call == "write"), at("rename"));
    assert!(last_write < Some(at("syncfs")) && at("syncfs") < first_rename, "{seen:?}");
    let last_rename = seen.iter().rposition(|call| call == "rename").expect("it was called");
    assert!(last_rename < at("fsync"), "{seen:?}");
}

/// The calls that `work` makes to change something, in order.
fn calls<T>(work: impl FnOnce() -> T) -> Vec<String> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&seen);
    sys::steps::watched(
        move |call, _| {
            noted.borrow_mut().push(call.to_owned());
            true
        },
        work,
    );
    seen.take()
}

fn flushes<T>(work: impl FnOnce() -> T) -> Vec<String> {
    calls(work).into_iter().filter(|call| call.contains("sync")).collect()
}

#[test]
fn what_came_after_a_mark_can_be_taken_back() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let mut batch = store.batch();
        assert!(batch.is_empty());
        let kept = add(&mut batch, [1, 2]).expect("add");
        let mark = batch.mark();
        add(&mut batch, [1, 2, 3, 4]).expect("add");
        batch.rewind(mark);
        assert!(!batch.is_empty());
        batch.publish().expect("publish").keep();
        holds_only(&root, &kept);
    }
}

#[test]
fn the_126th_layer_is_too_deep() {
    let root = Root::fresh("overlay2");
    let store = root.store();
    let mut batch = store.batch();
    let chains = add(&mut batch, 0..125).expect("125 are fine");
    let refused = batch.add(chains.last(), &mut &layer(125)[..], &mut |_| {}).expect_err("too deep");
    assert_eq!(refused.to_string(), "max depth exceeded");
    batch.publish().expect("publish").keep();
    let refused = store.register(chains.last(), &mut &layer(125)[..], &mut |_| {}).expect_err("too deep");
    assert_eq!(refused.to_string(), "max depth exceeded");
    assert_eq!(store.layers().expect("list").len(), 125);
}

#[test]
fn a_bad_tar_leaves_nothing_and_the_batch_goes_on() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let mut batch = store.batch();
        let first = batch.add(None, &mut &layer(1)[..], &mut |_| {}).expect("add").layer.chain;
        let bad: [(Vec<u8>, &str); 3] = [
            (
                tar(&[entry("a", b"1"), entry("./a", b"2")]),
                "Error processing tar file(duplicates of file paths not supported): ",
            ),
            (layer(2)[..700].to_vec(), "Error processing tar file(exit status 1): unexpected EOF"),
            (vec![1; 2048], "Error processing tar file(exit status 1): archive/tar: invalid tar header"),
        ];
        for (tar, words) in bad {
            let refused = batch.add(Some(&first), &mut &tar[..], &mut |_| {}).expect_err(words);
            assert_eq!(refused.to_string(), words);
        }
        let ghost = ChainId::new(Digest::of(b"ghost"));
        let refused = batch.add(Some(&ghost), &mut &layer(2)[..], &mut |_| {}).expect_err("no parent");
        assert_eq!(refused.to_string(), "layer does not exist");
        batch.publish().expect("publish").keep();
        holds_only(&root, &[first]);
    }
}

#[test]
fn a_registration_that_fails_or_dies_anywhere_leaves_nothing() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let _locks_are_free = support::without_forks();
        let store = root.store();
        let base = register(&store, [0]);
        let work = || -> layerstore::Result<()> {
            let mut batch = store.batch();
            add(&mut batch, 0..3)?;
            // The image is never written.
            drop(batch.publish()?);
            Ok(())
        };
        let (done, steps) = counted(work);
        done.expect("nothing is in the way");
        let recover = || root.store().recover(&|chain| base.contains(chain)).expect("recover");
        recover();
        holds_only(&root, &base);
        for step in 0..steps {
            drop(failing_at(step, work));
            recover();
            holds_only(&root, &base);
            drop(stopped_at(step, work));
            recover();
            holds_only(&root, &base);
        }
    }
}

#[test]
fn a_deletion_that_dies_anywhere_can_be_finished() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let _locks_are_free = support::without_forks();
        let store = root.store();
        let base = register(&store, [0]);
        let needed = |chain: &ChainId| base.contains(chain);
        let top = |chains: Vec<ChainId>| *chains.last().expect("three");
        let (deleted, steps) = counted({
            let top = top(register(&store, 0..3));
            move || store.release(&top, &needed).map(|deleted| (deleted.len(), store))
        });
        let (deleted, store) = deleted.expect("nothing is in the way");
        assert_eq!(deleted, 2);
        holds_only(&root, &base);
        for step in 0..steps {
            let top = top(register(&store, 0..3));
            drop(stopped_at(step, || store.release(&top, &needed)));
            root.store().recover(&needed).expect("recover");
            root.store().release(&top, &needed).expect("release");
            holds_only(&root, &base);
        }
    }
}

#[test]
fn a_pinned_layer_is_not_deleted() {
    let root = Root::fresh("overlay2");
    let store = root.store();
    let chains = register(&store, 0..3);
    let pin = store.pin(&chains[1]).expect("lock").expect("it is there");
    assert_eq!(store.release(&chains[2], &none_needed).expect("release"), chains[2..]);
    drop(pin);
    assert_eq!(store.release(&chains[1], &none_needed).expect("release"), [chains[1], chains[0]]);
    holds_only(&root, &[]);
}

#[test]
fn layers_of_live_work_are_not_recovered() {
    let root = Root::fresh("overlay2");
    let store = root.store();
    let mut batch = store.batch();
    let chains = add(&mut batch, 0..2).expect("add");
    let other = root.store();
    assert_eq!(other.recover(&none_needed).expect("recover").leftovers.len(), 0);
    let published = batch.publish().expect("publish");
    assert_eq!(other.recover(&none_needed).expect("recover").layers, []);
    assert_eq!(other.release(&chains[1], &none_needed).expect("release"), [], "the image is still to be written");
    published.keep();
    holds_only(&root, &chains);
}

#[test]
fn many_threads_registering_the_same_layers_end_with_one_of_each() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let ready = std::sync::Barrier::new(4);
        let chains: Vec<_> = std::thread::scope(|threads| {
            let work = |own: usize| {
                let (store, ready) = (&store, &ready);
                threads.spawn(move || {
                    let mut batch = store.batch();
                    let chains = add(&mut batch, [0, 1, own]).expect("add");
                    ready.wait(); // All have unpacked layers that only one can publish.
                    batch.publish().expect("publish").keep();
                    chains
                })
            };
            let running: Vec<_> = [2, 2, 3, 4].map(work).into_iter().collect();
            running.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        holds_only(&root, &chains);
        assert_eq!(store.layers().expect("list").len(), 5);
    }
}

/// Run as a child of itself: `CHILD` holds the data root and the number of the layer of its own.
#[test]
fn processes_registering_and_deleting_beside_each_other_lose_nothing() {
    const CHILD: &str = "LAYERSTORE_TEST_CHILD";
    if let Ok(task) = std::env::var(CHILD) {
        let (root, number) = task.split_once('|').expect("root and number");
        let store = support::open(std::path::Path::new(root), "overlay2", Access::ReadWrite);
        let number: usize = number.parse().expect("a number");
        let kept = |chain: &ChainId| chains_of(&[0, 1, 2]).contains(chain);
        for round in 0..6 {
            let mut batch = store.batch();
            let chains = add(&mut batch, [0, 1, 10 + (number + round) % 3]).expect("add");
            batch.publish().expect("publish").keep();
            let _alone = store.lock().expect("lock");
            store.release(&chains[2], &kept).expect("release");
            store.recover(&kept).expect("recover");
        }
        return;
    }
    let root = Root::fresh("overlay2");
    let kept = register(&root.store(), [0, 1, 2]);
    assert_eq!(kept, chains_of(&[0, 1, 2]));
    let children: Vec<_> = (0..3)
        .map(|number| {
            Command::new(std::env::current_exe().expect("this test"))
                .args(["--exact", "processes_registering_and_deleting_beside_each_other_lose_nothing"])
                .env(CHILD, format!("{}|{number}", root.path().display()))
                .output_later()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("wait");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = root.store();
    let _alone = store.lock().expect("lock");
    for number in 10..13 {
        let top = chains_of(&[0, 1, number])[2];
        store.release(&top, &|chain| kept.contains(chain)).expect("release");
    }
    holds_only(&root, &kept);
}

trait OutputLater {
    fn output_later(&mut self) -> std::process::Child;
}

impl OutputLater for Command {
    fn output_later(&mut self) -> std::process::Child {
        support::start(self.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped())).expect("spawn")
    }
}

fn chains_of(numbers: &[usize]) -> Vec<ChainId> {
    let mut chains: Vec<ChainId> = Vec::new();
    for number in numbers {
        chains.push(chain_id(chains.last(), &DiffId::new(Digest::of(&layer(*number)))));
    }
    chains
}

#[test]
fn what_is_no_directory_at_a_layers_place_is_an_error_and_nothing_is_left() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let chain = chains_of(&[1])[0];
        let place = root.layerdb().join("sha256").join(chain.hex());
        sys::create_dir_all(root.layerdb().join("sha256"), 0o755).expect("mkdir");
        sys::write_new(&place, b"", 0o644).expect("write");
        let refused = store.register(None, &mut &layer(1)[..], &mut |_| {}).expect_err("something is there");
        assert_eq!(refused.to_string(), format!("rename {}: not a directory", place.display()));
        store.recover(&none_needed).expect("recover");
        assert_eq!(store.driver().list().expect("list"), []);
        assert_eq!(sys::list_dir(root.layerdb().join("tmp")).expect("list"), Vec::<std::ffi::OsString>::new());
    }
}

#[test]
fn a_driver_on_another_file_system_is_flushed_too() {
    let (root, elsewhere) = (Root::fresh("overlay2"), std::path::Path::new("/dev/shm/minidock-elsewhere"));
    let elsewhere = elsewhere.with_extension(std::process::id().to_string());
    sys::create_dir(&elsewhere, 0o710).expect("mkdir");
    sys::symlink(&elsewhere, root.home()).expect("symlink");
    let store = root.store();
    let synced = flushes(|| store.sync().expect("sync"));
    let apart = flushes(|| store.sync_apart_from(&root.path()).expect("sync"));
    let from_home = flushes(|| store.sync_apart_from(&elsewhere).expect("sync"));
    sys::remove_tree(&elsewhere).expect("remove");
    assert_eq!((synced.len(), apart.len(), from_home.len()), (2, 1, 1));
    let root = Root::fresh("vfs");
    let store = root.store();
    assert_eq!(flushes(|| store.sync_apart_from(store.driver().home()).expect("sync")).len(), 0);
}
