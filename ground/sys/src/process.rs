//! Processes: starting one that outlives us, forking one that calls a function, and what a
//! process must put right before it becomes a container's.
//!
//! Between `fork` and `execve` of [`spawn_detached`] only system calls happen, no allocation: the
//! caller may have threads. [`fork_child`] runs ordinary code in the child and therefore refuses
//! to when there is more than one thread.

use std::{
    ffi::{CStr, CString, OsStr},
    fs::File,
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt as _,
    },
    path::Path,
    ptr,
};

use rustix::{
    fs::{CWD, MemfdFlags, SealFlags},
    mount::OpenTreeFlags,
};

use crate::error::{Error, Result, at};

const OWN_PROGRAM: &str = "/proc/self/exe";

/// Our own program, in a form that nobody can write to through `/proc/<pid>/exe` of a process
/// that runs it: a container may make us execute its `/proc/self/exe` (CVE-2019-5736).
///
/// A private read-only mount of the file (no copy, the pages stay shared), or a sealed copy in
/// memory where the kernel has no mount_setattr(2) (before 5.12).
///
/// # Errors
/// When the program can neither be mounted nor copied.
pub fn own_program() -> Result<OwnedFd> {
    read_only_mount_of_ourselves().or_else(|_| sealed_copy_of_ourselves())
}

fn read_only_mount_of_ourselves() -> Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = rustix::mount::open_tree(CWD, OWN_PROGRAM, flags).map_err(at("open_tree", OWN_PROGRAM))?;
    let attr = libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the descriptor is open, the path a C string, `attr` valid for its size.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(mount) } else { Err(Error::new("mount_setattr", OWN_PROGRAM, io::Error::last_os_error())) }
}

fn sealed_copy_of_ourselves() -> Result<OwnedFd> {
    let named = at("memfd_create", OWN_PROGRAM);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut copy = File::from(rustix::fs::memfd_create("minidock", flags).map_err(named)?);
    let mut program = File::open(OWN_PROGRAM).map_err(at("open", OWN_PROGRAM))?;
    io::copy(&mut program, &mut copy).map_err(at("copy", OWN_PROGRAM))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&copy, seals).map_err(at("fcntl", OWN_PROGRAM))?;
    Ok(copy.into())
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// Whether it exited with 0.
    pub success: bool,
    /// Its stdout.
    pub out: Vec<u8>,
    /// Its stderr.
    pub err: Vec<u8>,
}

/// Runs a program to its end, with this input, nothing in its environment but PATH, and no descriptor of
/// ours: what it leaves running would keep the locks on them.
///
/// # Errors
/// When it cannot be started, or its output not be read.
pub fn ask(program: &Path, args: &[&OsStr], path: &str, input: &[u8]) -> Result<Said> {
    let failed = |error| Error::new("run", program, error);
    let mut command = std::process::Command::new(program);
    command.args(args).env_clear().env("PATH", path).current_dir("/");
    let piped = std::process::Stdio::piped;
    // SAFETY: system calls on plain numbers, which change nothing but the child's descriptors.
    unsafe {
        command.pre_exec(|| {
            if libc::syscall(libc::SYS_close_range, 3, libc::c_int::MAX, libc::CLOSE_RANGE_CLOEXEC) != 0 {
                // Before Linux 5.11: as many as we ever have.
                for fd in 3..1024 {
                    libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                }
            }
            Ok(())
        });
    }
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read to the end says why at its own.
        drop(io::Write::write_all(&mut stdin, input));
    }
    let output = child.wait_with_output().map_err(failed)?;
    Ok(Said { success: output.status.success(), out: output.stdout, err: output.stderr })
}

/// Most descriptors that can be handed to a detached process.
const MOST_FDS: usize = 8;

/// Starts a program as a daemon: no relation to us but what the descriptors say. It gets a
/// session of its own, init (or the nearest subreaper) as parent, an empty environment, `/` as
/// working directory, umask 022, default signals, and exactly these descriptors, numbered from 0.
///
/// Returns when the process exists; a failure of its execve shows only in what the descriptors
/// say (an end of file), and as a line on its descriptor 2.
///
/// # Errors
/// When no process can be made.
pub fn spawn_detached(program: BorrowedFd<'_>, args: &[CString], fds: &[BorrowedFd<'_>]) -> Result<()> {
    assert!(fds.len() <= MOST_FDS, "a detached process gets at most {MOST_FDS} descriptors");
    let mut argv: Vec<*const libc::c_char> = args.iter().map(|arg| arg.as_ptr()).collect();
    argv.push(ptr::null());
    let fds: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    // SAFETY: the child only makes system calls until it executes or exits, see `become_daemon`.
    let child = unsafe { libc::fork() };
    match child {
        -1 => Err(Error::new("fork", OWN_PROGRAM, io::Error::last_os_error())),
        // SAFETY: `argv` is null-terminated and its strings live; all descriptors are open.
        0 => unsafe { become_daemon(program.as_raw_fd(), &argv, &fds) },
        child => wait_for(child),
    }
}

