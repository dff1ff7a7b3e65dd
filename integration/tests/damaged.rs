//! A data root with one thing wrong: what is whole stays usable, what is broken fails as it does with dockerd, and
//! nobody panics. The healthy tree is recorded, the damages are made here (`fixtures::DAMAGES`).
//!
//! minidock may do more than dockerd, never less: what dockerd lists is listed, what works there works and says the
//! same. Where dockerd hides a container or fails, minidock may show it and do it (dockerd 29 does too), or fail with a
//! word. The sentences are minidock's own where dockerd's hide the cause.

use std::collections::BTreeSet;
use std::path::Path;

use integration::fixtures::{DAMAGES, Tree};
use integration::{House, Room, Said, Side, images};
use serde_json::Value;

/// What is asked of a damaged tree, reading first, then writing; OUT is a file in the room.
const STORY: [&[&str]; 15] = [
    &["images", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"],
    &["diff", "c-modified2"],
    &["logs", "c-exit0"],
    &["inspect", "--format", "{{.Name}}", "c-created"],
    &["save", "-o", "OUT", "h2/multi:1"],
    &["save", "-o", "OUT", "h2/base:1"],
    &["run", "--rm", "--network", "none", "h2/base:1", "echo", "ok"],
    &["run", "--rm", "--network", "none", "3f8b79970604", "echo", "the base image is whole"],
    &["run", "--rm", "--network", "none", "h2/multi:1", "true"],
    &["create", "--network", "none", "--name", "fresh", "h2/base:1", "true"],
    &["start", "-a", "fresh"],
    &["rm", "fresh"],
    &["rm", "c-exit0"],
    &["rm", "c-modified2"],
    &["rmi", "h2/multi:1", "h2/multi:latest", "localhost:5000/h2/multi:x"],
];

const LIST: &[&str] = &["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}}"];

fn told(house: &House) -> Vec<Said> {
    let out = house.room().join("out.tar").display().to_string();
    let commands = [LIST].into_iter().chain(STORY).chain([LIST]);
    let told = commands.map(|args| {
        let given: Vec<_> = args.iter().map(|arg| if *arg == "OUT" { out.as_str() } else { arg }).collect();
        let said = house.run(&given);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        assert!(said.code == 0 || !said.err.trim().is_empty(), "{} failed without a word", args.join(" "));
        if args[0] == "save" && said.code == 0 {
            whole(house.room().join("out.tar").as_path());
        }
        said
    });
    told.collect()
}

/// An archive that was given as good must be: every layer is what the image's configuration calls it.
fn whole(archive: &Path) {
    let files = images::files(archive);
    let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).expect("JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    for image in list(&json("manifest.json")) {
        let named = list(&json(image["Config"].as_str().expect("a path"))["rootfs"]["diff_ids"]);
        let layers = list(&image["Layers"]).into_iter().map(|layer| files[layer.as_str().expect("a path")].clone());
        let found: Vec<_> = layers.map(|layer| Value::from(format!("sha256:{}", images::hex(&layer)))).collect();
        assert_eq!(found, named, "a layer was saved that is not what it should be");
    }
}

/// The line of a container or image without the id that chance gave a fresh one.
fn nameless(line: &str) -> String {
    let fresh = line.len() == 64 && !line.contains(' ');
    if fresh { "an id".to_owned() } else { line.to_owned() }
}

/// Ours has all that theirs has.
fn no_less(theirs: &[Said], ours: &[Said]) {
    for (expected, found) in theirs.iter().zip(ours).filter(|(expected, _)| expected.code == 0) {
        let command = expected.args.join(" ");
        assert_eq!(found.code, 0, "{command}: dockerd does it, we say {}", found.err);
        let listed = |text: &str| text.lines().map(nameless).collect::<BTreeSet<_>>();
        let missing: Vec<_> = listed(&expected.out).difference(&listed(&found.out)).cloned().collect();
        assert!(missing.is_empty(), "{command}: dockerd says {missing:?}, we say {}", found.out);
    }
}

fn tell(name: &str) {
    let tree = Tree::named("20.10.24-overlay2");
    let damage = DAMAGES.iter().find(|damage| damage.name == name).expect("a damage of that name");
    let oracle = Side::first();
    let open = |side: &Side| {
        let room = Room::new();
        let root = room.path().join("root");
        tree.unpack(&root);
        (damage.cause)(&root);
        House::try_on(side, tree.driver, room, root)
    };
    match (open(&oracle), open(&Side::under_test())) {
        (Ok(theirs), Ok(ours)) => {
            let expected = told(&theirs);
            drop(theirs);
            no_less(&expected, &told(&ours));
        }
        // A tree that keeps dockerd from starting: what is whole must be usable all the same.
        (Err(_), Ok(ours)) => {
            let found: String = told(&ours).into_iter().map(|said| said.out).collect();
            assert!(found.contains(" c-created "), "{found}");
            assert!(found.contains("the base image is whole\n"), "{found}");
        }
        (_, Err(cause)) => assert!(!matches!(Side::under_test(), Side::Ours), "{cause}"),
    }
}

macro_rules! damages {
    ($($name:ident)+) => { $(#[test]
    fn $name() {
        tell(stringify!($name));
    })+ };
}

damages! {
    cacheid_empty cacheid_missing config_v2_missing container_dir_empty diff_file_missing distribution_missing
    hostconfig_truncated image_config_missing layer_dir_badname layerdb_tmp_leftovers layerfile_changed
    link_missing_container lower_empty lower_truncated lsymlink_wrong_target mount_dir_missing
    mount_without_container mountid_nowhere parent_dangling removing_dirs repositories_empty repositories_truncated
    size_missing tarsplit_truncated volume_dir_missing volume_opts_truncated state_null config_absent
}
