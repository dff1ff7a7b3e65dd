//! Images go in, get names, lose them, and are gone with all they took: on both drivers.

mod support;

use base::{Digest, ImageId};
use images::{How, LoadError, RemoveError, Removed, User};
use support::{Root, archive, config, dir, entries, file, layer, link, tar};

const DRIVERS: [&str; 2] = ["overlay2", "vfs"];

fn on_both(check: impl Fn(&Root)) {
    for driver in DRIVERS {
        check(&Root::fresh(driver));
    }
}

fn unused(_: &ImageId) -> Vec<User> {
    Vec::new()
}

fn remove(root: &Root, typed: &str) -> Result<Vec<String>, RemoveError> {
    remove_with(root, typed, How::default(), &unused)
}

fn remove_with(
    root: &Root,
    typed: &str,
    how: How,
    users: &dyn Fn(&ImageId) -> Vec<User>,
) -> Result<Vec<String>, RemoveError> {
    let removed = root.images().remove(&root.layers(), typed, how, users)?;
    Ok(removed.iter().map(Removed::to_string).collect())
}

fn names(root: &Root) -> Vec<String> {
    let names = root.images().repositories().expect("whole");
    names.all().iter().map(|(name, _)| name.to_string()).collect()
}

fn chains(layers: &[Vec<u8>]) -> Vec<String> {
    let ids = layers.iter().map(|layer| base::DiffId::new(Digest::of(layer)));
    let rootfs = images::config::RootFs::of(ids.collect());
    rootfs.chains().map(|chain| chain.to_string()).collect()
}

