//! Containers' layers: made as dockerd makes them, seen, removed, and nothing left of a crash.

mod support;

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use base::{ChainId, ContainerId};
use layerstore::{Error, Init, LayerStore};
use support::{Root, below, container, dir_entry, dir_entry_of, entry, link_entry, none_needed, tar};
use sys::steps::{counted, failing_at, stopped_at};

/// All of a tree that create decides: no times, and of overlay's own attributes only the names.
fn look(root: &Path) -> BTreeMap<PathBuf, String> {
    let describe = |path: PathBuf| {
        let metadata = path.symlink_metadata().expect("stat");
        let link = std::fs::read_link(&path).unwrap_or_default();
        let size = if metadata.is_dir() { 0 } else { metadata.size() };
        let xattrs = sys::xattr::names(&path).expect("xattrs");
        let text = format!(
            "{:o} {}:{} {:x} {size} {} {xattrs:?}",
            metadata.mode(),
            metadata.uid(),
            metadata.gid(),
            metadata.rdev(),
            link.display()
        );
        (path.strip_prefix(root).expect("below").to_owned(), text)
    };
    below(root).into_iter().map(describe).collect()
}

/// As [`look`] for an overlay2 layer, without what is random in it.
fn look_at_overlay2(layer: &Path) -> BTreeMap<PathBuf, String> {
    let mut look = look(layer);
    // The kernel keeps a whiteout there, under a random name.
    look.retain(|path, _| !path.to_string_lossy().starts_with("work/work/#"));
    look.insert("layer".into(), format!("{:o}", layer.symlink_metadata().expect("stat").mode()));
    look
}

#[test]
fn init_layers_on_overlay2_are_dockerds() {
    let root = Root::recorded("20.10.24", "overlay2");
    let store = root.store();
    for (number, old) in store.rw_layers().expect("list").iter().enumerate() {
        let old = store.rw_layer(old).expect("read").expect("there");
        let new: ContainerId = format!("{number:064x}").parse().expect("an id");
        let new = store.create_rw_layer(&new, old.parent.as_ref(), Init::Docker, None).expect("create");
        let of = |rw: &layerstore::RwLayer| {
            let init = rw.init_id.as_ref().expect("an init layer");
            let dir = root.home().join(init.layer());
            let lower = sys::read_opt(dir.join("lower")).expect("read");
            let mount = root.layerdb().join("mounts").join(&rw.container);
            (look_at_overlay2(&dir), lower, look(&mount), mount.metadata().expect("stat").mode())
        };
        assert_eq!(of(&new), of(&old), "{}", old.container);
        let own = look_at_overlay2(&root.home().join(new.mount_id.layer()));
        let names: Vec<_> = own.keys().filter_map(|path| path.to_str()).collect();
        assert_eq!(names, ["diff", "layer", "link", "lower", "work"]);
    }
}

#[test]
fn init_layers_on_vfs_are_dockerds() {
    let root = Root::recorded("20.10.24", "vfs");
    let store = root.store();
    for (number, old) in store.rw_layers().expect("list").iter().enumerate().take(12) {
        let old = store.rw_layer(old).expect("read").expect("there");
        let new: ContainerId = format!("{number:064x}").parse().expect("an id");
        let new = store.create_rw_layer(&new, old.parent.as_ref(), Init::Docker, None).expect("create");
        let of = |rw: &layerstore::RwLayer| {
            look(&root.home().join("dir").join(rw.init_id.as_ref().expect("an init layer").layer()))
        };
        assert_eq!(of(&new), of(&old), "{}", old.container);
    }
}

