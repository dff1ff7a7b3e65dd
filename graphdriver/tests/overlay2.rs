//! overlay2 alone: damaged trees, what inspect and info show, and readers that change nothing.

use std::path::Path;

use base::LayerId;
use graphdriver::{Access, Driver, Error, RootFs, Whiteouts, open};

struct Tree {
    root: tempfile::TempDir,
    driver: Box<dyn Driver>,
}

fn id(name: &str) -> LayerId {
    name.parse().expect("a plain name is an id")
}

/// Three layers: `base`, `top` on it and a container's `rw` on that.
fn tree() -> Tree {
    let root = tempfile::tempdir().expect("a temporary directory");
    let driver = open("overlay2", root.path(), Access::ReadWrite).expect("the driver opens");
    driver.create(&id("base"), None).expect("made");
    driver.create(&id("top"), Some(&id("base"))).expect("made");
    driver.create_read_write(&id("rw"), Some(&id("top")), None).expect("made");
    Tree { root, driver }
}

impl Tree {
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.driver.home().join(name)
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(sys::read_opt(self.file(name)).expect("read").expect("it is there")).expect("text")
    }

    fn write(&self, name: &str, text: &str) {
        sys::truncate_write(self.file(name), text.as_bytes(), 0o644).expect("write");
    }

    /// A text with the home taken out.
    fn plain(&self, text: &str) -> String {
        text.replace(&*self.driver.home().to_string_lossy(), "HOME")
    }

    /// An error and its causes.
    fn told(&self, error: &Error) -> String {
        let mut text = error.to_string();
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        self.plain(&text)
    }
}

