//! `minidock demo`: what happens on disk, shown and proved.
pub mod elf;
pub mod image;
pub mod ld_cache;
pub mod programs;
