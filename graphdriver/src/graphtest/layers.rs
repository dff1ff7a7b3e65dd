//! Layers as things: made, listed, removed.

use super::house::{House, Seen, id, read};

pub(super) fn a_new_layer_is_there_and_empty(house: &House<'_>) {
    assert_eq!(house.driver.list().expect("a list"), []);
    let layer = house.layer(1, None, &[]);
    assert!(house.driver.exists(&layer).expect("a look"));
    assert!(!house.driver.exists(&id(2)).expect("a look"));
    assert_eq!(house.driver.list().expect("a list"), std::slice::from_ref(&layer));
    let seen = house.see(&layer);
    assert!(sys::list_dir(&*seen).expect("readdir").is_empty());
    let stat = sys::stat(&*seen).expect("stat");
    assert_eq!((stat.st_mode & 0o7777, stat.st_uid, stat.st_gid), (0o755, 0, 0));
}

pub(super) fn a_layer_can_be_removed_twice(house: &House<'_>) {
    house.layer(1, None, &[]);
    let before = house.listing();
    let layer = house.layer(2, None, &[("etc/file", "x")]);
    house.driver.remove(&layer).expect("removed");
    assert_eq!(house.listing(), before);
    house.driver.remove(&layer).expect("removed already");
    assert!(!house.driver.exists(&layer).expect("a look"));
    house.layer(2, None, &[]);
}

pub(super) fn a_layer_that_is_there_is_not_made_again(house: &House<'_>) {
    let layer = house.layer(1, None, &[("file", "first")]);
    let before = house.listing();
    house.driver.create(&layer, None).expect_err("it is there");
    assert_eq!(house.listing(), before);
    assert_eq!(read(&house.see(&layer), "file").as_deref(), Some("first"));
}

pub(super) fn a_layer_on_nothing_is_refused(house: &House<'_>) {
    house.layer(1, None, &[]);
    let before = house.listing();
    let refused = house.driver.create(&id(3), Some(&id(2))).expect_err("there is no parent");
    assert!(refused.to_string().contains(id(2).as_str()), "{refused}");
    house.driver.create_read_write(&id(3), Some(&id(2)), None).expect_err("there is no parent");
    assert_eq!(house.listing(), before);
}

pub(super) fn an_absent_layer_is_an_error_that_names_it(house: &House<'_>) {
    let refused = house.driver.rootfs(&id(1)).expect_err("there is none");
    assert!(refused.to_string().contains(id(1).as_str()), "{refused}");
    house.driver.unpack_target(&id(1)).expect_err("there is none");
}

pub(super) fn what_is_no_layer_is_not_listed(house: &House<'_>) {
    let layer = house.layer(1, None, &[]);
    let home = house.driver.home();
    sys::create_dir_all(home.join("lost+found"), 0o700).expect("mkdir");
    sys::truncate_write(home.join("notes.txt"), b"mine", 0o644).expect("write");
    sys::symlink("/etc", home.join("elsewhere")).expect("symlink");
    assert_eq!(house.driver.list().expect("a list"), [layer]);
}

pub(super) fn a_driver_opened_again_sees_the_same(house: &House<'_>) {
    let layer = house.layer(1, None, &[("file", "x")]);
    let top = house.layer(2, Some(1), &[]);
    let again = (house.open)(house.root.path());
    assert_eq!(again.list().expect("a list"), [layer, top.clone()]);
    assert_eq!(again.rootfs(&top).expect("seen"), house.driver.rootfs(&top).expect("seen"));
    let seen = Seen::new(again.rootfs(&top).expect("seen"));
    assert_eq!(read(&seen, "file").as_deref(), Some("x"));
}

pub(super) fn layers_can_be_made_by_many_at_once(house: &House<'_>) {
    house.layer(1, None, &[("file", "x")]);
    let driver = &*house.driver;
    let make = |first: u64| {
        for number in first..first + 5 {
            driver.create_read_write(&id(number), Some(&id(1)), None).expect("made");
            driver.create(&id(number + 50), Some(&id(number))).expect("made");
            driver.remove(&id(number + 50)).expect("removed");
        }
    };
    std::thread::scope(|scope| {
        for thread in 1..=8 {
            scope.spawn(move || make(thread * 100));
        }
    });
    assert_eq!(driver.list().expect("a list").len(), 1 + 8 * 5);
    assert_eq!(read(&house.see(&id(804)), "file").as_deref(), Some("x"));
}
