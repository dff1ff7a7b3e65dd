//! The system call filter of a container: Docker's default profile as data, resolved for one
//! container as dockerd does it, and compiled to the kernel's filter language.
//!
//! libcontainer would do this with the C library libseccomp, and not at all for `exec`; here our
//! executor loads the same program for both. A profile that cannot be enforced to the letter is
//! an error, never a weaker filter.

mod abi;
mod compile;
mod docker_default;
mod profile;

pub use compile::{Unenforceable, compile};
pub use docker_default::docker_default;
pub use profile::parse;