#[test]
fn an_imported_tar_is_an_image_of_one_layer() {
    on_both(|root| {
        let id = root.import("t:1", &layer("a"));
        let image = root.images().resolve("t:1").expect("it has a name");
        assert_eq!(
            (image.id, image.chain().map(|chain| chain.to_string())),
            (id, Some(chains(&[layer("a")])[0].clone()))
        );
        let config = String::from_utf8_lossy(image.bytes()).into_owned();
        let time = image.config.created.to_string();
        let golden = include_str!("golden/import-changes.json")
            .replace("2026-11-22T21:54:38.157360508Z", &time)
            .replace("20.10.24+dfsg1", images::DOCKER_VERSION)
            .replace(r"msg \u003cé\u003e\u0026", "Imported from -")
            .replace(r#"["A=1","B=x y"],"Cmd":["/a","b"]"#, r#"null,"Cmd":null"#)
            .replace(
                "655e38c4ffb751de7dd37a23e5b718bb04a180355727d51734746688c021c693",
                &Digest::of(&layer("a")).hex(),
            );
        assert_eq!(config, golden, "as dockerd 20.10.24 writes it");
        let stamp = root.images().inspect(&root.layers(), &image).expect("inspect").metadata.last_tag_time;
        assert!(stamp.time() >= image.config.created.time(), "lastUpdated is written");
    });
}

#[test]
fn a_loaded_archive_is_saved_as_dockerd_saves_it() {
    on_both(|root| {
        // made, loaded and saved with dockerd 20.10.24
        let golden = include_bytes!("golden/saved.tar");
        let (lines, loaded) = root.load(golden);
        loaded.expect("load");
        assert_eq!(lines, ["Loaded image: sv:1", "Loaded image: sv:2"]);
        assert!(root.save(&["sv"]) == golden, "byte for byte");
    });
}

#[test]
fn an_archive_through_a_pipe_is_the_same_gzipped_or_not() {
    use std::io::Write;
    let made = archive(&[layer("a"), layer("b")], r#"["t:1"]"#);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&made).expect("memory can be written");
    let gzip = gzip.finish().expect("memory can be written");
    on_both(|root| {
        root.load_piped(&made).1.expect("load");
        let images = names(root);
        root.load_piped(&gzip).1.expect("load again");
        root.load(&gzip).1.expect("load a third time");
        assert_eq!(names(root), images);
        assert_eq!(support::below(&root.tmp()), Vec::<String>::new(), "nothing is left aside");
    });
}

#[test]
fn layers_that_are_there_need_not_be_in_the_archive() {
    on_both(|root| {
        root.load(&archive(&[layer("a")], r#"["t:1"]"#)).1.expect("load");
        let mut parts = entries(&config(&[layer("a")], ""), &[layer("a")], r#"["u:1"]"#);
        parts.retain(|entry| !entry.starts_with(b"l0/"));
        root.load(&tar(&parts)).1.expect("load");
        assert_eq!(names(root), ["t:1", "u:1"]);
    });
}

#[test]
fn a_layer_may_be_a_link_to_another() {
    let (a, b) = (layer("a"), layer("b"));
    let config = config(&[a.clone(), b.clone(), a.clone()], "");
    let manifest = br#"[{"Config":"c.json","RepoTags":["t:1"],"Layers":["z/layer.tar","y/layer.tar","/x/layer.tar"]}]"#;
    let archive = tar(&[
        file("c.json", &config),
        dir("x/"),
        file("x/layer.tar", &a),
        file("./y/layer.tar", &b),
        link("z/layer.tar", "../../../x/layer.tar"),
        file("manifest.json", manifest),
    ]);
    on_both(|root| {
        root.load(&archive).1.expect("load");
        let image = root.images().resolve("t:1").expect("it is there");
        assert_eq!(image.config.diff_ids().len(), 3);
    });
}

#[test]
fn names_move_and_dockerd_says_so() {
    on_both(|root| {
        let (_, loaded) = root.load(&archive(&[layer("a")], r#"["t:1","localhost:5000/x/y:z"]"#));
        loaded.expect("load");
        let old = root.images().resolve("t:1").expect("it is there").id;
        let (lines, _) = root.load(&archive(&[layer("b")], r#"["t:1"]"#));
        let replaced = format!("The image t:1 already exists, renaming the old one with ID {old} to empty string");
        assert_eq!(lines, [replaced, "Loaded image: t:1".to_owned()]);
        let (lines, _) = root.load(&archive(&[layer("c")], "null"));
        let id = ImageId::new(Digest::of(&config(&[layer("c")], "")));
        assert_eq!(lines, [format!("Loaded image ID: {id}")]);
    });
}

/// What dockerd 20.10.24 says of each, its temporary directory left out.
#[test]
fn bad_archives_are_refused_in_dockerds_words_and_leave_nothing() {
    let good = || entries(&config(&[layer("a")], ""), &[layer("a")], r#"["t:1"]"#);
    let with_manifest = |text: &str| {
        let mut parts = good();
        parts.pop();
        parts.push(file("manifest.json", text.as_bytes()));
        tar(&parts)
    };
    let with_config = |text: &[u8]| tar(&entries(text, &[layer("a")], r#"["t:1"]"#));
    let without = |start: &[u8]| tar(&good().into_iter().filter(|entry| !entry.starts_with(start)).collect::<Vec<_>>());
    let tagged = |tags: &str| archive(&[layer("a")], tags);
    let whole = tar(&good());
    let twice = tar(&[file("d", b"1"), file("d", b"2")]);
    let zeros = "0".repeat(64);
    let wrong = Digest::of(&layer("wrong"));
    let got = Digest::of(&layer("a"));
    let cases: Vec<(&str, Vec<u8>, String)> = vec![
        ("empty", vec![], "open repositories: no such file or directory".into()),
        ("empty tar", tar(&[]), "open repositories: no such file or directory".into()),
        (
            "no tar",
            b"hello world".repeat(1000),
            "Error processing tar file(exit status 1): archive/tar: invalid tar header".into(),
        ),
        ("cut in a layer", whole[..2500].to_vec(), "Error processing tar file(exit status 1): unexpected EOF".into()),
        ("cut in a header", whole[..1200].to_vec(), "Error processing tar file(exit status 1): unexpected EOF".into()),
        ("no layer", without(b"l0/"), "open l0/layer.tar: no such file or directory".into()),
        ("no config", without(b"c.json"), "open c.json: no such file or directory".into()),
        ("capitals", tagged(r#"["UP:1"]"#), "invalid reference format: repository name must be lowercase".into()),
        ("no tag", tagged(r#"["foo"]"#), r#"invalid tag "foo""#.into()),
        ("a digest", tagged(&format!(r#"["foo@sha256:{zeros}"]"#)), format!(r#"invalid tag "foo@sha256:{zeros}""#)),
        ("no rootfs", with_config(b"{}"), "invalid image JSON, no RootFS key".into()),
        (
            "windows",
            with_config(&config(&[layer("a")], r#","os":"windows""#)),
            "cannot load windows image on linux".into(),
        ),
        (
            "history",
            with_config(&config(&[layer("a")], r#","history":[{},{}]"#)),
            "too many non-empty layers in History section".into(),
        ),
        (
            "too many layers",
            tar(&entries(&config(&[layer("a")], ""), &[layer("a"), layer("b")], "[]")),
            "invalid manifest, layers length mismatch: expected 2, got 1".into(),
        ),
        (
            "another layer",
            with_config(&config(&[layer("wrong")], "")),
            format!(r#"invalid diffID for layer 0: expected "{wrong}", got "{got}""#),
        ),
        ("a directory", with_manifest("[null]"), "read : is a directory".into()),
        (
            "out of the archive",
            with_manifest(r#"[{"Config":"../../../etc/passwd"}]"#),
            "evalSymlinksInScope: ../../../etc/passwd is not in the archive".into(),
        ),
        (
            "twice the same name",
            archive(std::slice::from_ref(&twice), "[]"),
            "Error processing tar file(duplicates of file paths not supported): ".into(),
        ),
        (
            "no layer tar",
            archive(&[b"not a tar, really".to_vec()], "[]"),
            "Error processing tar file(exit status 1): unexpected EOF".into(),
        ),
    ];
    on_both(|root| {
        let before = root.listing();
        for (what, archive, sentence) in &cases {
            for (lines, loaded) in [root.load(archive), root.load_piped(archive)] {
                let error = loaded.expect_err(what);
                assert_eq!(error.to_string().trim_end(), sentence.trim_end(), "{what}");
                assert!(lines.is_empty(), "{what}");
                assert_eq!(root.listing(), before, "{what}");
            }
        }
    });
}

#[test]
fn damaged_json_is_named() {
    let root = Root::fresh("vfs");
    for bad in [&b"nope"[..], b"[1]", br#"{"rootfs":{"diff_ids":"x"}}"#, br#"{"rootfs":{"diff_ids":["x"]}}"#] {
        let error = root.load(&tar(&entries(bad, &[layer("a")], "[]"))).1.expect_err("no config");
        assert!(matches!(&error, LoadError::DamagedConfig { path, .. } if path == "c.json"), "{error:?}");
    }
    for bad in ["xx", "{}", "", r#"[{"Config":5}]"#] {
        let error = root.load(&tar(&[file("manifest.json", bad.as_bytes())])).1.expect_err("no manifest");
        assert!(matches!(error, LoadError::Manifest(_)), "{error:?}");
    }
}

#[test]
fn the_126th_layer_is_one_too_many_and_leaves_nothing() {
    let layers: Vec<_> = (0..126).map(|at| layer(&format!("f{at}"))).collect();
    let root = Root::fresh("overlay2");
    let before = root.listing();
    let error = root.load(&archive(&layers, r#"["deep:126"]"#)).1.expect_err("too deep");
    assert_eq!(error.to_string(), "max depth exceeded");
    assert_eq!(root.listing(), before);
    root.load(&archive(&layers[..125], r#"["deep:125"]"#)).1.expect("125 are fine");
}

#[test]
fn what_came_before_a_bad_image_stays() {
    let manifest = br#"[{"Config":"c.json","RepoTags":["good:1"],"Layers":["a"]},{"Config":"d.json","RepoTags":["bad:1"],"Layers":["a","b"]}]"#;
    let parts = |second: &[u8]| {
        let (a, b) = (layer("a"), layer("b"));
        let first = config(std::slice::from_ref(&a), "");
        tar(&[
            file("c.json", &first),
            file("d.json", second),
            file("a", &a),
            file("b", &b),
            file("manifest.json", manifest),
        ])
    };
    on_both(|root| {
        root.load(&archive(&[layer("a")], r#"["only:1"]"#)).1.expect("load");
        let alone = root.layers().layers().expect("list");
        remove(root, "only:1").expect("remove");
        let bad = parts(&config(&[layer("a"), layer("wrong")], ""));
        let (lines, loaded) = root.load(&bad);
        assert!(matches!(loaded, Err(LoadError::DiffId { at: 1, .. })), "{loaded:?}");
        assert_eq!((lines, names(root)), (vec!["Loaded image: good:1".to_owned()], vec!["good:1".to_owned()]));
        assert_eq!(root.layers().layers().expect("list"), alone, "no layer of the bad one is left");
    });
}

#[test]
fn removing_the_last_name_removes_the_image_and_its_layers() {
    on_both(|root| {
        root.import("x:1", &layer("x"));
        let empty = root.listing();
        let made = [layer("a"), layer("b")];
        root.load(&archive(&made, r#"["t:1","t:2"]"#)).1.expect("load");
        assert_eq!(remove(root, "t:1").expect("it has another name"), ["Untagged: t:1"]);
        let id = root.images().resolve("t:2").expect("it is there").id;
        let [base, top] = <[String; 2]>::try_from(chains(&made)).expect("two layers");
        let said = [
            "Untagged: t:2".to_owned(),
            format!("Deleted: {id}"),
            format!("Deleted: {top}"),
            format!("Deleted: {base}"),
        ];
        assert_eq!(remove(root, "t:2").expect("nobody needs it"), said);
        assert_eq!(root.listing(), empty, "all it took is given back");
        let gone = remove(root, "t:2").expect_err("it is gone").to_string();
        assert_eq!(gone, "No such image: t:2");
    });
}

#[test]
fn shared_layers_stay_while_another_image_has_them() {
    on_both(|root| {
        root.load(&archive(&[layer("a")], r#"["one:1"]"#)).1.expect("load");
        root.load(&archive(&[layer("a"), layer("b")], r#"["two:1"]"#)).1.expect("load");
        let two = root.images().resolve("two:1").expect("it is there").id;
        let top = chains(&[layer("a"), layer("b")]).pop().expect("two layers");
        let said = ["Untagged: two:1".to_owned(), format!("Deleted: {two}"), format!("Deleted: {top}")];
        assert_eq!(remove(root, "two:1").expect("nobody needs it"), said);
        root.save(&["one:1"]);
    });
}

/// Two images of one parent each, as a build leaves them.
fn built(root: &Root) -> [ImageId; 3] {
    let step = |count: usize| {
        let steps: Vec<_> = (0..count).map(|at| format!(r#"{{"created_by":"{at}"}}"#)).collect();
        format!(r#","history":[{}]"#, steps.join(","))
    };
    let layers: Vec<_> = ["a", "b", "c"].map(layer).into();
    let configs: Vec<_> = (1..=3).map(|count| config(&layers[..count], &step(count))).collect();
    let id = |at: usize| ImageId::new(Digest::of(&configs[at]));
    let items: Vec<String> = (0..3)
        .map(|at| {
            let paths: Vec<_> = (0..=at).map(|at| format!("\"l{at}\"")).collect();
            let parent = if at == 0 { String::new() } else { format!(r#","Parent":"{}""#, id(at - 1)) };
            let tags = if at == 2 { r#"["built:1"]"# } else { "null" };
            format!(r#"{{"Config":"c{at}","RepoTags":{tags},"Layers":[{}]{parent}}}"#, paths.join(","))
        })
        .collect();
    let mut parts: Vec<_> = configs.iter().enumerate().map(|(at, config)| file(&format!("c{at}"), config)).collect();
    parts.extend(layers.iter().enumerate().map(|(at, layer)| file(&format!("l{at}"), layer)));
    parts.push(file("manifest.json", format!("[{}]", items.join(",")).as_bytes()));
    root.load(&tar(&parts)).1.expect("load");
    [id(0), id(1), id(2)]
}

#[test]
fn parents_nobody_needs_go_with_their_child() {
    on_both(|root| {
        let [first, second, third] = built(root);
        let image = root.images().resolve("built:1").expect("it is there");
        let rows = root.images().history(&root.layers(), &image);
        assert_eq!(
            rows.expect("history").iter().map(|row| row.id.clone()).collect::<Vec<_>>(),
            [third, second, first].map(|id| id.to_string())
        );
        let listing = root.images().list(&root.layers()).expect("list");
        assert_eq!(listing.images.iter().filter(|listed| listed.is_intermediate()).count(), 2);
        let child = remove(root, &first.hex()[..12]).expect_err("it has a child").to_string();
        assert_eq!(
            child,
            format!(
                "conflict: unable to delete {} (cannot be forced) - image has dependent child images",
                &first.hex()[..12]
            )
        );
        let [one, two, three] = <[String; 3]>::try_from(chains(&["a", "b", "c"].map(layer))).expect("three layers");
        let said = [
            "Untagged: built:1".to_owned(),
            format!("Deleted: {third}"),
            format!("Deleted: {three}"),
            format!("Deleted: {second}"),
            format!("Deleted: {two}"),
            format!("Deleted: {first}"),
            format!("Deleted: {one}"),
        ];
        assert_eq!(remove(root, "built:1").expect("nobody needs it"), said);
    });
}

#[test]
fn images_in_use_are_kept_in_dockerds_words() {
    on_both(|root| {
        root.import("t:1", &layer("a"));
        let id = root.images().resolve("t:1").expect("it is there").id;
        let container = "c".repeat(64);
        let user = |running| {
            let container = container.parse().expect("an id");
            move |_: &ImageId| vec![User { container: base::ContainerId::clone(&container), running }]
        };
        let (short, forced) = (&id.hex()[..12], How { force: true, prune: true });
        let said = |typed: &str, how, running| {
            remove_with(root, typed, how, &user(running)).map_err(|refused| refused.to_string())
        };
        let by_name = format!(
            "conflict: unable to remove repository reference \"t:1\" (must force) - container cccccccccccc is using its referenced image {short}"
        );
        assert_eq!(said("t:1", How::default(), false), Err(by_name));
        let stopped = format!(
            "conflict: unable to delete {short} (must be forced) - image is being used by stopped container cccccccccccc"
        );
        assert_eq!(said(short, How::default(), false), Err(stopped));
        let running = format!(
            "conflict: unable to delete {short} (cannot be forced) - image is being used by running container cccccccccccc"
        );
        assert_eq!(said(short, forced, true), Err(running));
        assert_eq!(said("t:1", forced, true), Ok(vec!["Untagged: t:1".to_owned()]), "the name alone");
        root.images().get(&id).expect("whole").expect("the image stays");
    });
}

#[test]
fn an_image_of_several_repositories_is_removed_by_id_only_with_force() {
    on_both(|root| {
        root.import("t:1", &layer("a"));
        root.images().tag(&root.layers(), "t:1", &"u:1".parse().expect("a name")).expect("tag");
        let id = root.images().resolve("u:1").expect("it is there").id;
        let refused = remove(root, &id.to_string()).expect_err("two names").to_string();
        let short = &id.hex()[..12];
        assert_eq!(
            refused,
            format!(
                "conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories"
            )
        );
        let how = How { force: true, prune: true };
        let said = remove_with(root, &id.to_string(), how, &unused).expect("forced");
        assert_eq!(said[..3], ["Untagged: t:1".to_owned(), "Untagged: u:1".to_owned(), format!("Deleted: {id}")]);
    });
}

#[test]
fn names_and_beginnings_of_ids_lead_to_images() {
    let root = Root::fresh("vfs");
    let id = root.import("t", &layer("a"));
    for typed in [
        "t",
        "t:latest",
        "docker.io/library/t",
        &id.to_string(),
        &id.hex(),
        &id.hex()[..5],
        &format!("sha256:{}", &id.hex()[..5]),
    ] {
        assert_eq!(root.images().resolve(typed).expect(typed).id, id, "{typed}");
    }
    let zeros = "0".repeat(64);
    for (typed, sentence) in [
        ("nosuch", "No such image: nosuch:latest".to_owned()),
        ("t:2", "No such image: t:2".to_owned()),
        (&*zeros, format!("No such image: sha256:{zeros}")),
        ("UP", "invalid reference format: repository name must be lowercase".to_owned()),
    ] {
        assert_eq!(root.images().resolve(typed).expect_err(typed).to_string(), sentence);
    }
}

#[test]
fn a_damaged_image_hides_no_other() {
    let root = Root::fresh("vfs");
    let good = root.import("good", &layer("a"));
    let bad = root.import("bad", &layer("b"));
    let content = root.image_dir().join("imagedb/content/sha256");
    sys::truncate_write(content.join(bad.hex()), b"{}", 0o600).expect("damage");
    sys::write_new(content.join(".tmp-left-over"), b"", 0o600).expect("litter");
    let without_layers = config(&[layer("elsewhere")], "");
    let lost = ImageId::new(Digest::of(&without_layers));
    sys::write_new(content.join(lost.hex()), &without_layers, 0o600).expect("an image without its layers");
    let listing = root.images().list(&root.layers()).expect("list");
    assert_eq!(listing.images.iter().map(|listed| listed.image.id).collect::<Vec<_>>(), [good]);
    let mut findings: Vec<_> = listing.findings.iter().map(|finding| finding.reason.to_string()).collect();
    findings.sort();
    assert_eq!(findings, [format!("failed to verify: {bad}"), "layer does not exist".to_owned()]);
    assert_eq!(root.images().resolve("bad").expect_err("damaged").to_string(), format!("failed to verify: {bad}"));
}

#[test]
fn a_damaged_repositories_file_hides_names_only_and_is_never_overwritten() {
    let root = Root::fresh("vfs");
    let id = root.import("t", &layer("a"));
    let file = root.image_dir().join("repositories.json");
    sys::truncate_write(&file, b"{", 0o600).expect("damage");
    let listing = root.images().list(&root.layers()).expect("list");
    assert_eq!((listing.images.len(), listing.findings.len()), (1, 1));
    assert_eq!(root.images().resolve(&id.hex()).expect("by id").id, id);
    let sentence = format!("Couldn't create reference store repository: {}", file.display());
    let before = root.listing();
    let tagged = root.images().tag(&root.layers(), &id.hex(), &"u".parse().expect("a name"));
    assert_eq!(tagged.expect_err("no names").to_string(), sentence);
    assert_eq!(root.images().resolve("t").expect_err("no names").to_string(), sentence);
    assert_eq!(root.load(&archive(&[layer("b")], "[]")).1.expect_err("no names").to_string(), sentence);
    assert_eq!(remove(&root, "t").expect_err("no names").to_string(), sentence);
    assert_eq!(root.listing(), before);
    assert_eq!(sys::read_opt(&file).expect("read"), Some(b"{".to_vec()));
}

#[test]
fn a_changed_file_is_named_by_save() {
    let root = Root::fresh("vfs");
    root.import("t", &tar(&[file("dir/one", b"one")]));
    let layer = root.layers().layer(&root.images().resolve("t").expect("there").chain().expect("a layer"));
    let home = root.path().join("vfs/dir").join(layer.expect("whole").expect("there").cache_id.to_string());
    sys::truncate_write(home.join("dir/one"), b"two", 0o644).expect("change");
    let error = root.images().save(&root.layers(), &["t".to_owned()], &mut Vec::new()).expect_err("changed");
    assert_eq!(error.to_string(), "file integrity checksum failed for \"dir/one\"");
}

/// As `docker save` of 25 and later writes it: blobs, and descriptors of all layers.
#[test]
fn an_oci_layout_is_loaded_by_its_manifest_json() {
    let layers = [layer("a"), layer("b")];
    let config = config(&layers, "");
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
    let source = |bytes: &Vec<u8>| {
        let digest = Digest::of(bytes);
        format!(
            r#""{digest}":{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":{},"digest":"{digest}"}}"#,
            bytes.len()
        )
    };
    let paths = layers.each_ref().map(|bytes| format!("\"{}\"", blob(bytes))).join(",");
    let manifest = format!(
        r#"[{{"Config":"{}","RepoTags":["t:1"],"Layers":[{paths}],"LayerSources":{{{}}}}}]"#,
        blob(&config),
        layers.each_ref().map(source).join(",")
    );
    let mut parts = vec![dir("blobs/"), dir("blobs/sha256/"), file(&blob(&config), &config)];
    parts.extend(layers.iter().map(|bytes| file(&blob(bytes), bytes)));
    parts.extend([
        file("index.json", br#"{"schemaVersion":2,"manifests":[]}"#),
        file("manifest.json", manifest.as_bytes()),
        file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
    ]);
    on_both(|root| {
        assert_eq!(root.load(&tar(&parts)).0, ["Loaded image: t:1"]);
        assert_eq!(root.images().resolve("t:1").expect("it is there").bytes(), config);
    });
}

#[test]
fn loads_and_removals_beside_each_other_lose_nothing() {
    let root = Root::fresh("overlay2");
    let made: Vec<_> = (0..4)
        .map(|at| {
            let tags = format!(r#"["t:{at}"]"#);
            archive(&[layer("shared"), layer(&format!("own{at}"))], &tags)
        })
        .collect();
    std::thread::scope(|threads| {
        for (at, archive) in made.iter().enumerate() {
            let root = &root;
            threads.spawn(move || {
                for _ in 0..5 {
                    root.load_piped(archive).1.expect("load");
                    remove(root, &format!("t:{at}")).expect("nobody needs it");
                }
                root.load_piped(archive).1.expect("load");
            });
        }
    });
    assert_eq!(names(&root), ["t:0", "t:1", "t:2", "t:3"]);
    let listing = root.images().list(&root.layers()).expect("list");
    assert_eq!((listing.images.len(), listing.findings.len()), (4, 0));
    assert_eq!(root.layers().layers().expect("list").len(), 5, "the shared one and four of their own");
    assert!(!root.save(&["t:0", "t:1", "t:2", "t:3"]).is_empty());
}
