//! The throw-away process that calls libcontainer, once, for init or for an exec.
//!
//! libcontainer changes its caller (working directory, oom_score_adj, dumpable: T16), touches
//! megabytes, and must be alone in its process. So the shim forks; with `as_sibling` the
//! container's process becomes the shim's child, not ours. What happens is told on a pipe, in
//! lines: `created PID`, `started`, or `failed` and all the rest as the reason.

use std::{
    error::Error,
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use libcontainer::{container::builder::ContainerBuilder, error::LibcontainerError, syscall::syscall::SyscallType};
use oci_spec::runtime::Process;
use sys::process::FilterInsn;

use super::{
    bundle::{self, Host},
    complaints::Complaints,
    plan::Plan,
};
use crate::{
    cgroup::{Cgroup, hierarchies},
    executor::{Confined, Workload},
};

pub(super) const OCI: &str = "oci";
pub(super) const BUNDLE: &str = "bundle";
pub(super) const PROCESS: &str = "process.json";
pub(super) const FILTER: &str = "seccomp.bpf";

/// Descriptors 0, 1 and 2 of the new process, and where to tell how it goes.
pub(super) struct Ends {
    pub stdio: [OwnedFd; 3],
    pub status: OwnedFd,
    /// Where the master of its terminal is to be sent, if it has one.
    pub console: Option<PathBuf>,
}

/// What the helper is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Init,
    /// With the number in `exec-<n>.json`.
    Exec(u32),
}

/// Where an exec's process is described.
pub(super) fn exec_file(number: u32) -> String {
    format!("exec-{number}.json")
}

/// Runs in the child. Returns its exit code.
pub(super) fn run(task: Task, dir: &Path, plan: &Plan, ends: Ends) -> i32 {
    sys::process::die_with_parent();
    let keep = [&ends.stdio[0], &ends.stdio[1], &ends.stdio[2], &ends.status].map(|fd| fd.as_fd());
    sys::process::close_all_but(&keep);
    // SIGPIPE stays ignored until the container's process is executed: a hook need not read what
    // libcontainer tells it.
    sys::process::unblock_signals();
    let mut status = File::from(ends.status);
    match work(task, dir, plan, ends.stdio, ends.console, &mut status) {
        Ok(()) => 0,
        Err(reason) => {
            say(&mut status, &format!("failed\n{reason}"));
            1
        }
    }
}

/// A shim that does not listen any more has died, and we with it.
fn say(status: &mut File, line: &str) {
    drop(status.write_all(line.as_bytes()));
}

fn work(
    task: Task,
    dir: &Path,
    plan: &Plan,
    stdio: [OwnedFd; 3],
    console: Option<PathBuf>,
    status: &mut File,
) -> Result<(), String> {
    own_stdio(&stdio, plan.stdio_owner);
    let group = Cgroup::at(&plan.cgroup, &hierarchies().map_err(words)?).map_err(words)?;
    group.join_what_libcontainer_leaves_out().map_err(words)?;
    let (heard, report) = std::io::pipe().map_err(words)?;
    let process = process(task, dir)?;
    let workload = Workload::new(&process, task == Task::Init).map_err(words)?;
    let executor = Confined::new(workload, load_filter(dir)?, report.into());
    let [stdin, stdout, stderr] = stdio;
    let builder = ContainerBuilder::new(plan.container.to_string(), SyscallType::default())
        .with_root_path(dir.join(OCI))
        .map_err(chain)?
        .with_executor(executor)
        .with_console_socket(console)
        .with_stdin(stdin)
        .with_stdout(stdout)
        .with_stderr(stderr);
    let complaints = Complaints::listen();
    let reason = |error: LibcontainerError| {
        let told = executors_words(heard.into());
        told.or_else(|| complaints.and_then(Complaints::failed_mount)).unwrap_or_else(|| chain(error))
    };
    match task {
        Task::Init => {
            let init = builder.as_init(dir.join(BUNDLE)).with_systemd(false).with_detach(true).as_sibling(true);
            let mut container = init.build().map_err(reason)?;
            let pid = container.pid().ok_or("libcontainer knows no pid")?;
            say(status, &format!("created {pid}\n"));
            container.start().map_err(chain)?;
        }
        Task::Exec(number) => {
            let told = dir.join(exec_file(number)).with_extension("told");
            let tenant = builder.as_tenant().with_process(Some(told)).with_detach(true).as_sibling(true);
            let pid = tenant.build().map_err(reason)?;
            say(status, &format!("created {pid}\n"));
        }
    }
    say(status, "started\n");
    Ok(())
}

