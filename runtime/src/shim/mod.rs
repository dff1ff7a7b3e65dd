//! The shim: one small process per running container, and how to talk to it.
//!
//! `spawn` starts it (our own binary again, with nothing inherited but what it needs); it makes
//! the container through libcontainer in a throw-away child, keeps the log, serves attach, exec,
//! kill and wait on a socket, takes the exit code, and puts everything away when the container has
//! ended. Nothing else of us needs to run meanwhile. What is on disk, in `<exec-root>/<id>`, mode
//! 0700:
//!
//! | name | what |
//! |---|---|
//! | `shim.json` | what the shim was told; locked from before it has this name until the shim ends |
//! | `bundle/config.json` | what libcontainer is told |
//! | `process.json` | what our executor is told: capabilities, directory, environment |
//! | `seccomp.bpf` | the compiled filter, for init and exec |
//! | `running.json` | the process, once it runs |
//! | `exit.json` | how it ended; cleaning up may still be going on |
//! | `s` | the socket |
//! | `shim.log` | what the shim has to complain about |
//! | `oci/` | libcontainer's own state |
//!
//! The directory goes last. So: no directory, nothing to know; `exit.json`, it has ended;
//! `shim.json` locked, the shim lives; else the shim was lost ([`State::ShimLost`]).

mod bundle;
mod client;
mod complaints;
mod console;
mod end;
mod error;
mod health;
mod helper;
mod job;
mod log;
mod peer;
mod plan;
mod protocol;
mod serve;
mod session;
mod spawn;
mod start;
mod state;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use base::ContainerId;
use plan::Plan;

pub use client::{ConnectError, Connection, ExecProcess};
pub use end::{End, Ended, OnEnd};
pub use error::StartError;
pub use health::HealthPlan;
pub(crate) use health::begin as begin_health;
pub use plan::{OnNetworks, Release};
pub use protocol::Attach;
pub use session::{Pump, Session, SessionError, Shown};
pub use spawn::{SpawnRequest, Started, spawn};
pub(crate) use state::group;
pub use state::{ExitRecord, Running, State, clean_up, freeze, health, state};

use crate::policy::Policy;

/// The word after the shim's own that says what it has become.
const AGAIN: &str = "again";

/// What a shim leaves to those who know what a container is.
#[derive(Debug, Clone, Copy)]
pub struct Hooks {
    /// Records the container's end where it is remembered (and removes it, if it was to be
    /// removed).
    pub end: OnEnd,
    /// Records what its health check has said: data root, `<exec-root>/<id>`, driver, container.
    pub health: fn(&Path, &Path, &str, &ContainerId) -> Result<(), String>,
    /// Starts it again.
    pub again: fn(&Again) -> Result<(), String>,
}

/// A container to be started again. The lock on its directory in the exec root is ours.
#[derive(Debug)]
pub struct Again {
    /// The data root it is in.
    pub data_root: PathBuf,
    /// `<exec-root>/<id>`.
    pub dir: PathBuf,
    /// Under which driver's name its layer is found.
    pub storage_driver: String,
    /// Whether containers may be on bridges.
    pub bridge: bool,
    /// Which container.
    pub container: ContainerId,
    /// How it had ended.
    pub exit: ExitRecord,
    /// How far its restart policy has got.
    pub policy: Policy,
}

/// What `minidock shim …` does. `args` are those after `shim`.
pub fn main(args: &[OsString], hooks: Hooks) -> ! {
    let done = match args {
        [dir, _data_root] => serve::run(Path::new(dir), hooks).map_err(|error| error.to_string()),
        [dir, _data_root, word] if word == AGAIN => again(Path::new(dir), hooks),
        _ => Err("the shim is started by minidock itself".to_owned()),
    };
    let code = match done {
        Ok(()) => 0,
        Err(error) => {
            eprintln_once(&error);
            1
        }
    };
    sys::process::exit_now(code)
}

fn again(dir: &Path, hooks: Hooks) -> Result<(), String> {
    sys::process::unblock_signals();
    let text = |error: sys::Error| error.to_string();
    let plan = Plan::load(dir).map_err(text)?;
    let (exit, policy) = state::rest(dir).map_err(text)?.ok_or("what it is started again for is not written down")?;
    let Plan { data_root, storage_driver, bridge, container, .. } = plan;
    (hooks.again)(&Again { data_root, dir: dir.to_owned(), storage_driver, bridge, container, exit, policy })
}

/// Descriptor 2 is `shim.log`, and not the user's terminal.
#[allow(clippy::print_stderr)]
fn eprintln_once(text: &str) {
    eprintln!("minidock shim: {text}");
}
