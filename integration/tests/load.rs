//! `load`: what it says, what it leaves, what it refuses.

use std::process::{Command, Stdio};

use integration::images::{Layer, archive, base_layer, golden, golden_layers, hex, small_layer};
use integration::{Driver, House, same_on, same_on_both};
use serde_json::json;
use tar::{EntryType, Header};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).and_then(|()| packed.finish()).expect("a vector takes everything")
}

/// What was loaded in the harness's own way before the story.
fn left(house: &House) -> (String, String, String) {
    (house.tree("image"), house.tree("DRIVER"), house.tree("tmp"))
}

/// Three layers with whiteouts, an opaque directory, hard links and odd modes: the same files, byte for byte.
#[test]
fn load_leaves_the_same_files() {
    same_on_both(|house| left(house));
}

#[test]
fn load_leaves_the_same_files_on_vfs() {
    same_on(Driver::Vfs, |house| left(house));
}

#[test]
fn from_a_file_from_stdin_gzipped_and_quiet() {
    same_on_both(|house| {
        let path = house.write("golden.tar", golden()).display().to_string();
        let packed = house.write("golden.tar.gz", &gzip(golden())).display().to_string();
        let missing = house.run(&["load", "-i", "/nowhere.tar"]).code;
        house.run(&["rmi", "busybox:golden"]).ok();
        let said = [
            house.run(&["load", "-q", "-i", &packed]),
            house.run(&["load", "-q", "-i", &path]),
            house.run_fed(&["load", "-q"], &gzip(golden())),
        ];
        let words: Vec<_> = said.iter().map(|said| house.neutral(&said.out)).collect();
        (missing, words, house.tree("image"))
    });
}

/// A layer that is there already is used again; a tag moves; an image without a tag says its id.
#[test]
fn shared_layers_moved_tags_and_untagged_images() {
    same_on_both(|house| {
        let mut layers = golden_layers();
        let untagged = archive(&layers, &json!({"Cmd": ["true"]}), &[]);
        layers.push(small_layer(1));
        let moved = archive(&layers, &json!({"Cmd": ["sh"]}), &["busybox:golden", "busybox:next"]);
        let said = (house.run_fed(&["load"], &moved), house.run_fed(&["load"], &untagged));
        (said, house.run(&["images", "-a", "--no-trunc"]).sorted(), left(house))
    });
}

#[test]
fn a_chain_of_125_layers_loads_and_126_do_not() {
    same_on_both(|house| {
        let mut layers: Vec<_> = (0..124).map(small_layer).collect();
        layers.insert(0, base_layer().to_vec());
        let deep = house.run_fed(&["load"], &archive(&layers, &json!({"Cmd": ["sh"]}), &["deep:125"]));
        let runs = house.run(&["run", "--rm", "--network", "none", "deep:125", "cat", "/layers/0", "/layers/123"]);
        layers.push(small_layer(999));
        let deeper = house.run_fed(&["load"], &archive(&layers, &json!({"Cmd": ["sh"]}), &["deep:126"]));
        (deep, runs, deeper, house.ok(&["images", "-a", "--no-trunc"]))
    });
}

/// An image of no layers at all.
#[test]
fn an_image_without_layers() {
    same_on_both(|house| {
        let zero = house.run_fed(&["load"], &archive(&[], &json!({"Cmd": ["/none"]}), &["zero:1"]));
        (zero, house.run(&["images"]), house.tree("image"))
    });
}

