//! libcontainer as its documents show it, with nothing of ours around it: what
//! `tests/libcontainer.rs` holds the traps against.
//!
//! - `plainly run STATE ID BUNDLE`: creates, starts, waits, deletes; ends as the container did.
//! - `plainly start STATE ID BUNDLE`: leaves it running.
//! - `plainly exec STATE ID WORD...`: one more process in it, waited for.
//! - `plainly signal STATE ID NUMBER`, `plainly delete STATE ID`.

use std::{path::PathBuf, process::ExitCode};

use libcontainer::{
    container::{Container, builder::ContainerBuilder},
    error::LibcontainerError,
    signal::Signal,
    syscall::syscall::SyscallType,
};
use nix::sys::wait::{WaitStatus, waitpid};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["run", state, id, bundle] => run(state, id, bundle),
        ["start", state, id, bundle] => start(state, id, bundle).map(|_| 0),
        ["exec", state, id, words @ ..] => exec(state, id, words),
        ["signal", state, id, number] => signal(state, id, number),
        ["delete", state, id] => load(state, id).and_then(|mut container| container.delete(true)).map(|()| 0),
        _ => Ok(2),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error);
            ExitCode::from(99)
        }
    }
}

/// The outermost words, as youki prints them.
#[allow(clippy::print_stderr)]
fn complain(error: &LibcontainerError) {
    eprintln!("{error}");
}

fn builder(state: &str, id: &str) -> Result<ContainerBuilder, LibcontainerError> {
    ContainerBuilder::new(id.to_owned(), SyscallType::default()).with_root_path(state)
}

fn start(state: &str, id: &str, bundle: &str) -> Result<Container, LibcontainerError> {
    let mut container = builder(state, id)?.as_init(bundle).with_systemd(false).build()?;
    container.start()?;
    Ok(container)
}

fn run(state: &str, id: &str, bundle: &str) -> Result<u8, LibcontainerError> {
    let mut container = start(state, id, bundle)?;
    let code = code(container.pid().map(waitpid_of));
    // What became of us meanwhile (T16), for the test to read.
    tell_of_ourselves(state);
    container.delete(true)?;
    Ok(code)
}

fn exec(state: &str, id: &str, words: &[&str]) -> Result<u8, LibcontainerError> {
    let args = words.iter().map(|&word| word.to_owned()).collect();
    let pid = builder(state, id)?.as_tenant().with_container_args(args).build()?;
    Ok(code(Some(waitpid_of(pid))))
}

fn signal(state: &str, id: &str, number: &str) -> Result<u8, LibcontainerError> {
    let signal = Signal::try_from(number).expect("a signal's number");
    load(state, id)?.kill(signal, false).map(|()| 0)
}

fn load(state: &str, id: &str) -> Result<Container, LibcontainerError> {
    Container::load(PathBuf::from(state).join(id))
}

fn waitpid_of(pid: nix::unistd::Pid) -> WaitStatus {
    waitpid(pid, None).expect("it is our child")
}

fn code(status: Option<WaitStatus>) -> u8 {
    match status {
        Some(WaitStatus::Exited(_, code)) => u8::try_from(code).unwrap_or(255),
        Some(WaitStatus::Signaled(_, signal, _)) => 128 + signal as u8,
        _ => 255,
    }
}

fn tell_of_ourselves(state: &str) {
    let adjusted = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
    drop(sys::truncate_write(PathBuf::from(state).join("oom_score_adj"), adjusted.as_bytes(), 0o600));
}
