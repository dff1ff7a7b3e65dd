//! A data root with one thing wrong: what is whole stays usable, what is broken fails as it does with dockerd, and
//! nobody panics. The healthy tree is recorded, the damages are made here (`fixtures::DAMAGES`).
//!
//! Compared are lists and exit codes. The sentences are minidock's own where dockerd's hide the cause.

use integration::fixtures::{DAMAGES, Tree};
use integration::{House, Room, Side, agree, lines_sorted};

/// What is asked of a damaged tree, reading first, then writing.
const STORY: [&[&str]; 15] = [
    &["images", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"],
    &["diff", "c-modified2"],
    &["logs", "c-exit0"],
    &["inspect", "--format", "{{.Name}}", "c-created"],
    &["save", "-o", "/dev/null", "h2/multi:1"],
    &["save", "-o", "/dev/null", "h2/base:1"],
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

fn containers(house: &House) -> String {
    lines_sorted(&house.ok(&["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}}"]))
}

fn told(house: &House) -> String {
    let mut page = containers(house);
    for args in STORY {
        let said = house.run(args);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        assert!(said.code == 0 || !said.err.trim().is_empty(), "{} failed without a word", args.join(" "));
        page += &format!("\n$ {}\n{}\nexit {}", args.join(" "), lines_sorted(&said.out), said.code);
    }
    page + "\n" + &containers(house)
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
            agree((&oracle.name(), &expected), (&ours.side().name(), &told(&ours)));
        }
        // A tree that keeps dockerd from starting: what is whole must be usable all the same.
        (Err(_), Ok(ours)) => {
            let found = told(&ours);
            assert!(found.contains(" c-created h2/base:1\n"), "{found}");
            assert!(found.contains("\nthe base image is whole\n"), "{found}");
        }
        (_, Err(cause)) => assert!(!matches!(Side::under_test(), Side::Ours), "{cause}"),
    }
}

macro_rules! damages {
    ($($name:ident)+) => { $(#[test]
    #[ignore = "minidock not there yet"]
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
