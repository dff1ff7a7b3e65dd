//! Layer tars and directories: unpacking one into the other, and writing it back.

#![forbid(unsafe_code)]

mod whiteouts;

pub use whiteouts::Whiteouts;
