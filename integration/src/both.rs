//! One story, told twice.

use similar::TextDiff;

use crate::engine::{Driver, Side};
use crate::house::House;
use crate::names::settle;
use crate::said::Tell;

/// Tells the story to dockerd first and to minidock second, on overlay2, each in a fresh house with
/// `busybox:golden` loaded, and compares what it returns.
#[track_caller]
pub fn same_on_both<T: Tell>(story: impl Fn(&mut House) -> T) {
    same_on(Driver::Overlay2, story);
}

/// As [`same_on_both`], each in a network of its own, with bridge networks.
#[track_caller]
pub fn same_on_bridges<T: Tell>(story: impl Fn(&mut House) -> T) {
    compare(&Side::first(), &Side::under_test(), |side| House::bridged(side, Driver::Overlay2), story);
}

/// As [`same_on_both`], on a driver.
#[track_caller]
pub fn same_on<T: Tell>(driver: Driver, story: impl Fn(&mut House) -> T) {
    same_between(&Side::first(), &Side::under_test(), driver, story);
}

/// As [`same_on_both`], between two engines of choice.
#[track_caller]
pub fn same_between<T: Tell>(one: &Side, two: &Side, driver: Driver, story: impl Fn(&mut House) -> T) {
    compare(one, two, |side| House::open(side, driver), story);
}

#[track_caller]
fn compare<T: Tell>(one: &Side, two: &Side, open: impl Fn(&Side) -> House, story: impl Fn(&mut House) -> T) {
    let tell = |side: &Side| {
        let mut house = open(side);
        house.load_golden();
        let told = story(&mut house).told();
        house.neutral(&told)
    };
    let (first, second) = (tell(one), tell(two));
    agree((&one.name(), &first), (&two.name(), &second));
}

/// Fails with a difference one can read, unless both texts agree in all that is not chance.
#[track_caller]
pub fn agree(one: (&str, &str), two: (&str, &str)) {
    let (first, second) = settle(one.1, two.1);
    if first != second {
        let diff = TextDiff::from_lines(&first, &second);
        let diff = diff.unified_diff().context_radius(4).header(one.0, two.0).to_string();
        panic!("they differ:\n{diff}");
    }
}
