//! Names in archives, the hostile among them.

use std::io::Write;

use proptest::prelude::*;

use super::*;

/// One entry of a tar; `size` is what the header claims.
fn entry(name: &str, kind: u8, target: &str, size: usize, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000755\x000000000\x000000000");
    put(124, format!("{size:011o}\x0014000000000").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, target.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, b'0', "", content.len(), content)
}

fn link(name: &str, target: &str) -> Vec<u8> {
    entry(name, b'2', target, 0, b"")
}

fn opened(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(b"what stood before").and_then(|()| file.write_all(bytes)).expect("write");
    file.seek(io::SeekFrom::Start(17)).expect("seek");
    Archive::open(Input::File(file), Path::new("/nonexistent"))
}

fn archive(entries: &[Vec<u8>]) -> Archive {
    opened(&entries.concat()).expect("a whole archive")
}

fn said(archive: &Archive, path: &str) -> String {
    match archive.read(path) {
        Ok(bytes) => String::from_utf8(bytes).expect("text"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn payloads_are_passed_over_and_found_where_they_lie() {
    let big = vec![7; 3 << 20];
    let made = archive(&[file("a", b"one"), file("big", &big), file("odd", &big[..(1 << 20) + 1]), file("z", b"two")]);
    assert_eq!((said(&made, "a"), said(&made, "z")), ("one".to_owned(), "two".to_owned()));
    assert!(made.read("big").expect("read") == big);
    assert_eq!(made.read("odd").expect("read").len(), (1 << 20) + 1);
}

#[test]
fn no_name_leads_out_of_the_archive() {
    let made = archive(&[
        file("../../etc/passwd", b"ours"),
        file("/abs", b"absolute"),
        link("up", "../../../../etc/passwd"),
        link("root", "/etc"),
        link("loop", "loop"),
        link("a", "b"),
        link("b", "a"),
    ]);
    assert_eq!(said(&made, "etc/passwd"), "ours");
    assert_eq!(said(&made, "/etc/./x/../passwd"), "ours");
    assert_eq!(said(&made, "up"), "ours");
    assert_eq!(said(&made, "root/passwd"), "ours");
    assert_eq!(said(&made, "abs"), "absolute");
    assert_eq!(said(&made, "../etc/passwd"), "evalSymlinksInScope: ../etc/passwd is not in the archive");
    assert_eq!(said(&made, "loop"), "open loop: too many levels of symbolic links");
    assert_eq!(said(&made, "a/x"), "open a/x: too many levels of symbolic links");
    assert_eq!(said(&made, "etc"), "read etc: is a directory");
    assert_eq!(said(&made, ""), "read : is a directory");
    assert_eq!(said(&made, "etc/passwd/x"), "open etc/passwd/x: no such file or directory");
}

/// An extended header that gives the next entry a long name or target.
fn long(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let length = (1..9).map(|digits| rest.len() + digits).find(|all| all.to_string().len() + rest.len() == *all);
    let record = format!("{}{rest}", length.expect("a length"));
    entry("x", b'x', "", record.len(), record.as_bytes())
}

#[test]
fn names_that_cost_more_than_they_are_long_are_not_kept() {
    let deep = |top: &str, length: usize| [long("path", &format!("{top}{}", "/a".repeat(length / 2))), file("", b"")];
    // Every directory of a path is a name of its own.
    let error = opened(&deep("x", 16 << 10).concat()).map(drop).expect_err("no path is so long").to_string();
    assert_eq!(error, "Error processing tar file(exit status 1): a name of 16385 bytes is too long for a path");
    let many: Vec<_> = (0..40).flat_map(|top| deep(&top.to_string(), 4080)).collect();
    assert!(matches!(opened(&many.concat()), Err(ArchiveError::TooMany)));
    let target = format!("l{}", "/x".repeat(4 << 10));
    let error =
        opened(&[long("linkpath", &target), link("l", "")].concat()).map(drop).expect_err("nor a link").to_string();
    assert_eq!(error, "Error processing tar file(exit status 1): a name of 8193 bytes is too long for a path");
}

#[test]
fn of_two_entries_of_one_name_the_later_counts() {
    let made =
        archive(&[file("x/y", b"old"), file("x/y", b"new"), entry("h", b'1', "x/y", 0, b""), file("x/y", b"newest")]);
    assert_eq!((said(&made, "x/y"), said(&made, "h")), ("newest".to_owned(), "new".to_owned()));
    let made = archive(&[file("x/y", b"below"), file("x", b"a file now")]);
    assert_eq!(said(&made, "x"), "a file now");
    assert_eq!(said(&made, "x/y"), "open x/y: no such file or directory");
}

#[test]
fn what_is_cut_short_or_claims_too_much_is_damaged() {
    let whole = file("a", &[1; 600]);
    for cut in [100, 511, 513, 1000] {
        let error = opened(&whole[..cut]).expect_err("cut short").to_string();
        assert_eq!(error, "Error processing tar file(exit status 1): unexpected EOF", "{cut}");
    }
    let huge = entry("a", b'0', "", 0o77_777_777_777, b"");
    assert!(matches!(opened(&huge), Err(ArchiveError::Damaged(_))));
    let sparse = entry("s", b'S', "", 0, b"");
    assert!(opened(&sparse).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_archives_are_errors_or_archives_but_never_a_panic(changes in proptest::collection::vec((0_usize..4096, any::<u8>()), 1..9)) {
        let mut bytes = [file("a/b", b"one"), link("l", "../a/b"), file("z", &[3; 700])].concat();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(archive) = opened(&bytes) {
            for path in ["a/b", "l", "z", "a/../z"] {
                drop(archive.read(path));
            }
        }
    }
}
