//! Starting a process: its pipes, and the helper that does it.

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use super::{
    helper::{self, Ends, Task},
    job::{Helper, Job, Stdin},
    plan::Plan,
};

/// Makes the pipes and forks the helper. The process itself is told of later, by the helper.
pub(super) fn start(task: Task, number: u32, stdin: bool, dir: &Path, plan: &Plan) -> sys::Result<Job> {
    let (input, our_input) = if stdin {
        let (read, write) = pipe()?;
        without_waiting(&write)?;
        (read, Some(Stdin::new(write)))
    } else {
        let null = File::open("/dev/null").map_err(|error| sys::Error::new("open", "/dev/null", error))?;
        (null.into(), None)
    };
    let (our_stdout, stdout) = pipe()?;
    let (our_stderr, stderr) = pipe()?;
    let (heard, status) = pipe()?;
    for ours in [&our_stdout, &our_stderr, &heard] {
        without_waiting(ours)?;
    }
    let ends = Ends { stdio: [input, stdout, stderr], status };
    let pid = fork(task, dir, plan, ends)?;
    Ok(Job {
        number,
        pid: None,
        helper: Some(Helper::new(pid, heard)),
        stdin: our_input,
        outputs: [Some(our_stdout), Some(our_stderr)],
        ended: None,
    })
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
