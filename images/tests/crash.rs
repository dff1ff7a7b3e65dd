//! Processes that die, or fail, at any step: what is acknowledged is there, and recovery leaves
//! nothing of the rest.

mod support;

use std::{cell::RefCell, rc::Rc};

use base::ImageId;
use images::{How, Images, Input, LoadError, User};
use layerstore::LayerStore;
use support::{Root, archive, layer};
use sys::steps::{counted, failing_at, stopped_at, watched};

const DRIVERS: [&str; 2] = ["overlay2", "vfs"];

fn unused(_: &ImageId) -> Vec<User> {
    Vec::new()
}

fn made() -> Vec<u8> {
    archive(&[layer("a"), layer("b")], r#"["t:1"]"#)
}

fn recover(root: &Root) {
    root.images().recover(&root.layers()).expect("recover");
}

fn remove(root: &Root, typed: &str) -> Result<(), images::RemoveError> {
    remove_from(&root.images(), &root.layers(), typed)
}

fn remove_from(images: &Images, layers: &LayerStore, typed: &str) -> Result<(), images::RemoveError> {
    images.remove(layers, typed, How::default(), &unused).map(drop)
}

fn load_into(root: &Root, images: &Images, layers: &LayerStore) -> Result<(), LoadError> {
    images.load(layers, Input::Stream(&mut &made()[..]), &root.tmp(), &mut |_| {})
}

/// Removes the image, by name or, when it lost its name, by id; it may be gone.
fn remove_what_is_left(root: &Root) {
    for listed in root.images().list(&root.layers()).expect("list").images {
        if listed.image.config.diff_ids().len() == 2 {
            remove(root, &listed.image.id.to_string()).expect("nobody needs it");
        }
    }
}

#[test]
fn a_load_that_fails_or_dies_anywhere_leaves_nothing_or_all() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        root.import("kept:1", &layer("kept"));
        let (images, layers) = (root.images(), root.layers());
        let load = || load_into(&root, &images, &layers);
        let (done, steps) = counted(load);
        done.expect("nothing is in the way");
        remove(&root, "t:1").expect("nobody needs it");
        recover(&root);
        let before = root.listing();
        for step in 0..steps {
            for dies in [false, true] {
                let loaded = if dies { stopped_at(step, load) } else { failing_at(step, load) };
                let acknowledged = loaded.is_ok();
                recover(&root);
                let listing = root.images().list(&root.layers()).expect("list");
                assert!(listing.findings.is_empty(), "step {step}: {:?}", listing.findings);
                let there = root.images().resolve("t:1").is_ok();
                assert!(there || !acknowledged, "step {step}");
                if there {
                    root.save(&["t:1"]); // all of it
                }
                remove_what_is_left(&root);
                assert_eq!(root.listing(), before, "step {step}");
            }
        }
    }
}

#[test]
fn a_removal_that_dies_anywhere_can_be_finished() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        root.import("kept:1", &layer("kept"));
        let (images, layers) = (root.images(), root.layers());
        root.load(&made()).1.expect("load");
        let (done, steps) = counted(|| remove_from(&images, &layers, "t:1"));
        done.expect("nobody needs it");
        recover(&root);
        let before = root.listing();
        for step in 0..steps {
            root.load(&made()).1.expect("load");
            drop(stopped_at(step, || remove_from(&images, &layers, "t:1")));
            recover(&root);
            let listing = root.images().list(&root.layers()).expect("list");
            assert!(listing.findings.is_empty(), "step {step}: {:?}", listing.findings);
            remove_what_is_left(&root);
            assert_eq!(root.listing(), before, "step {step}");
        }
    }
}

/// The names of the flushes among the steps of `work`.
fn flushes(work: impl FnOnce()) -> Vec<&'static str> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let note = Rc::clone(&seen);
    let watch = move |call: &'static str, _: &std::path::Path| {
        if call.contains("sync") {
            note.borrow_mut().push(call);
        }
        true
    };
    watched(watch, work);
    seen.take()
}

#[test]
fn flushes_are_few_and_one_of_them_is_of_everything() {
    let root = Root::fresh("overlay2");
    let load = |archive: &[u8]| root.load(archive).1.expect("load");
    // Configs and names lie in two directories, an import's time in a third.
    let (two, three) = if sys::has_one_log(root.path()).expect("statfs") { (1, 1) } else { (2, 3) };
    let made = |dirs: usize| [vec!["syncfs", "fsync"], vec!["fsync"; dirs]].concat();
    assert_eq!(flushes(|| load(&archive(&[layer("a")], r#"["t:1"]"#))), made(two), "of one layer");
    let layers: Vec<_> = (0..9).map(|at| layer(&format!("f{at}"))).collect();
    assert_eq!(flushes(|| load(&archive(&layers, r#"["t:9"]"#))), made(two), "of nine layers");
    assert_eq!(flushes(|| load(&archive(&layers, r#"["t:9"]"#))), vec!["fsync"; two], "of what is there");
    let import = || assert!(root.import("u:1", &layer("u")) != root.images().resolve("t:1").expect("there").id);
    assert_eq!(flushes(import), made(three));
    let name = "v:1".parse().expect("a name");
    let tagged = [vec!["syncfs"], vec!["fsync"; two]].concat();
    assert_eq!(flushes(|| root.images().tag(&root.layers(), "t:1", &name).expect("tag")), tagged);
    assert_eq!(flushes(|| remove(&root, "t:9").expect("remove")).len(), 3);
}
