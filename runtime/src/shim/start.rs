//! Starting a process: its pipes, and the helper that does it.

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use super::{
    console::Console,
    helper::{self, Ends, Task},
    job::{Helper, Job, Stdin},
    plan::Plan,
};

/// What a process reads and writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stdio {
    /// It is given what clients send.
    pub stdin: bool,
    /// By a terminal.
    pub tty: bool,
}

/// Makes the pipes, or the socket by which a terminal comes, and forks the helper. The process
/// itself is told of later, by the helper.
pub(super) fn start(task: Task, number: u32, stdio: Stdio, dir: &Path, plan: &Plan) -> sys::Result<Job> {
    if stdio.tty { with_terminal(task, number, dir, plan) } else { with_pipes(task, number, stdio.stdin, dir, plan) }
}

fn with_terminal(task: Task, number: u32, dir: &Path, plan: &Plan) -> sys::Result<Job> {
    let name = format!("console-{number}");
    let console = Console::listen(dir, &name).map_err(|error| sys::Error::new("bind", dir.join(name), error))?;
    let (heard, status) = pipe()?;
    without_waiting(&heard)?;
    let stdio = [null()?, null()?, null()?];
    let pid = fork(task, dir, plan, Ends { stdio, status, console: Some(console.path().to_owned()) })?;
    Ok(Job { console: Some(console), ..job(number, pid, heard) })
}

fn job(number: u32, helper: i32, heard: OwnedFd) -> Job {
    Job {
        number,
        pid: None,
        helper: Some(Helper::new(helper, heard)),
        stdin: None,
        outputs: [None, None],
        console: None,
        terminal: None,
        ended: None,
    }
}

fn null() -> sys::Result<OwnedFd> {
    let null = File::options().read(true).write(true).open("/dev/null");
    null.map(OwnedFd::from).map_err(|error| sys::Error::new("open", "/dev/null", error))
}

fn with_pipes(task: Task, number: u32, stdin: bool, dir: &Path, plan: &Plan) -> sys::Result<Job> {
    let (input, our_input) = if stdin {
        let (read, write) = pipe()?;
        without_waiting(&write)?;
        (read, Some(Stdin::new(write)))
    } else {
        (null()?, None)
    };
    let (our_stdout, stdout) = pipe()?;
    let (our_stderr, stderr) = pipe()?;
    let (heard, status) = pipe()?;
    for ours in [&our_stdout, &our_stderr, &heard] {
        without_waiting(ours)?;
    }
    let ends = Ends { stdio: [input, stdout, stderr], status, console: None };
    let pid = fork(task, dir, plan, ends)?;
    Ok(Job { stdin: our_input, outputs: [Some(our_stdout), Some(our_stderr)], ..job(number, pid, heard) })
}

/// The child's ends are closed here when the child has them.
fn fork(task: Task, dir: &Path, plan: &Plan, ends: Ends) -> sys::Result<i32> {
    let mut ends = Some(ends);
    let child = || ends.take().map_or(1, |ends| helper::run(task, dir, plan, ends));
    sys::process::fork_child(child)
}

fn pipe() -> sys::Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|errno| sys::Error::new("pipe", "stdio", errno))
}

fn without_waiting(fd: impl AsFd) -> sys::Result<()> {
    rustix::io::ioctl_fionbio(fd, true).map_err(|errno| sys::Error::new("ioctl", "stdio", errno))
}
