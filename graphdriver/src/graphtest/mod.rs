//! What every driver must do, as checks that run on a fresh driver in a fresh directory.
//!
//! A new driver adds one test: `graphtest::conformance(|root| open it)`. Needs root, and a
//! temporary directory (`TMPDIR`) that the driver can live on. A check that fails panics.

mod chains;
mod contents;
mod faults;
mod house;
mod layers;

use std::path::Path;

use crate::Driver;
use house::House;

/// Opens the driver on a data root.
type Open<'a> = &'a dyn Fn(&Path) -> Box<dyn Driver>;

/// Runs every check on the driver that `open` opens for reading and writing.
///
/// # Panics
/// When the driver does not do what it must.
pub fn conformance(open: impl Fn(&Path) -> Box<dyn Driver>) {
    let checks: [fn(&House<'_>); 19] = [
        layers::a_new_layer_is_there_and_empty,
        layers::a_layer_can_be_removed_twice,
        layers::a_layer_that_is_there_is_not_made_again,
        layers::a_layer_on_nothing_is_refused,
        layers::an_absent_layer_is_an_error_that_names_it,
        layers::what_is_no_layer_is_not_listed,
        layers::a_driver_opened_again_sees_the_same,
        layers::layers_can_be_made_by_many_at_once,
        contents::a_layer_shows_what_lies_below,
        contents::a_change_stays_in_its_layer,
        contents::a_deletion_stays_in_its_layer,
        contents::a_directory_made_anew_hides_the_old_one,
        contents::owners_modes_and_links_come_through,
        contents::a_mounted_layer_can_be_removed,
        contents::native_changes_are_the_layers_own,
        chains::a_container_on_as_many_layers_as_docker_allows,
        faults::a_failure_leaves_nothing,
        faults::a_crash_while_making_leaves_what_can_be_removed,
        faults::a_crash_while_removing_leaves_what_can_be_removed,
    ];
    for check in checks {
        let house = House::new(&open);
        check(&house);
    }
}
