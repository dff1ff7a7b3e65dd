//! The operations on containers: what `create`, `start`, `stop` and the others do, one file each.
//!
//! Nothing here prints or reads a command line. The only crate that links libcontainer, and that
//! only in `shim`, whose process is re-executed from our own binary.

#![deny(unsafe_code)]

mod apparmor;
pub mod attach;
pub mod caps;
pub mod cgroup;
pub mod config;
pub mod create;
mod devices;
pub mod diff;
mod ended;
pub mod exec;
mod executor;
pub mod filter;
mod find;
mod fits;
pub mod flags;
pub mod home;
pub mod host;
mod in_root;
pub mod info;
pub mod inspect;
mod ipc;
mod join;
pub mod kill;
mod leftovers;
pub mod logging;
pub mod logs;
mod needed;
pub mod network;
pub mod pause;
pub mod port;
pub mod prune;
pub mod ps;
pub mod recover;
pub mod rename;
pub mod restart;
pub mod rm;
pub mod rmi;
pub mod run;
mod sandbox;
pub mod seccomp;
pub mod security_opt;
pub mod shim;
pub mod signal;
mod size;
pub mod spec;
pub mod start;
pub mod stop;
pub mod support;
pub mod terminal;
mod truth;
pub mod user;
pub mod volume;
pub mod volumes;
pub mod wait;
pub mod where_;
pub mod words;

pub use attach::{AttachError, attach};
pub use create::{CreateRequest, Created, create};
pub use diff::diff;
pub use ended::record as record_end;
pub use exec::{ExecRequest, exec};
pub use flags::Flags;
pub use home::{Home, HomeError, HomeOptions};
pub use info::{Info, info};
pub use inspect::{InspectError, InspectKind, inspect};
pub use kill::kill;
pub use logs::{LogsError, LogsRequest, logs};
pub use pause::{pause, unpause};
pub use prune::{PruneRequest, prune};
pub use ps::{PsRequest, PsRow, ps};
pub use rename::rename;
pub use restart::restart;
pub use rm::{RmRequest, rm};
pub use rmi::rmi;
pub use run::{Client, News, Ran, Streams, run, start_attached};
pub use start::start;
pub use stop::{StopRequest, stop};
pub use wait::wait;
pub use where_::{Where, whereis};