fn wait_for(child: libc::pid_t) -> Result<()> {
    let child = rustix::process::Pid::from_raw(child);
    loop {
        match rustix::process::waitpid(child, rustix::process::WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            // Somebody ignores SIGCHLD: there is nothing to wait for.
            Ok(_) | Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(errno) => return Err(at("waitpid", OWN_PROGRAM)(errno)),
        }
    }
}

/// # Safety
/// To be called in a child just forked; `argv` must be a null-terminated array of C strings.
unsafe fn become_daemon(program: RawFd, argv: &[*const libc::c_char], fds: &[RawFd]) -> ! {
    // SAFETY: system calls on plain numbers and on memory that the caller vouches for.
    unsafe {
        libc::setsid();
        match libc::fork() {
            0 => {}
            -1 => libc::_exit(1),
            _ => libc::_exit(0),
        }
        // First out of the way of the numbers they will get, then to those numbers.
        let mut parked = [-1; MOST_FDS];
        for (place, fd) in parked.iter_mut().zip(fds) {
            *place = libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, 64);
        }
        let program = libc::fcntl(program, libc::F_DUPFD_CLOEXEC, 64);
        for (number, place) in (0..).zip(parked.iter().take(fds.len())) {
            libc::dup2(*place, number);
        }
        let last = i32::try_from(fds.len()).unwrap_or(0);
        libc::dup3(program, last, libc::O_CLOEXEC);
        libc::syscall(libc::SYS_close_range, last + 1, libc::c_int::MAX, 0);
        libc::chdir(c"/".as_ptr());
        libc::umask(0o022);
        default_signals();
        let nothing: [*const libc::c_char; 1] = [ptr::null()];
        libc::syscall(libc::SYS_execveat, last, c"".as_ptr(), argv.as_ptr(), nothing.as_ptr(), libc::AT_EMPTY_PATH);
        let words = b"execveat of the own program failed\n";
        libc::write(2, words.as_ptr().cast(), words.len());
        libc::_exit(127)
    }
}

/// Forks a child that calls `work` and exits with what it returns; no destructor of the parent's
/// values runs in the child, and a panic there exits with 101.
///
/// # Errors
/// When this process has more than one thread (the child could find a lock held for ever), or no
/// process can be made.
pub fn fork_child(work: impl FnOnce() -> i32) -> Result<i32> {
    let tasks = rustix::fs::stat("/proc/self/task").map_err(at("stat", "/proc/self/task"))?;
    if tasks.st_nlink != 3 {
        return Err(Error::new("fork", "a process with threads", io::Error::from(io::ErrorKind::Unsupported)));
    }
    // SAFETY: there is one thread, so no lock of the allocator or of libc is held by another one.
    match unsafe { libc::fork() } {
        -1 => Err(Error::new("fork", "/proc/self", io::Error::last_os_error())),
        0 => {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(101);
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(code) }
        }
        child => Ok(child),
    }
}

/// Closes every descriptor above 2 but these. For a child just forked that wants to hold on to
/// nothing of its parent's: values that think they own a closed descriptor must not be used again.
pub fn close_all_but(keep: &[BorrowedFd<'_>]) {
    let mut keep: Vec<u32> = keep.iter().filter_map(|fd| u32::try_from(fd.as_raw_fd()).ok()).collect();
    keep.sort_unstable();
    let mut from = 3;
    for fd in keep.into_iter().filter(|fd| *fd >= 3) {
        close_range(from, fd - 1);
        from = fd + 1;
    }
    close_range(from, u32::MAX);
}

fn close_range(first: u32, last: u32) {
    if first <= last {
        // SAFETY: only numbers; the caller has been told what it means for owners.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    }
}

/// Takes over a descriptor that this process was started with, and closes it on execve.
///
/// # Errors
/// When no such descriptor is open.
pub fn inherited(number: RawFd) -> Result<OwnedFd> {
    let path = format!("/proc/self/fd/{number}");
    // SAFETY: fcntl on a number; fails on one that is not open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(Error::new("fcntl", path, io::Error::last_os_error()));
    }
    // SAFETY: it is open, and by the protocol of whoever started us it is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Sets every signal to its default and blocks none.
///
/// Rust's start-up ignores SIGPIPE, a signalfd blocks what it reads: both would be inherited
/// through execve.
pub fn reset_signals() {
    // SAFETY: as below.
    unsafe { default_signals() }
}

/// # Safety
/// Only system calls: may be called between fork and execve.
unsafe fn default_signals() {
    // SAFETY: SIG_DFL installs no code of ours; the set lives on our stack.
    unsafe {
        // As `struct sigaction` of the kernel: handler, flags, restorer, mask. Not libc's call,
        // which leaves out its own two signals: they too may have come ignored.
        let default = [0_u64; 4];
        for signal in 1..=64 {
            // SIGKILL and SIGSTOP cannot be set, and need not.
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), ptr::null_mut::<u64>(), 8);
        }
        unblock_all();
    }
}

