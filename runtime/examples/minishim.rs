//! The lower half of the runtime by itself, for its tests and for measuring: `shim` as minidock
//! has it, `run FILE` that starts the container a file describes and stays with it, and `hold`
//! that does nothing until its input ends.

use std::{
    ffi::OsString,
    fs::File,
    io::Read as _,
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
};

use base::ContainerId;
use oci_spec::runtime::Spec;
use runtime::{
    run::Streams,
    shim::{self, Attach, End, Ended, Hooks, Pump, SpawnRequest},
};

/// What the file given to `run` says.
#[derive(serde::Deserialize)]
struct Request {
    dir: PathBuf,
    container: ContainerId,
    data_root: PathBuf,
    spec: Spec,
    detach: bool,
}

fn main() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((word, rest)) if word == "shim" => shim::main(
            rest,
            Hooks { end: record, health: |_, _, _, _| Ok(()), again: |_| Err("nobody asked for it".to_owned()) },
        ),
        Some((word, [file])) if word == "run" => std::process::exit(run(file)),
        Some((word, [])) if word == "hold" => hold(),
        _ => std::process::exit(2),
    }
}

/// Ends are told in `<data-root>/<id>.end`.
fn record(ended: &Ended<'_>) -> Result<(), String> {
    let text = match &ended.end {
        End::Exited(exit) | End::Restarting { exit, .. } => {
            format!("{} oom={} rm={}", exit.exit_code, exit.oom_killed, ended.auto_remove)
        }
        End::NeverStarted(error) => format!("never {}: {}", error.exit_code, error.message),
    };
    let path = ended.data_root.join(format!("{}.end", ended.container));
    sys::write_atomic(path, text.as_bytes(), 0o600).map_err(|error| error.to_string())
}

fn hold() {
    let mut nothing = [0; 64];
    while std::io::stdin().read(&mut nothing).is_ok_and(|count| count > 0) {}
}

#[allow(clippy::print_stderr)]
fn run(file: &OsString) -> i32 {
    let request: Request =
        serde_json::from_reader(File::open(file).expect("the file")).expect("a request as the tests write it");
    let attach = (!request.detach).then_some(Attach { stdin: false, stdout: true, stderr: true });
    let started = shim::spawn(SpawnRequest {
        program: None,
        dir: request.dir,
        container: request.container,
        data_root: request.data_root,
        storage_driver: "none".to_owned(),
        spec: request.spec,
        log: None,
        stdin: false,
        stdin_once: false,
        auto_remove: false,
        restart: None,
        health: None,
        again: false,
        release: Vec::new(),
        bridge: false,
        network: None,
        lock: None,
        attach,
    });
    let session = match started {
        Ok(started) => started.session,
        Err(error) => {
            eprintln!("{error}");
            return error.exit_code;
        }
    };
    let Some(session) = session else { return 0 };
    let own = |fd: std::os::fd::BorrowedFd<'_>| -> Option<OwnedFd> { fd.try_clone_to_owned().ok() };
    let (out, err) = (std::io::stdout(), std::io::stderr());
    let streams = Streams { stdin: None, stdout: own(out.as_fd()), stderr: own(err.as_fd()) };
    match session.pump(Pump { streams, proxy_signals: true, terminal: None }) {
        Ok(exit) => exit.exit_code,
        Err(error) => {
            eprintln!("{error}");
            255
        }
    }
}
