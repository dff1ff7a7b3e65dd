//! `commit` and `export`: the same layer, the same image, the same archive; and each engine goes on with the other's.

use integration::{Driver, House, Said, lines_sorted, same_on, same_on_both};

const IMAGE: &str = "busybox:golden";

/// A container that changed, added, replaced and removed; every file with a fixed time.
fn changed(house: &House, name: &str) {
    let script = "cd /data; echo changed >> changed; echo new > new; ln new linked; ln -s new pointing; mkdir -m 700 own; \
                  chown 7:8 own; mkfifo pipe; mknod dev c 1 3; rm -rf dir; mkdir dir; echo inside > dir/inside; \
                  dd if=/dev/zero of=sparse bs=1 count=1 seek=100000 2>/dev/null; chmod 4755 new; rm /etc/passwd; \
                  find / -xdev -newer /bin/busybox ! -path '/proc/*' ! -path '/dev/*' ! -path '/sys/*' \
                  -exec touch -h -d '2020-01-02 03:04:05' {} +; true";
    house.ok(&["run", "--network", "none", "--name", name, IMAGE, "sh", "-c", script]);
}

/// The image, but for the name that Debian gives to the version of its own build.
fn image(house: &House, name: &str) -> Said {
    let mut said = house.run(&["inspect", name]).json();
    said.out = said.out.replace("20.10.24+dfsg1", "20.10.24");
    said
}

fn layers(house: &House, name: &str) -> String {
    house.ok(&["inspect", "-f", "{{json .RootFS.Layers}}", name])
}

fn committed_alike(driver: Driver) {
    same_on(driver, |house| {
        changed(house, "web");
        let said = house.run(&["commit", "-a", "somebody", "-m", "a message", "web", "made:1"]);
        assert_eq!(said.code, 0, "{said:?}");
        let runs =
            house.run(&["run", "--rm", "--network", "none", "made:1", "sh", "-c", "cat /data/changed /data/dir/*"]);
        let history = house.run(&["history", "--format", "{{.CreatedBy}}|{{.Comment}}|{{.Size}}", "made:1"]);
        (image(house, "made:1"), layers(house, "made:1"), runs, history)
    });
}

/// Digests of layers are compared as they are: the bytes of a layer are determined.
#[test]
fn the_same_layer_and_the_same_image() {
    committed_alike(Driver::Overlay2);
}

#[test]
fn the_same_on_vfs() {
    committed_alike(Driver::Vfs);
}

#[test]
fn changes_to_the_config() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "cc", "-e", "A=1", "-l", "x=y", IMAGE, "echo", "hi"]);
        let sets: [&[&str]; 5] = [
            &["-c", "CMD [\"ls\", \"/\"]"],
            &["-c", "ENTRYPOINT [\"echo\"]"],
            &["-c", "ENV A=2 B=3", "-c", "WORKDIR /data", "-c", "USER guest"],
            &["-c", "EXPOSE 80", "-c", "VOLUME /v", "-c", "LABEL l=m"],
            &["-c", "RUN true"],
        ];
        let said = sets.iter().enumerate().map(|(at, set)| {
            let name = format!("made:{at}");
            let said = house.run(&[&["commit"], *set, &["cc", &name]].concat());
            (said.code, said.err.clone(), house.run(&["inspect", "-f", "{{json .Config}}", &name]))
        });
        said.collect::<Vec<_>>()
    });
}

#[test]
fn nothing_changed_is_no_layer() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "same", IMAGE, "true"]);
        house.ok(&["commit", "same", "made:same"]);
        (layers(house, "made:same"), house.tree("image/DRIVER/layerdb/sha256"))
    });
}

/// A container that runs is held still meanwhile, and goes on.
#[test]
fn while_it_runs() {
    same_on_both(|house| {
        house.ok(&["run", "-d", "--network", "none", "--name", "long", IMAGE, "sh", "-c", "echo x > /x; sleep 1000"]);
        let said = [
            house.run(&["commit", "long", "made:held"]).code,
            house.run(&["commit", "--pause=false", "long", "made:free"]).code,
        ];
        let state = house.ok(&["inspect", "-f", "{{.State.Status}} {{.State.Paused}}", "long"]);
        house.ok(&["rm", "-f", "long"]);
        (said.to_vec(), state)
    });
}

#[test]
fn what_is_refused() {
    same_on_both(|house| {
        house.ok(&["create", "--network", "none", "--name", "cc", IMAGE, "true"]);
        vec![
            house.run(&["commit", "ghost"]),
            house.run(&["commit", "cc", "Bad Name"]),
            house.run(&["commit", "cc", "sha256:x"]),
            house.run(&["export", "ghost"]),
            house.run(&["export", "-o", "/no/such/dir/file", "cc"]),
        ]
    });
}

/// The listing of the archive, and that it comes in again.
#[test]
fn all_files_in_one_archive() {
    same_on_both(|house| {
        changed(house, "web");
        let file = house.room().join("web.tar").display().to_string();
        let said = house.run(&["export", "-o", &file, "web"]);
        let listed =
            std::process::Command::new("tar").args(["--numeric-owner", "-tvf", &file]).env("TZ", "UTC").output();
        let listed = String::from_utf8_lossy(&listed.expect("tar runs").stdout).into_owned();
        // The init layer's own files and busybox's links are as old as the story.
        let kept = listed.lines().filter(|line| line.contains(" data/") || line.contains("etc/")).collect::<Vec<_>>();
        let kept: Vec<String> = kept
            .into_iter()
            .map(|line| {
                line.split_whitespace()
                    .enumerate()
                    .filter(|(at, _)| *at != 4)
                    .map(|(_, word)| word)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .filter(|line| !line.contains("2026"))
            .collect();
        let again = house.run_from(&["import", "-", "again:1"], std::path::Path::new(&file));
        let runs = house.run(&["run", "--rm", "--network", "none", "again:1", "cat", "/data/dir/inside"]);
        (said, lines_sorted(&kept.join("\n")), again.code, runs)
    });
}

/// dockerd commits our container to the layer that we make of it, and we its.
#[test]
fn each_commits_the_others_container() {
    let mut house = House::open(&integration::Side::first(), Driver::Overlay2);
    house.load_golden();
    changed(&house, "theirs");
    house.ok(&["commit", "theirs", "by-docker:1"]);
    house.hand_to(&integration::Side::under_test());
    house.ok(&["commit", "theirs", "by-us:1"]);
    assert_eq!(layers(&house, "by-docker:1"), layers(&house, "by-us:1"));
    changed(&house, "ours");
    house.ok(&["commit", "ours", "ours-by-us:1"]);
    house.hand_to(&integration::Side::first());
    house.ok(&["commit", "ours", "ours-by-docker:1"]);
    assert_eq!(layers(&house, "ours-by-docker:1"), layers(&house, "ours-by-us:1"));
    let runs = house.run(&["run", "--rm", "--network", "none", "ours-by-us:1", "cat", "/data/new"]);
    assert_eq!(runs.ok(), "new");
}