/// What is made of images that put something else where a mount point goes, as dockerd 20.10.24
/// was seen to make it: mode, and with `*` the attribute that hides the directories below.
#[test]
fn images_with_something_in_the_way_get_dockerds_init_layer() {
    let links_out = [
        link_entry("etc", "/tmp"),
        dir_entry("tmp/"),
        entry("dev", b"a file"),
        link_entry("proc", "../.."),
        dir_entry_of("sys/", 0o555),
    ];
    let directories_for_files = [
        dir_entry_of("etc/", 0o700),
        dir_entry_of("etc/hosts/", 0o711),
        entry("etc/hosts/x", b"x"),
        link_entry("etc/resolv.conf", "/run/r"),
        entry("etc/mtab", b"m"),
        dir_entry_of("dev/", 0o750),
        entry("dev/console", b"c"),
        link_entry("dev/shm", "/run/shm"),
        dir_entry(".dockerenv/"),
    ];
    let files_for_directories =
        [dir_entry("dev/"), entry("dev/pts", b"p"), dir_entry_of("dev/shm/", 0o1777), entry("etc", b"etc")];
    let cases = [
        (
            tar(&links_out),
            ".dockerenv 100755, dev 40755*, dev/console 100755, dev/pts 40755, dev/shm 40755, etc 40755*, \
             etc/hostname 100755, etc/hosts 100755, etc/mtab 120777, etc/resolv.conf 100755, proc 40755*",
        ),
        (
            tar(&directories_for_files),
            "dev 40750, dev/console 100755, dev/pts 40755, dev/shm 40755*, etc 40700, etc/hostname 100755, \
             etc/mtab 120777, etc/resolv.conf 100755, proc 40755, sys 40755",
        ),
        (
            tar(&files_for_directories),
            ".dockerenv 100755, dev 40755, dev/console 100755, dev/pts 40755*, etc 40755*, etc/hostname 100755, \
             etc/hosts 100755, etc/mtab 120777, etc/resolv.conf 100755, proc 40755, sys 40755",
        ),
    ];
    for (image, seen) in cases {
        let root = Root::fresh("overlay2");
        let store = root.store();
        let (image, published) = store.register(None, &mut &image[..], &mut |_| {}).expect("register");
        published.keep();
        let made = store.create_rw_layer(&container('a'), Some(&image.layer.chain), Init::Docker, None);
        let init = made.expect("create").init_id.expect("an init layer");
        let diff = root.home().join(init.layer()).join("diff");
        let describe = |path: &PathBuf| {
            let mode = path.symlink_metadata().expect("stat").mode();
            let opaque = sys::xattr::get(path, "trusted.overlay.opaque").expect("read").is_some();
            let name = path.strip_prefix(&diff).expect("below").display();
            format!("{name} {mode:o}{}", if opaque { "*" } else { "" })
        };
        assert_eq!(below(&diff).iter().map(describe).collect::<Vec<_>>().join(", "), seen);
    }
}

/// A store with an image of two layers.
fn with_image(driver: &'static str) -> (Root, LayerStore, ChainId) {
    let root = Root::fresh(driver);
    let store = root.store();
    let base = tar(&[dir_entry("etc/"), entry("etc/hosts", b"image"), link_entry("etc/mtab", "/nowhere")]);
    let upper = tar(&[entry("greeting", b"hello"), entry("etc/passwd", b"root")]);
    let mut batch = store.batch();
    let base = batch.add(None, &mut &base[..], &mut |_| {}).expect("a tar").layer.chain;
    let chain = batch.add(Some(&base), &mut &upper[..], &mut |_| {}).expect("a tar").layer.chain;
    batch.publish().expect("publish").keep();
    (root, store, chain)
}

const DRIVERS: [&str; 2] = ["overlay2", "vfs"];

#[test]
fn a_container_writes_to_its_own_layer() {
    for driver in DRIVERS {
        let (_root, store, image) = with_image(driver);
        let (one, two) = (container('a'), container('b'));
        for id in [&one, &two] {
            store.create_rw_layer(id, Some(&image), Init::Docker, None).expect("create");
        }
        let mounted = store.mount(&one, None).expect("mount");
        sys::truncate_write(mounted.path().join("greeting"), b"changed", 0o644).expect("write");
        assert_eq!(std::fs::read(store.view(&one).expect("view").path().join("greeting")).expect("read"), b"changed");
        let target = mounted.hand_over();
        assert_eq!(target.is_some(), driver == "overlay2");
        assert_eq!(store.mounted_on(&one).expect("look"), target);
        store.unmount(&one).expect("unmount");
        assert_eq!(store.mounted_on(&one).expect("look"), None);
        for (id, words) in [(&one, "changed"), (&two, "hello")] {
            let view = store.view(id).expect("view");
            assert_eq!(std::fs::read(view.path().join("greeting")).expect("read"), words.as_bytes());
            assert_eq!(std::fs::read(view.path().join("etc/hosts")).expect("read"), b"", "shadowed");
        }
        let view = store.view_layer(&image).expect("view");
        assert_eq!(std::fs::read(view.path().join("etc/hosts")).expect("read"), b"image");
    }
}

