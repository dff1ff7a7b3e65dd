//! The last steps of a process before it becomes a container's, for init and for exec alike.
//!
//! libcontainer has made the namespaces, mounts and ids; it is told of no capabilities, no seccomp
//! and no working directory, because it would do these wrongly (or, for exec, not at all). Here,
//! in runc 1.1.5's order: working directory, seccomp, capabilities, then the look for the
//! executable, so that it sees what the process will be allowed to see.
//!
//! What goes wrong until then is the start's failure, in runc's words, told through a pipe of our
//! own since libcontainer would wrap it. What execve(2) itself says comes too late for that: as
//! with runc it is the container's own output, and exit code 1.

mod lookup;
mod rights;
mod words;

use std::{
    cell::OnceCell,
    collections::HashMap,
    ffi::CString,
    io::Write as _,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    rc::Rc,
};

use libcontainer::workload::{Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError};
use nix::{errno::Errno, unistd};
use oci_spec::runtime::{LinuxCapabilities, LinuxNamespace, LinuxNamespaceType, Process, Spec};
use sys::process::FilterInsn;

pub(crate) use words::{go_quote, go_text};

/// What shall run.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    args: Vec<CString>,
    env: Vec<CString>,
    cwd: PathBuf,
    capabilities: LinuxCapabilities,
    make_cwd: bool,
    terminal: bool,
}

/// A text in a process that the kernel cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadProcess {
    #[error("process has no arguments")]
    NoArguments,
    #[error("invalid argument: {0:?} holds a NUL byte")]
    Nul(String),
}

impl Workload {
    /// From a process as dockerd would write it. `make_cwd`: a missing working directory is made
    /// (for init; runc, rootfs_linux.go `prepareRootfs`).
    pub fn new(process: &Process, make_cwd: bool) -> Result<Self, BadProcess> {
        let texts = |list: &Option<Vec<String>>| -> Result<Vec<CString>, BadProcess> {
            let text = |text: &String| CString::new(text.as_str()).map_err(|_| BadProcess::Nul(text.clone()));
            list.iter().flatten().map(text).collect()
        };
        let args = texts(process.args())?;
        if args.is_empty() {
            return Err(BadProcess::NoArguments);
        }
        let capabilities = process.capabilities().clone().unwrap_or_else(rights::none);
        let terminal = process.terminal().unwrap_or_default();
        Ok(Self { args, env: texts(process.env())?, cwd: process.cwd().clone(), capabilities, make_cwd, terminal })
    }

    fn program(&self) -> String {
        self.args[0].to_string_lossy().into_owned()
    }

    /// The first `PATH` of its environment, as Go's `os.Getenv` finds it.
    fn search_path(&self) -> &[u8] {
        self.env.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH=")).unwrap_or_default()
    }
}

/// Turns the process it is called in into the workload.
#[derive(Clone)]
pub(crate) struct Confined {
    workload: Rc<Workload>,
    /// `None`: unconfined on demand.
    filter: Option<Rc<Vec<FilterInsn>>>,
    /// Where the reason goes when it must not run.
    report: Rc<OwnedFd>,
    found: OnceCell<CString>,
}

impl Confined {
    /// The report's other end reads nothing, or a reason.
    pub fn new(workload: Workload, filter: Option<Vec<FilterInsn>>, report: OwnedFd) -> Self {
        let (workload, filter, report) = (Rc::new(workload), filter.map(Rc::new), Rc::new(report));
        Self { workload, filter, report, found: OnceCell::new() }
    }

