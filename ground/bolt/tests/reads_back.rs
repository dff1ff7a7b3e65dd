//! What is written reads back, whatever it is, and a half-written transaction does not count.

use std::collections::BTreeMap;

use bolt::{Bad, Bucket, Change, Database, Item, settled};
use proptest::prelude::*;

fn apply(file: &mut Vec<u8>, change: &Change, with_meta: bool) {
    for piece in change.pages.iter().chain(with_meta.then_some(&change.meta)) {
        let (begin, end) = (piece.offset as usize, piece.offset as usize + piece.bytes.len());
        file.resize(file.len().max(end), 0);
        file[begin..end].copy_from_slice(&piece.bytes);
    }
}

fn read(file: &[u8]) -> Database {
    Database::parse(file).expect("whole").expect("not empty")
}

fn bucket() -> impl Strategy<Value = Bucket> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..600);
    let value = bytes().prop_map(Item::Value);
    let inner = (prop::collection::btree_map(bytes(), value, 0..60), any::<u64>())
        .prop_map(|(items, sequence)| Item::Bucket(Bucket { sequence, items }));
    let big = prop::collection::vec(any::<u8>(), 5000..9000).prop_map(Item::Value);
    let item = prop_oneof![8 => bytes().prop_map(Item::Value), 1 => inner, 1 => big];
    prop::collection::btree_map(bytes(), item, 0..60).prop_map(|items| Bucket { sequence: 0, items })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn one_transaction_after_another_reads_back(contents in prop::collection::vec(bucket(), 1..5)) {
        let (_, mut file) = Database::fresh();
        for content in contents {
            let before = read(&file);
            let change = before.change_to(&content);
            apply(&mut file, &change, false);
            let halfway = read(&file);
            prop_assert_eq!(halfway.root(), before.root(), "without its meta page it does not count");
            apply(&mut file, &change, true);
            let after = read(&file);
            prop_assert_eq!(after.root(), &content);
            prop_assert_eq!(after.transaction(), before.transaction() + 1);
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_no_panic(at in 0usize..16384, to in any::<u8>(), cut in 0usize..20000) {
        let mut root = Bucket::default();
        root.bucket_mut(b"volumes").items.insert(b"a".to_vec(), Item::Value(b"b".to_vec()));
        let (fresh, mut file) = Database::fresh();
        apply(&mut file, &fresh.change_to(&root), true);
        file[at] = to;
        file.truncate(cut);
        drop(Database::parse(&file));
    }
}

#[test]
fn the_file_does_not_grow_with_each_transaction() {
    let (_, mut file) = Database::fresh();
    let mut root = Bucket::default();
    root.bucket_mut(b"volumes").items.insert(b"a".to_vec(), Item::Value(b"b".to_vec()));
    for _ in 0..50 {
        let change = read(&file).change_to(&root);
        apply(&mut file, &change, true);
    }
    assert!(file.len() <= 12 * 4096, "{} bytes", file.len());
}

#[test]
fn a_circle_of_pages_is_an_error() {
    let (_, mut file) = Database::fresh();
    file[3 * 4096 + 8] = 1; // a branch
    file[3 * 4096 + 10] = 1; // of one
    file[3 * 4096 + 24] = 3; // itself
    assert_eq!(Database::parse(&file).expect_err("a circle"), Bad::Twice(3));
    assert_eq!(Database::parse(&vec![0; 16384]).expect_err("no meta"), Bad::Meta);
}

#[test]
fn a_reader_tries_again_while_a_writer_writes() {
    let (fresh, first) = Database::fresh();
    let root = Bucket { items: BTreeMap::from([(b"k".to_vec(), Item::Value(b"v".to_vec()))]), sequence: 0 };
    let mut second = first.clone();
    apply(&mut second, &fresh.change_to(&root), true);
    let mut reads = [first, second.clone(), second].into_iter();
    let found = settled(|| Ok::<_, Bad>(reads.next().expect("three reads are enough"))).expect("whole");
    assert_eq!(found.expect("not empty").root(), &root);
}
