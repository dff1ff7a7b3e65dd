//! Stories told twice: to a real dockerd and to minidock, and what both said and left on disk compared.
//!
//! Uses no crate of ours: it drives the built binary, as a user would. dockerd comes first, because a story that
//! is false of Docker is a wrong story. A [`House`] is one engine with one data root; [`same_on_both`] tells a
//! story in two fresh houses; [`House::hand_to`] stops one engine and lets the other go on with its files.
//!
//! What surprises:
//! - `MINIDOCK_UNDER_TEST=theirs` puts another dockerd in minidock's place, which proves the stories themselves.
//! - The binary is `$MINIDOCK`, else `minidock` of this target directory, built on first use.
//! - The oracles are `$MINIDOCK_ORACLE_DIR`, else `target/oracle`; `integration/oracle.sh` fetches them.
//! - `MINIDOCK_KEEP=1` leaves every house's files under its printed path.
#![forbid(unsafe_code)]

mod account;
mod both;
mod engine;
pub mod fixtures;
mod going;
mod house;
pub mod images;
mod names;
mod oracle;
pub mod power;
mod room;
mod said;
mod screen;
pub mod signals;
mod tree;

pub use both::{agree, same_between, same_on, same_on_both, same_on_bridges};
pub use engine::{Driver, Side};
pub use going::Going;
pub use house::{House, forget_groups};
pub use names::settle;
pub use oracle::Oracle;
pub use room::Room;
pub use said::{Said, Tell, lines_sorted};
pub use screen::Screen;
pub use signals::send;