    fn prepare(&self, spec: &Spec) -> Result<CString, String> {
        let workload = &*self.workload;
        if workload.make_cwd && has_network_of_its_own(spec) {
            // dockerd's libnetwork does it there (moby 20.10, libnetwork/osl `loopbackUp`)
            sys::raise_loopback().map_err(|error| format!("error during container init: {error}"))?;
        }
        if workload.terminal {
            own_terminal();
        }
        enter(&workload.cwd, workload.make_cwd)?;
        if let Some(filter) = &self.filter {
            let failed = |error: sys::Error| {
                format!("error during container init: error loading seccomp filter: {}", go_text(error.io()))
            };
            sys::process::load_seccomp(filter).map_err(failed)?;
        }
        rights::apply(&workload.capabilities).map_err(|error| format!("unable to apply caps: {error}"))?;
        lookup::executable(&workload.program(), workload.search_path())
    }
}

impl Executor for Confined {
    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        match self.prepare(spec) {
            Ok(path) => {
                self.found.get_or_init(|| path);
                Ok(())
            }
            Err(reason) => {
                // Nobody listens any more: then nobody needs the reason.
                let _ = rustix::io::write(&*self.report, reason.as_bytes());
                Err(ExecutorValidationError::ArgValidationError(reason))
            }
        }
    }

    /// The environment is given to execve; ours was empty from the start.
    fn setup_envs(&self, _: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        Ok(())
    }

    fn exec(&self, _: &Spec) -> Result<(), ExecutorError> {
        let Some(path) = self.found.get() else {
            return Err(ExecutorError::InvalidArg);
        };
        sys::process::reset_signals();
        // The shim is its parent: without it nobody keeps its output or learns how it ends. dockerd
        // kills a container whose shim has died, too.
        sys::process::die_with_parent();
        let error = sys::process::execve(path, &self.workload.args, &self.workload.env);
        let words = format!("exec {}: {}\n", path.to_string_lossy(), go_text(&error));
        drop(std::io::stderr().write_all(words.as_bytes()));
        sys::process::exit_now(1)
    }
}

/// The terminal is its user's, who may open it again as `/dev/stdout`: libcontainer leaves it with
/// root (runc, init_linux.go `fixStdioPermissions`). A file system that does not know the user says
/// no, and runc goes on, too.
fn own_terminal() {
    let _ = rustix::fs::fchown(std::io::stdin(), Some(rustix::process::geteuid()), None);
}

/// Whether the container gets a new network namespace, whose devices are all down.
fn has_network_of_its_own(spec: &Spec) -> bool {
    let namespaces = spec.linux().as_ref().and_then(|linux| linux.namespaces().as_ref());
    let new = |space: &LinuxNamespace| space.typ() == LinuxNamespaceType::Network && space.path().is_none();
    namespaces.is_some_and(|spaces| spaces.iter().any(new))
}

/// Makes `cwd` the working directory. As root, with all capabilities: the process may start in a
/// directory it could not enter itself, as runc lets it.
fn enter(cwd: &Path, make: bool) -> Result<(), String> {
    let entered = match unistd::chdir(cwd) {
        Err(Errno::ENOENT) if make => make_all(cwd).and_then(|()| unistd::chdir(cwd)),
        other => other,
    };
    let failed = |errno: Errno| {
        let reason = go_text(&errno.into());
        format!("chdir to cwd ({}) set in config.json failed: {reason}", go_quote(&cwd.to_string_lossy()))
    };
    entered.map_err(failed)?;
    // CVE-2024-21626: a descriptor of the host's must not serve as a way out.
    let inside = unistd::getcwd().is_ok_and(|now| now.is_absolute());
    inside
        .then_some(())
        .ok_or_else(|| "current working directory is outside of container mount namespace root".to_owned())
}

/// mkdir -p, 0755, root's: the user has been changed already, the capabilities not.
fn make_all(path: &Path) -> nix::Result<()> {
    let mut so_far = PathBuf::new();
    for part in path.components() {
        so_far.push(part);
        match unistd::mkdir(&so_far, nix::sys::stat::Mode::from_bits_truncate(0o755)) {
            Ok(()) => unistd::chown(&so_far, Some(unistd::Uid::from_raw(0)), Some(unistd::Gid::from_raw(0)))?,
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
