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

use std::{ffi::OsString, path::PathBuf};

pub use client::{ConnectError, Connection, ExecProcess};
pub use end::{End, Ended, OnEnd};
pub use error::StartError;
pub use plan::Release;
pub use protocol::Attach;
pub use session::{Pump, Session, SessionError, Shown};
pub use spawn::{SpawnRequest, Started, spawn};
pub use state::{ExitRecord, Running, State, clean_up, freeze, state};

/// What `minidock shim …` does. `args` are those after `shim`; `on_end` records the container's
/// end where it is remembered (and removes it, if it was to be removed).
pub fn main(args: &[OsString], on_end: OnEnd) -> ! {
    let [dir, _data_root] = args else {
        eprintln_once("the shim is started by minidock itself");
        std::process::exit(2);
    };
    let code = match serve::run(&PathBuf::from(dir), on_end) {
        Ok(()) => 0,
        Err(error) => {
            eprintln_once(&error.to_string());
            1
        }
    };
    sys::process::exit_now(code)
}

/// Descriptor 2 is `shim.log`, and not the user's terminal.
#[allow(clippy::print_stderr)]
fn eprintln_once(text: &str) {
    eprintln!("minidock shim: {text}");
}
