//! The operations on containers: what `create`, `start`, `stop` and the others do, one file each.
//!
//! Nothing here prints or reads a command line. The only crate that links libcontainer, and that
//! only in `shim`, whose process is re-executed from our own binary.

#![deny(unsafe_code)]

pub mod cgroup;
pub mod create;
pub mod exec;
mod executor;
pub mod flags;
pub mod home;
pub mod info;
pub mod logs;
pub mod ps;
pub mod rm;
pub mod run;
pub mod seccomp;
pub mod shim;
pub mod stop;
pub mod where_;

pub use create::{CreateRequest, Created};
pub use exec::ExecRequest;
pub use flags::Flags;
pub use home::{Home, HomeError, HomeOptions};
pub use info::Info;
pub use logs::{LogsRequest, Stream};
pub use ps::PsRow;
pub use rm::RmRequest;
pub use run::{Ran, Streams};
pub use stop::StopRequest;
pub use where_::Where;
