//! The pieces of work that are timed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use integration::images::{Layer, archive, base_layer};
use integration::{House, Oracle};
use serde_json::json;

use crate::table::Table;
use crate::{Wanted, measure, name};

const NONE: [&str; 2] = ["--network", "none"];
const IMAGE: &str = "busybox:golden";

fn with<'a>(verb: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [verb, &NONE, rest].concat()
}

fn nothing(_: &House) -> Vec<String> {
    Vec::new()
}

fn a_container(house: &House) -> Vec<String> {
    vec![house.ok(&with(&["create"], &[IMAGE, "true"]))]
}

/// All of it, each measured only if wanted.
pub(crate) fn all(table: &mut Table, wanted: &Wanted, houses: &[House; 2]) {
    let rounds = wanted.rounds;
    if wanted.wants("create") {
        measure(table, "create", rounds, houses.iter(), nothing, |house, _| {
            house.ok(&with(&["create"], &[IMAGE, "true"]));
        });
    }
    if wanted.wants("run") {
        run(table, houses, rounds);
    }
    if wanted.wants("start") {
        measure(table, "start", rounds, houses.iter(), a_container, |house, made| {
            house.ok(&["start", &made[0]]);
        });
    }
    if wanted.wants("rm") {
        measure(table, "rm", rounds, houses.iter(), a_container, |house, made| {
            house.ok(&["rm", &made[0]]);
        });
    }
    if wanted.wants("exec") || wanted.wants("restart") {
        running(table, wanted, houses);
    }
    if wanted.wants("diff") {
        for house in houses {
            let fill = "mkdir /w; for i in $(seq 1 20000); do echo $i > /w/$i; done";
            house.ok(&with(&["run", "--name", "full"], &[IMAGE, "sh", "-c", fill]));
        }
        measure(table, "diff of 20000 files", rounds.min(5), houses.iter(), nothing, |house, _| {
            house.ok(&["diff", "full"]);
        });
    }
    if wanted.wants("load") {
        load_and_save(table, wanted, houses);
    }
    if wanted.wants("ps") {
        many(table, wanted, houses);
    }
}

fn running(table: &mut Table, wanted: &Wanted, houses: &[House; 2]) {
    for house in houses {
        house.ok(&with(&["run", "-d", "--name", "long"], &[IMAGE, "sleep", "100000"]));
    }
    if wanted.wants("exec") {
        measure(table, "exec", wanted.rounds, houses.iter(), nothing, |house, _| {
            house.ok(&["exec", "long", "true"]);
        });
    }
    if wanted.wants("restart") {
        measure(table, "restart -t 0", wanted.rounds.min(8), houses.iter(), nothing, |house, _| {
            house.ok(&["restart", "-t", "0", "long"]);
        });
    }
    for house in houses {
        house.ok(&["rm", "-f", "long"]);
    }
}

/// Both engines and runc alone, in turn: what one leaves warm in the kernel, all find.
fn run(table: &mut Table, houses: &[House; 2], rounds: usize) {
    let runc = Runc::prepare(&houses[0]);
    let mut timed = |round, engine: &str, work: &dyn Fn()| {
        let began = Instant::now();
        work();
        if round > 0 {
            table.add("run --rm", engine, began.elapsed());
        }
    };
    for round in 0..=rounds {
        for house in houses {
            timed(round, &name(house), &|| {
                house.ok(&with(&["run", "--rm"], &[IMAGE, "true"]));
            });
        }
        timed(round, "runc alone", &|| runc.ok(&["run", "bench"]));
    }
    eprintln!("  run --rm done");
}

/// The same root and command without any engine around.
struct Runc {
    bundle: PathBuf,
    state: PathBuf,
}

impl Runc {
    fn prepare(house: &House) -> Self {
        let runc = Self { bundle: house.room().join("bundle"), state: house.room().join("runc") };
        std::fs::create_dir_all(runc.bundle.join("rootfs")).expect("a fresh room");
        let tar = house.write("base.tar", base_layer());
        let unpacked = Command::new("tar").arg("-C").arg(runc.bundle.join("rootfs")).arg("-xf").arg(tar).status();
        assert!(unpacked.expect("tar runs").success());
        runc.ok(&["spec"]);
        let text = std::fs::read(runc.bundle.join("config.json")).expect("runc wrote it");
        let mut config: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        config["process"]["terminal"] = false.into();
        config["process"]["args"] = json!(["true"]);
        house.write("bundle/config.json", config.to_string().as_bytes());
        runc
    }

    fn ok(&self, args: &[&str]) {
        let mut runc = Oracle::first().runc();
        runc.arg("--root").arg(&self.state).args(args).current_dir(&self.bundle).stdin(Stdio::null());
        let done = runc.output().expect("runc runs");
        assert!(done.status.success(), "runc {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Eight layers of real-looking files: half text, half noise.
fn load_and_save(table: &mut Table, wanted: &Wanted, houses: &[House; 2]) {
    let each = wanted.mib * 1024 * 1024 / 8;
    let mut layers = vec![base_layer().to_vec()];
    layers.extend((0..8).map(|number| layer(number, each)));
    let bytes = archive(&layers, &json!({}), &["bench/big:1"]);
    let path = houses[0].write("big.tar", &bytes).display().to_string();
    drop((layers, bytes));
    let fresh = |house: &House| {
        house.run(&["rmi", "bench/big:1"]);
        Vec::new()
    };
    let rounds = wanted.rounds.min(3);
    measure(table, &format!("load of {} MiB", wanted.mib), rounds, houses.iter(), fresh, |house, _| {
        house.ok(&["load", "-q", "-i", &path]);
    });
    measure(table, &format!("save of {} MiB", wanted.mib), rounds, houses.iter(), nothing, |house, _| {
        let out = house.room().join("out.tar").display().to_string();
        house.ok(&["save", "-o", &out, "bench/big:1"]);
    });
}

fn layer(number: usize, size: usize) -> Vec<u8> {
    const FILE: usize = 32 * 1024;
    let mut noise = number as u64 + 1;
    let mut layer = Layer::new();
    for at in 0..size / FILE {
        let bytes: Vec<u8> = if at % 2 == 0 {
            b"the quick brown fox jumps over the lazy dog\n".iter().copied().cycle().take(FILE).collect()
        } else {
            let next = |noise: &mut u64| {
                // xorshift: as incompressible as it need be, and the same every time
                *noise ^= *noise << 13;
                *noise ^= *noise >> 7;
                *noise ^= *noise << 17;
                noise.to_le_bytes()
            };
            std::iter::repeat_with(|| next(&mut noise)).take(FILE / 8).flatten().collect()
        };
        layer = layer.file(&format!("data/{number}/{}/f{at}", at % 97), &bytes);
    }
    layer.tar()
}

fn many(table: &mut Table, wanted: &Wanted, houses: &[House; 2]) {
    for house in houses {
        let there = house.ok(&["ps", "-aq"]).lines().count();
        for _ in there..wanted.containers {
            a_container(house);
        }
    }
    let rounds = wanted.rounds.min(7);
    measure(table, &format!("ps -a with {}", wanted.containers), rounds, houses.iter(), nothing, |house, _| {
        house.ok(&["ps", "-a", "--no-trunc"]);
    });
    measure(table, &format!("inspect among {}", wanted.containers), rounds, houses.iter(), one_of_them, |house, id| {
        house.ok(&["inspect", &id[0]]);
    });
}

fn one_of_them(house: &House) -> Vec<String> {
    vec![house.ok(&["ps", "-lq"])]
}