#[test]
fn a_container_of_no_image_sees_its_init_layer() {
    for driver in DRIVERS {
        let root = Root::fresh(driver);
        let store = root.store();
        let rw = store.create_rw_layer(&container('a'), None, Init::Docker, None).expect("create");
        assert_eq!(rw.parent, None);
        let mounted = store.mount(&container('a'), None).expect("mount");
        assert!(mounted.path().join("etc/hosts").is_file());
        mounted.unmount().expect("unmount");
    }
}

#[test]
fn what_is_mounted_already_is_noticed() {
    let (_root, store, image) = with_image("overlay2");
    let id = container('a');
    store.create_rw_layer(&id, Some(&image), Init::Docker, None).expect("create");
    let mounted = store.mount(&id, None).expect("mount");
    let target = mounted.path().to_owned();
    let refused = store.mount(&id, None).expect_err("it is mounted");
    assert_eq!(refused.to_string(), format!("something is mounted on {} already", target.display()));
    drop(mounted);
    assert!(!target.exists(), "the directory goes with the mount");
    sys::create_dir(&target, 0o700).expect("mkdir");
    drop(store.mount(&id, None).expect("a stale directory is no mount"));
}

#[test]
fn what_is_mounted_of_a_container_goes_with_its_layer() {
    let (root, store, image) = with_image("overlay2");
    let id = container('a');
    let before = root.listing();
    store.create_rw_layer(&id, Some(&image), Init::Docker, None).expect("create");
    let target = store.mount(&id, None).expect("mount").hand_over().expect("a mount");
    store.release_rw(&id, &|_| true).expect("release");
    assert!(sys::mount_points().expect("mountinfo").iter().all(|point| point.at != target));
    sys::remove_dir(root.layerdb().join("mounts")).expect("it is empty");
    assert_eq!(root.listing(), before);
}

#[test]
fn the_mount_is_dockerds_option_string() {
    let (root, store, image) = with_image("overlay2");
    let id = container('a');
    let rw = store.create_rw_layer(&id, Some(&image), Init::Docker, None).expect("create");
    let mounted = store.mount(&id, None).expect("mount");
    let points = sys::mount_points().expect("mountinfo");
    let options = &points.iter().find(|point| point.at == mounted.path()).expect("it is mounted").options;
    let own = root.home().join(rw.mount_id.layer());
    let lower = String::from_utf8(sys::read_opt(own.join("lower")).expect("read").expect("there")).expect("text");
    let lower: Vec<_> = lower.split(':').map(|link| root.home().join(link).display().to_string()).collect();
    let (home, lower) = (own.display(), lower.join(":"));
    let wanted = format!("lowerdir={lower},upperdir={home}/diff,workdir={home}/work");
    assert!(options.contains(&wanted), "{wanted} not in {options}");
}

#[test]
fn a_name_in_use_and_an_unknown_image_are_refused() {
    for driver in DRIVERS {
        let (root, store, image) = with_image(driver);
        let id = container('a');
        store.create_rw_layer(&id, Some(&image), Init::Docker, None).expect("create");
        let before = root.listing();
        let again = store.create_rw_layer(&id, Some(&image), Init::Docker, None).expect_err("it is there");
        assert_eq!(again.to_string(), "mount already exists with name");
        let ghost = ChainId::new(base::Digest::of(b"ghost"));
        let refused = store.create_rw_layer(&container('b'), Some(&ghost), Init::Docker, None).expect_err("no image");
        assert_eq!(refused.to_string(), "layer does not exist");
        assert_eq!(root.listing(), before);
        assert!(matches!(store.mount(&container('b'), None), Err(Error::NoMount(_))));
    }
}