/// Blocks no signal; what each does stays as it is.
pub fn unblock_signals() {
    // SAFETY: as below.
    unsafe { unblock_all() }
}

/// # Safety
/// Only a system call: may be called between fork and execve.
unsafe fn unblock_all() {
    // SAFETY: the set lives on our stack.
    unsafe {
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// One instruction of a seccomp filter, as `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct FilterInsn {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip if true.
    pub jt: u8,
    /// How many instructions to skip if false.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// Loads a seccomp filter for this process and its children, without setting no_new_privs: that
/// needs CAP_SYS_ADMIN, or no_new_privs set before.
///
/// # Errors
/// As seccomp(2): EACCES without the right, EINVAL for a program the kernel refuses.
pub fn load_seccomp(program: &[FilterInsn]) -> Result<()> {
    let too_long = |_| Error::new("seccomp", "filter", io::Error::from(io::ErrorKind::InvalidInput));
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(too_long)?,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `FilterInsn` has the layout of `sock_filter`; the kernel only reads the program.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) };
    if done == 0 { Ok(()) } else { Err(Error::new("seccomp", "filter", io::Error::last_os_error())) }
}

/// Has this process killed when the one that forked it dies.
pub fn die_with_parent() {
    // SAFETY: prctl with plain numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Makes orphans among our descendants our children.
///
/// # Errors
/// As prctl(2).
pub fn become_subreaper() -> Result<()> {
    // SAFETY: prctl with plain numbers.
    let done = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    if done == 0 { Ok(()) } else { Err(Error::new("prctl", "subreaper", io::Error::last_os_error())) }
}

/// Executes a program in place of this one. Returns only what went wrong.
pub fn execve(path: &CStr, args: &[CString], env: &[CString]) -> io::Error {
    let list = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
    };
    let (args, env) = (list(args), list(env));
    // SAFETY: null-terminated arrays of C strings that live until the call is over.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Sends a signal by its number, real-time signals too. `Err` is the error number.
///
/// # Errors
/// As kill(2).
pub fn kill(pid: i32, signal: i32) -> std::result::Result<(), i32> {
    // SAFETY: plain numbers.
    let done = unsafe { libc::kill(pid, signal) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)) }
}

/// Ends this process at once: no destructor, no flush.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// The highest value a limit may be raised to without CAP_SYS_RESOURCE; `None` for a resource
/// this system does not know.
pub fn hard_limit(resource: u32) -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one `rlimit`.
    let done = unsafe { libc::getrlimit(resource, &raw mut limit) };
    (done == 0).then_some(limit.rlim_max)
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::fd::AsFd as _};

    use super::*;

    #[test]
    fn a_detached_process_has_only_what_it_was_given() {
        let shell = File::open("/bin/sh").expect("a shell");
        let null = File::open("/dev/null").expect("null");
        let (mut read, write) = io::pipe().expect("a pipe");
        let kept_open = rustix::io::dup(&null).expect("a descriptor that must not leak");
        let args = [c"sh".into(), c"-c".into(), c"pwd; umask; cat /proc/$$/environ; ls /proc/$$/fd".into()];
        spawn_detached(shell.as_fd(), &args, &[null.as_fd(), write.as_fd(), write.as_fd()]).expect("spawned");
        drop((write, kept_open));
        let mut said = String::new();
        read.read_to_string(&mut said).expect("its words");
        assert_eq!(said, "/\n0022\n0\n1\n2\n");
    }

    #[test]
    fn a_program_is_asked_without_our_descriptors() {
        let file = File::open("/dev/null").expect("open");
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).expect("to be inherited");
        let said =
            ask(Path::new("/bin/sh"), &[OsStr::new("-c"), OsStr::new("cat; ls /proc/$$/fd")], "/usr/bin:/bin", b"in ");
        let said = said.expect("a shell");
        let out = String::from_utf8_lossy(&said.out).into_owned();
        let ours = file.as_raw_fd().to_string();
        assert!(said.success && out.starts_with("in 0\n1\n2\n") && !out.lines().any(|fd| fd == ours), "{out}");
    }

    #[test]
    fn our_own_program_cannot_be_written_to() {
        let program = own_program().expect("our program");
        let flags = rustix::fs::fstatvfs(&program).expect("its mount").f_flag;
        assert!(flags.contains(rustix::fs::StatVfsMountFlags::RDONLY), "{flags:?}");
        let sealed = File::from(sealed_copy_of_ourselves().expect("a copy"));
        assert!(rustix::io::write(&sealed, b"x").is_err(), "the copy is sealed");
    }
}
