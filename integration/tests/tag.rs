//! `tag`: silent when it works.

use integration::same_on_both;

#[test]
fn tag_writes_the_same_repositories() {
    same_on_both(|house| {
        let id = house.ok(&["images", "-q", "--no-trunc"]);
        let said = [
            house.run(&["tag", "busybox:golden", "copy"]),
            house.run(&["tag", "busybox:golden", "localhost:5000/some/deep/name:v1.2-3_4"]),
            house.run(&["tag", &id, "by/id:1"]),
            house.run(&["tag", &id["sha256:".len()..][..12], "by/short:1"]),
            house.run(&["tag", "copy", "copy"]),
        ];
        (said.to_vec(), house.tree("image/DRIVER/repositories.json"))
    });
}

#[test]
fn what_is_refused() {
    same_on_both(|house| {
        let said = [
            house.run(&["tag", "nosuch", "x"]),
            house.run(&["tag", "busybox:golden", "Upper:case"]),
            house.run(&["tag", "busybox:golden", "a:b:c"]),
            house.run(&["tag", "busybox:golden", &"a".repeat(64)]),
            house.run(&["tag", "busybox:golden", "x@sha256:1234"]),
        ];
        (said.map(|said| (said.sentences(), said.code)).to_vec(), house.tree("image/DRIVER/repositories.json"))
    });
}