#[test]
fn a_create_that_fails_or_dies_anywhere_leaves_nothing() {
    for driver in DRIVERS {
        let (root, store, image) = with_image(driver);
        let _locks_are_free = support::without_forks();
        let id = container('a');
        let (made, steps) = counted(|| store.create_rw_layer(&id, Some(&image), Init::Docker, None));
        made.expect("create");
        store.release_rw(&id, &|_| true).expect("release");
        let before = root.listing();
        for step in 0..steps {
            let failed = failing_at(step, || store.create_rw_layer(&id, Some(&image), Init::Docker, None));
            if failed.is_ok() {
                store.release_rw(&id, &|_| true).expect("release");
            }
            assert_eq!(root.listing(), before, "{driver}, step {step} failed");
            let died = stopped_at(step, || store.create_rw_layer(&id, Some(&image), Init::Docker, None));
            if died.is_ok() {
                store.release_rw(&id, &|_| true).expect("release");
            }
            let reopened = root.store();
            reopened.recover(&|_| true).expect("recover");
            assert_eq!(root.listing(), before, "{driver}, died at step {step}");
        }
    }
}

#[test]
fn a_removal_that_dies_anywhere_can_be_finished() {
    for driver in DRIVERS {
        let (root, store, image) = with_image(driver);
        let _locks_are_free = support::without_forks();
        let id = container('a');
        let create = || store.create_rw_layer(&id, Some(&image), Init::Docker, None).expect("create");
        create();
        let steps = counted(|| store.release_rw(&id, &|_| true).expect("release")).1;
        let before = root.listing();
        for step in 0..steps {
            create();
            drop(stopped_at(step, || store.release_rw(&id, &|_| true)));
            let reopened = root.store();
            reopened.recover(&|_| true).expect("recover");
            if reopened.rw_layer(&id).expect("read").is_some() {
                drop(reopened.mount(&id, None).expect("it is whole"));
                reopened.release_rw(&id, &|_| true).expect("release");
            }
            assert_eq!(root.listing(), before, "{driver}, died at step {step}");
        }
    }
}

#[test]
fn the_last_container_takes_an_image_that_is_gone_with_it() {
    for driver in DRIVERS {
        let (root, store, image) = with_image(driver);
        for id in ['a', 'b'] {
            store.create_rw_layer(&container(id), Some(&image), Init::Docker, None).expect("create");
        }
        assert_eq!(store.release(&image, &none_needed).expect("release"), [], "containers need it");
        assert_eq!(store.release_rw(&container('a'), &none_needed).expect("release"), [], "b needs it");
        let deleted = store.release_rw(&container('b'), &none_needed).expect("release");
        assert_eq!((deleted.len(), deleted.first()), (2, Some(&image)));
        assert_eq!(store.layers().expect("list"), []);
        assert_eq!(store.driver().list().expect("list"), []);
        assert_eq!(sys::list_dir(root.layerdb().join("tmp")).expect("list").len(), 0);
        assert_eq!(store.release_rw(&container('b'), &none_needed).expect("gone already"), []);
    }
}

#[test]
fn what_a_failed_create_cannot_remove_is_left_to_recovery() {
    for driver in DRIVERS {
        let (root, store, image) = with_image(driver);
        let id = container('a');
        let steps = counted(|| store.create_rw_layer(&id, Some(&image), Init::Docker, None).map(drop)).1;
        store.release_rw(&id, &|_| true).expect("release");
        let before = root.listing();
        for first in 0..steps {
            // The first step that fails, and with it every removal of the driver's.
            let mut seen = 0;
            let home = root.home();
            let watcher = move |call: &'static str, path: &Path| {
                seen += 1;
                seen - 1 != first && !(seen > first && call != "mkdir" && path.starts_with(&home))
            };
            let failed = sys::steps::watched(watcher, || store.create_rw_layer(&id, Some(&image), Init::Docker, None));
            if failed.is_ok() {
                store.release_rw(&id, &|_| true).expect("release");
            }
            root.store().recover(&|_| true).expect("recover");
            assert_eq!(root.listing(), before, "{driver}, step {first} failed");
        }
    }
}

#[test]
fn containers_are_removed_by_two_at_once_without_an_error() {
    for driver in DRIVERS {
        let (root, _, image) = with_image(driver);
        for round in 0..30_u64 {
            let id: ContainerId = format!("{round:064x}").parse().expect("an id");
            root.store().create_rw_layer(&id, Some(&image), Init::Docker, None).expect("create");
            std::thread::scope(|threads| {
                for _ in 0..3 {
                    threads.spawn(|| root.store().release_rw(&id, &|_| true).expect("gone already is fine"));
                }
            });
        }
    }
}
