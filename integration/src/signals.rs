//! Signals to processes of a story: not every system has the program `kill`.

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal, by its name without `SIG`. A process that is a zombie counts as there.
#[track_caller]
pub fn send(pid: u32, name: &str) {
    let signal = match name {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "QUIT" => Signal::QUIT,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "WINCH" => Signal::WINCH,
        other => panic!("no story sends SIG{other} yet"),
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(pid, signal).unwrap_or_else(|errno| panic!("SIG{name} to {pid:?}: {errno}"));
}

/// Kills a process that may be gone already, or be held still: it is let go on, to die.
pub fn kill_held(pid: u32) {
    kill(pid);
    let cgroups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    for line in cgroups.lines() {
        let Some((_, rest)) = line.split_once(':') else { continue };
        let file = match rest.split_once(':') {
            Some(("freezer", path)) => format!("/sys/fs/cgroup/freezer{path}/freezer.state"),
            _ => continue,
        };
        std::fs::File::create(file).and_then(|mut file| std::io::Write::write_all(&mut file, b"THAWED")).ok();
    }
}

/// Kills a process that may be gone already.
pub(crate) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::KILL).ok();
    }
}