#[test]
fn a_damaged_lower_file_is_named_with_its_cause() {
    let tree = tree();
    let good = tree.text("rw/lower");
    let damages = [
        (String::new(), "it is empty: a layer that rests on nothing has no such file"),
        (good.replace(':', "::"), "entry 2 of the chain is empty"),
        (format!("{good}:/etc"), r#"entry "/etc" does not start with "l/""#),
    ];
    for (text, cause) in damages {
        tree.write("rw/lower", &text);
        let refused = tree.driver.rootfs(&id("rw")).expect_err("it cannot be mounted");
        assert_eq!(tree.told(&refused), format!("HOME/rw/lower is damaged: {cause}"));
    }
    tree.write("rw/lower", &format!("{good}\n"));
    let refused = tree.driver.rootfs(&id("rw")).expect_err("it cannot be mounted");
    assert!(tree.told(&refused).ends_with(r#"\n" is not a link name of 26 characters A-Z2-7"#), "{refused}");
    // The healthy ones are seen all the same, and the damaged one can be removed.
    tree.driver.rootfs(&id("top")).expect("seen");
    tree.driver.remove(&id("rw")).expect("removed");
    assert_eq!(sys::list_dir(tree.file("l")).expect("readdir").len(), 2);
}

#[test]
fn a_damaged_parent_is_refused_before_anything_is_written() {
    let tree = tree();
    let before = sys::list_dir(tree.driver.home()).expect("readdir");
    sys::remove_file(tree.file("rw/committed")).expect("unlink");
    tree.write("rw/link", "../../etc");
    let refused = tree.driver.create(&id("more"), Some(&id("rw"))).expect_err("it has no usable link");
    assert_eq!(
        tree.told(&refused),
        r#"HOME/rw/link is damaged: "../../etc" is not a link name of 26 characters A-Z2-7"#
    );
    sys::remove_file(tree.file("rw/link")).expect("unlink");
    let refused = tree.driver.create(&id("more"), Some(&id("rw"))).expect_err("it has no link");
    assert_eq!(tree.told(&refused), "HOME/rw/link is damaged: it is not there");
    assert_eq!(sys::list_dir(tree.driver.home()).expect("readdir"), before);
    assert!(!sys::exists(tree.file("rw/committed")).expect("look"));
}

#[test]
fn a_link_that_leads_to_another_layer_is_left_alone() {
    let tree = tree();
    let (own, others) = (tree.text("rw/link"), tree.text("base/link"));
    tree.write("rw/link", &others);
    tree.driver.remove(&id("rw")).expect("removed");
    assert!(sys::exists(tree.file("l").join(others)).expect("look"));
    assert!(!sys::exists(tree.file("l").join(own)).expect("look"), "its own is found by searching");
}

#[test]
fn the_directory_of_all_links_is_no_layer_to_remove() {
    let tree = tree();
    let before = sys::list_dir(tree.file("l")).expect("readdir");
    tree.driver.remove(&id("l")).expect("there is no such layer");
    assert_eq!(sys::list_dir(tree.file("l")).expect("readdir"), before);
}

#[test]
fn a_layer_that_others_rest_on_is_shown_read_only() {
    let tree = tree();
    let RootFs::Overlay(top) = tree.driver.rootfs(&id("top")).expect("seen") else { panic!("top rests on base") };
    assert_eq!((top.upper(), top.work()), (None, None));
    assert_eq!(top.lower(), [tree.file("top/diff"), tree.file("l").join(tree.text("base/link"))]);
    let RootFs::Overlay(rw) = tree.driver.rootfs(&id("rw")).expect("seen") else { panic!("rw rests on top") };
    assert_eq!(rw.upper(), Some(tree.file("rw/diff")));
    assert_eq!(tree.driver.rootfs(&id("base")).expect("seen"), RootFs::Directory(tree.file("base/diff")));
}

#[test]
fn a_layer_is_unpacked_to_its_own_directory() {
    let tree = tree();
    let target = tree.driver.unpack_target(&id("rw")).expect("a place");
    assert_eq!(target, (RootFs::Directory(tree.file("rw/diff")), Whiteouts::Overlay));
}

#[test]
fn inspect_shows_what_dockerd_shows() {
    let tree = tree();
    let shown: Vec<_> = tree.driver.data(&id("rw")).expect("data");
    let shown: Vec<_> = shown.iter().map(|(key, value)| (*key, tree.plain(value))).collect();
    let dockerd = [
        ("LowerDir", "HOME/top/diff:HOME/base/diff"),
        ("MergedDir", "HOME/rw/merged"),
        ("UpperDir", "HOME/rw/diff"),
        ("WorkDir", "HOME/rw/work"),
    ];
    assert_eq!(shown, dockerd.map(|(key, value)| (key, value.to_owned())));
    let keys: Vec<_> = tree.driver.data(&id("base")).expect("data").into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["MergedDir", "UpperDir", "WorkDir"]);
}

// The sentences of dockerd 20.10.24's `inspect` for the same damages.
#[test]
fn inspect_fails_in_dockerds_words() {
    let tree = tree();
    let link = tree.text("base/link");
    sys::remove_file(tree.file("l").join(&link)).expect("unlink");
    let refused = tree.driver.data(&id("rw")).expect_err("a link is broken");
    assert_eq!(tree.told(&refused), format!("readlink HOME/l/{link}: no such file or directory"));
    let lower = tree.text("top/lower");
    let cut = &lower[..20];
    let empty = "readlink HOME: invalid argument".to_owned();
    for (text, dockerd) in [("", empty), (cut, format!("readlink HOME/{cut}: no such file or directory"))] {
        tree.write("top/lower", text);
        let refused = tree.driver.data(&id("top")).expect_err("the chain leads nowhere");
        assert_eq!(tree.told(&refused), dockerd);
    }
    let refused = tree.driver.data(&id("gone")).expect_err("there is none");
    assert_eq!(tree.told(&refused), "stat HOME/gone: no such file or directory");
    let refused = tree.driver.rootfs(&id("gone")).expect_err("there is none");
    assert_eq!(tree.told(&refused), "stat HOME/gone: no such file or directory");
}

#[test]
fn a_size_that_cannot_be_kept_is_refused_in_dockerds_words() {
    let tree = tree();
    let refused = tree.driver.create_read_write(&id("small"), Some(&id("top")), Some(1 << 30)).expect_err("no quota");
    let dockerd = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option";
    assert_eq!(refused.to_string(), dockerd);
    assert!(!tree.driver.exists(&id("small")).expect("a look"));
}

#[test]
fn info_has_dockerds_lines() {
    let tree = tree();
    let lines = tree.driver.status();
    let keys: Vec<_> = lines.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, ["Backing Filesystem", "Supports d_type", "Native Overlay Diff", "userxattr"]);
    assert!(lines.contains(&("Supports d_type", "true".to_owned())), "{lines:?}");
    assert!(lines.contains(&("userxattr", "false".to_owned())), "{lines:?}");
}

#[test]
fn a_reader_takes_no_step_that_changes_anything() {
    let tree = tree();
    sys::remove_tree(tree.file("l")).expect("rm -r");
    let read = |root: &Path| {
        let driver = open("overlay2", root, Access::ReadOnly).expect("the driver opens");
        let layers = driver.list().expect("a list");
        assert_eq!(layers, ["base", "rw", "top"].map(id));
        driver.rootfs(&id("rw")).expect("seen");
        driver.unpack_target(&id("rw")).expect("a place");
        driver.data(&id("base")).expect("data");
        driver.native_diff().expect("overlay2 has one").upper(&id("rw"), Some(&id("top"))).expect("a look");
        driver.status();
    };
    let ((), steps) = sys::steps::counted(|| read(tree.root.path()));
    assert_eq!(steps, 0);
}
