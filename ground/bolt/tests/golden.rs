//! A file that a real dockerd (28.5.2) wrote: `network/files/local-kv.db`.

use bolt::Database;

#[test]
fn a_file_of_dockerds_is_read_and_goes_on() {
    let file = include_bytes!("golden/local-kv-28.5.2.db");
    let database = Database::parse(file).expect("whole").expect("not empty");
    assert_eq!(database.transaction(), 310);
    let bucket = database.root().bucket(b"libnetwork").expect("libnetwork's bucket");
    let counts: Vec<_> =
        bucket.values().filter(|(key, _)| key.starts_with(b"docker/network/v1.0/endpoint_count/")).collect();
    assert_eq!(counts.len(), 2);
    assert!(counts.iter().all(|(_, value)| value.ends_with(br#"{"Count":0}"#)));
    // Its free list is ours to use: the file does not grow.
    let change = database.change_to(database.root());
    let mut next = file.to_vec();
    for piece in change.pages.iter().chain([&change.meta]) {
        let at = usize::try_from(piece.offset).expect("a small file");
        next[at..at + piece.bytes.len()].copy_from_slice(&piece.bytes);
    }
    let next = Database::parse(&next).expect("whole").expect("not empty");
    assert_eq!((next.root(), next.transaction()), (database.root(), 311));
}
