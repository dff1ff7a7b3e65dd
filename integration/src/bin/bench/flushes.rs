//! How often a command asks the disk to flush: each such call by strace, child processes included.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use integration::House;
use integration::images::{archive, golden_layers, small_layer};
use serde_json::json;

const CALLS: &str = "fsync,fdatasync,sync,syncfs,sync_file_range,msync";

/// A table of the counts; dockerd's own happen in its daemon and are not ours to count here.
pub(crate) fn counted(house: &House) -> String {
    let mut page = "| command | flushes | of which |\n|---|---|---|\n".to_owned();
    let mut layers = golden_layers();
    layers.extend([small_layer(7), small_layer(8)]);
    let count = layers.len();
    let path = house.write("flush.tar", &archive(&layers, &json!({}), &["flush:1"])).display().to_string();
    let new = count - golden_layers().len();
    let commands: [(String, &[&str]); 7] = [
        (format!("load, {new} new layers"), &["load", "-q", "-i", &path]),
        ("tag".to_owned(), &["tag", "flush:1", "flush:2"]),
        ("create".to_owned(), &["create", "--network", "none", "--name", "flushed", "flush:1", "true"]),
        ("start -a".to_owned(), &["start", "-a", "flushed"]),
        ("rm".to_owned(), &["rm", "flushed"]),
        ("run --rm".to_owned(), &["run", "--rm", "--network", "none", "flush:1", "true"]),
        ("rmi".to_owned(), &["rmi", "flush:1", "flush:2"]),
    ];
    for (name, args) in commands {
        let calls = traced(house, args);
        let total = calls.len();
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for call in calls {
            match kinds.iter_mut().find(|(kind, _)| *kind == call) {
                Some((_, count)) => *count += 1,
                None => kinds.push((call, 1)),
            }
        }
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        writeln!(page, "| {name} | {total} | {} |", kinds.join(", ")).expect("a string takes everything");
    }
    page
}

/// The names of the flushing calls the command made.
fn traced(house: &House, args: &[&str]) -> Vec<String> {
    let client = house.client();
    let log = house.room().join("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", &format!("trace={CALLS}"), "-e", "signal=none", "-o"]).arg(&log);
    strace.arg(client.get_program()).args(client.get_args()).args(args).stdin(Stdio::null());
    let done = strace.output().expect("strace runs; integration/oracle.sh installs it");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(&log).expect("strace wrote it");
    // `PID name(...) = 0`; the second half of an interrupted line is no call of its own.
    let name = |line: &str| {
        let call = line.split_once(' ')?.1.trim_start();
        (!call.starts_with('<')).then(|| call.split('(').next().unwrap_or_default().to_owned())
    };
    text.lines().filter_map(name).collect()
}