/// The process as dockerd would describe it; for an exec, libcontainer's version is put beside it.
fn process(task: Task, dir: &Path) -> Result<Process, String> {
    let Task::Exec(number) = task else { return load(&dir.join(PROCESS)) };
    let path = dir.join(exec_file(number));
    let process = bundle::with_home(load(&path)?);
    let told = bundle::tell(&process, &Host::here().map_err(words)?)?;
    let bytes = serde_json::to_vec(&told).map_err(words)?;
    sys::truncate_write(path.with_extension("told"), &bytes, 0o600).map_err(words)?;
    Ok(process)
}

fn load(path: &Path) -> Result<Process, String> {
    let bytes = sys::read_opt(path).map_err(words)?.ok_or_else(|| format!("{} is not there", path.display()))?;
    serde_json::from_slice(&bytes).map_err(words)
}

/// Fails closed: a container that is to be filtered has the file.
fn load_filter(dir: &Path) -> Result<Option<Vec<FilterInsn>>, String> {
    let Some(bytes) = sys::read_opt(dir.join(FILTER)).map_err(words)? else { return Ok(None) };
    let (whole, []) = bytes.as_chunks::<8>() else { return Err(format!("{FILTER} is torn")) };
    let insn = |bytes: &[u8; 8]| {
        let [c0, c1, jt, jf, k @ ..] = *bytes;
        FilterInsn { code: u16::from_ne_bytes([c0, c1]), jt, jf, k: u32::from_ne_bytes(k) }
    };
    Ok(Some(whole.iter().map(insn).collect()))
}

/// The counterpart of `load_filter`.
pub(super) fn filter_bytes(filter: &[FilterInsn]) -> Vec<u8> {
    let bytes = |insn: &FilterInsn| {
        let ([c0, c1], [k0, k1, k2, k3]) = (insn.code.to_ne_bytes(), insn.k.to_ne_bytes());
        [c0, c1, insn.jt, insn.jf, k0, k1, k2, k3]
    };
    filter.iter().flat_map(bytes).collect()
}

/// The container's user must be able to open `/dev/stdout`, which leads to these pipes.
///
/// runc, init_linux.go `fixStdioPermissions`: all but `/dev/null`.
fn own_stdio(stdio: &[OwnedFd; 3], owner: u32) {
    for fd in stdio {
        let is_pipe =
            rustix::fs::fstat(fd).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_fifo());
        if is_pipe {
            // An id the user namespace has no place for: then it may not open them, as with runc.
            let _ = rustix::fs::fchown(fd, Some(rustix::fs::Uid::from_raw(owner)), None);
        }
    }
}

/// What our executor said before it gave up.
fn executors_words(heard: OwnedFd) -> Option<String> {
    rustix::io::ioctl_fionbio(&heard, true).ok()?;
    let mut text = String::new();
    // What is there is there; then it would block, or is at its end.
    drop(File::from(heard).read_to_string(&mut text));
    (!text.is_empty()).then_some(text)
}

fn words(error: impl ToString) -> String {
    error.to_string()
}

/// libcontainer tells only the outermost thing that failed; the causes follow.
fn chain(error: LibcontainerError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    format!("error during container init: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_it_was_written_and_a_torn_one_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let filter = vec![FilterInsn { code: 0x15, jt: 1, jf: 2, k: 0xc000_003e }];
        let mut bytes = filter_bytes(&filter);
        assert_eq!(load_filter(dir.path()), Ok(None));
        sys::truncate_write(dir.path().join(FILTER), &bytes, 0o600).expect("write");
        assert_eq!(load_filter(dir.path()), Ok(Some(filter)));
        bytes.pop();
        sys::truncate_write(dir.path().join(FILTER), &bytes, 0o600).expect("write");
        assert!(load_filter(dir.path()).is_err());
    }
}
