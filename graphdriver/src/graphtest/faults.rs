//! Each step of an operation fails once, or is the last that was made.

use super::house::{House, id, read};

/// More steps than any operation here has.
const MANY: usize = 500;

fn parent_with_files(house: &House<'_>) {
    house.layer(1, None, &[("etc/a", "a"), ("etc/b", "b"), ("c", "c")]);
    // What a first child changes in its parent and a first mount in its layer is done then.
    let child = house.layer(2, Some(1), &[]);
    drop(house.see(&child));
}

pub(super) fn a_failure_leaves_nothing(house: &House<'_>) {
    parent_with_files(house);
    let before = house.listing();
    for step in 0..MANY {
        let made = sys::steps::failing_at(step, || house.driver.create_read_write(&id(3), Some(&id(1)), None));
        if made.is_ok() {
            assert!(step > 1, "no step was seen");
            assert_eq!(read(&house.see(&id(3)), "etc/b").as_deref(), Some("b"));
            return;
        }
        assert_eq!(house.listing(), before, "after a failure of step {step}");
    }
    panic!("making a layer has no end");
}

pub(super) fn a_crash_while_making_leaves_what_can_be_removed(house: &House<'_>) {
    parent_with_files(house);
    let before = house.listing();
    for step in 0..MANY {
        let made = sys::steps::stopped_at(step, || house.driver.create(&id(3), Some(&id(1))));
        let parent = house.see(&id(2));
        assert_eq!(read(&parent, "etc/a").as_deref(), Some("a"), "after a crash at step {step}");
        drop(parent);
        assert_eq!(house.driver.exists(&id(3)).expect("a look"), house.driver.list().expect("a list").contains(&id(3)));
        house.driver.remove(&id(3)).expect("what is left can be removed");
        assert_eq!(house.listing(), before, "after a crash at step {step}");
        if made.is_ok() {
            return;
        }
    }
    panic!("making a layer has no end");
}

pub(super) fn a_crash_while_removing_leaves_what_can_be_removed(house: &House<'_>) {
    parent_with_files(house);
    let before = house.listing();
    for step in 0..MANY {
        house.layer(3, Some(1), &[("etc/a", "3"), ("new/file", "3")]);
        let removed = sys::steps::stopped_at(step, || house.driver.remove(&id(3)));
        assert_eq!(read(&house.see(&id(2)), "etc/a").as_deref(), Some("a"), "after a crash at step {step}");
        house.driver.remove(&id(3)).expect("what is left can be removed");
        assert_eq!(house.listing(), before, "after a crash at step {step}");
        if removed.is_ok() {
            return;
        }
    }
    panic!("removing a layer has no end");
}