/// Tars as real tools write them: long names, names that are no text, sparse files, xattrs, times with fractions.
#[test]
fn odd_layers_give_the_same_files() {
    let long = format!("long/{}", "n".repeat(180));
    let mut layer = Layer::new().dir("long", 0o755).file(&long, b"long\n").file("caf\u{e9}", b"text\n");
    let mut raw = Header::new_gnu();
    raw.as_mut_bytes()[..4].copy_from_slice(b"\xff\xfe.x");
    raw.set_entry_type(EntryType::Regular);
    raw.set_mode(0o600);
    raw.set_size(3);
    raw.set_cksum();
    layer = layer.raw(&raw, b"raw");
    for (name, kind) in [("fifo", EntryType::Fifo), ("null", EntryType::Char), ("disk", EntryType::Block)] {
        let mut node = Header::new_gnu();
        node.set_path(name).expect("short");
        node.set_entry_type(kind);
        node.set_mode(0o640);
        node.set_size(0);
        node.set_device_major(if kind == EntryType::Char { 1 } else { 7 }).expect("gnu");
        node.set_device_minor(3).expect("gnu");
        node.set_cksum();
        layer = layer.raw(&node, b"");
    }
    let (name, value) = pax(&[("mtime", "1700000000.123456789"), ("SCHILY.xattr.user.colour", "blue")]);
    layer = layer.raw(&name, &value).file("with-pax", b"pax\n");
    let capability = [1_u8, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut record = b"SCHILY.xattr.security.capability=".to_vec();
    record.extend_from_slice(&capability);
    let (name, value) = pax_raw(&record);
    layer = layer.raw(&name, &value).file_as("with-capability", 0o755, 0, b"ping\n");
    let tar = layer.tar();
    same_on_both(move |house| {
        let odd = archive(&[base_layer().to_vec(), tar.clone()], &json!({}), &["odd:1"]);
        (house.run_fed(&["load"], &odd), house.tree("DRIVER"), house.tree("image"))
    });
}

fn pax(records: &[(&str, &str)]) -> (Header, Vec<u8>) {
    let records = records.iter().map(|(key, value)| format!("{key}={value}"));
    let text: String = records.map(|record| String::from_utf8(framed(record.as_bytes())).expect("text")).collect();
    (pax_header(text.len()), text.into_bytes())
}

fn pax_raw(record: &[u8]) -> (Header, Vec<u8>) {
    let framed = framed(record);
    (pax_header(framed.len()), framed)
}

/// `LENGTH RECORD\n`, the length counting itself.
fn framed(record: &[u8]) -> Vec<u8> {
    let mut length = record.len() + 2;
    while length != record.len() + 2 + length.to_string().len() {
        length = record.len() + 2 + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", record, b"\n"].concat()
}

fn pax_header(size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_path("PaxHeaders/x").expect("short");
    header.set_entry_type(EntryType::XHeader);
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

/// GNU tar's own tars, not ours: with `./` before each name and zeros behind the end.
#[test]
fn a_layer_by_gnu_tar() {
    same_on_both(|house| {
        let dir = house.room().join("made");
        std::fs::create_dir_all(dir.join("opt/dir")).expect("a fresh room");
        house.write("made/opt/file", b"made by tar\n");
        let mut tar = Command::new("tar");
        tar.args(["--mtime=@1700000000", "--sort=name", "--numeric-owner", "-C"]).arg(&dir).args(["-cf", "-", "."]);
        let layer = tar.stdin(Stdio::null()).output().expect("tar runs").stdout;
        let image = archive(&[base_layer().to_vec(), layer], &json!({}), &["made:1"]);
        (house.run_fed(&["load"], &image), house.tree("image/DRIVER/layerdb"))
    });
}

/// Broken and hostile archives: refused with the same sentence, and nothing half-made is left.
#[test]
fn what_is_refused_leaves_nothing() {
    let twice = Layer::new().file("same", b"one").file("same", b"two").tar();
    let base = base_layer().to_vec();
    let mut cut = golden().to_vec();
    cut.truncate(cut.len() / 2);
    let wrong = {
        let good = archive(&[small_layer(1)], &json!({}), &["wrong:1"]);
        // The layer is changed after its digest was written.
        let at = good.windows(2).position(|pair| pair == b"1\n").expect("the file's content");
        let mut wrong = good;
        wrong[at] = b'2';
        wrong
    };
    let archives = [
        ("cut", cut),
        ("wrong digest", wrong),
        ("a name twice", archive(&[base.clone(), twice], &json!({}), &["twice:1"])),
        ("no manifest", Layer::new().file("readme", b"hello").tar()),
        ("broken manifest", Layer::new().file("manifest.json", b"[{").tar()),
        ("layer missing", {
            let name = format!("{}.json", hex(b"{}"));
            let manifest = json!([{"Config": name, "RepoTags": ["m:1"], "Layers": ["0/layer.tar"]}]).to_string();
            Layer::new().file(&name, b"{}").file("manifest.json", manifest.as_bytes()).tar()
        }),
        ("bad tag", archive(&[base], &json!({}), &["No Such Tag"])),
        ("no tar at all", b"#!/bin/sh\necho hello\n".repeat(100)),
        ("nothing", Vec::new()),
    ];
    same_on_both(move |house| {
        let said: Vec<_> = archives
            .iter()
            .map(|(what, bytes)| {
                let said = house.run_fed(&["load"], bytes);
                assert!(!said.err.trim().is_empty() && !said.err.contains("panicked"), "{what}: {}", said.err);
                // dockerd's words for these speak of its own temporary files.
                let own = ["no manifest", "broken manifest", "nothing"].contains(what);
                (*what, if own { String::new() } else { said.sentences().join("\n") }, said.code)
            })
            .collect();
        // Unlike docker: an image whose tag is refused is not left behind without one.
        house.run(&["rmi", "-f", house.ok(&["images", "-q", "-f", "dangling=true"]).trim()]);
        (said, house.run(&["images", "-a"]), house.tree("DRIVER"), house.tree("image/DRIVER/layerdb/sha256"))
    });
}

/// A layer that wants out of its directory stays in it.
#[test]
fn names_that_escape_stay_inside() {
    same_on_both(|house| {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..16].copy_from_slice(b"../../../escaped");
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(4);
        header.set_cksum();
        let evil = Layer::new().raw(&header, b"out\n").symlink("up", "../../../..").file("up/through", b"x\n").tar();
        let said = house.run_fed(&["load"], &archive(&[evil], &json!({}), &["evil:1"]));
        let escaped = ["escaped", "through"].map(|name| house.room().join(name).exists() || house.path(name).exists());
        (said, escaped.to_vec(), house.tree("DRIVER"))
    });
}
