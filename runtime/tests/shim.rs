//! A container's life under its shim, with nobody else there to help: output, input, exec, ends,
//! and what is left when something is killed.

mod support;

use std::{
    io::{Read as _, Write as _},
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use runtime::shim::{Attach, ConnectError, Connection, Release, SessionError, State, clean_up, spawn};
use serde_json::json;
use support::{ALL, House, pump, until};

fn kill_nine(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it lives");
}

#[test]
fn no_byte_of_the_output_is_lost_and_the_streams_stay_apart() {
    let mut house = House::new();
    house.script("dd if=/dev/zero bs=1000 count=3000 2>/dev/null | tr '\\0' x; echo oops >&2; exit 3");
    let said = house.run().expect("it starts");
    assert_eq!((said.out.len(), said.err.as_str(), said.code), (3_000_000, "oops\n", 3));
    house.assert_all_gone();
}

#[test]
fn the_log_is_json_a_line_an_entry() {
    let mut house = House::new();
    house.script("echo one; echo two >&2; printf three").run().expect("it starts");
    let log = std::fs::read_to_string(house.log()).expect("a log");
    let entries: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    let mut said: Vec<_> = entries.iter().map(|entry| (entry["stream"].as_str(), entry["log"].as_str())).collect();
    said.sort_unstable();
    let (out, err) = (Some("stdout"), Some("stderr"));
    assert_eq!(said, [(err, Some("two\n")), (out, Some("one\n")), (out, Some("three"))]);
}

#[test]
fn input_reaches_the_process_and_its_end_too() {
    let mut house = House::new();
    (house.stdin, house.stdin_once) = (true, true);
    house.args(&["wc", "-c"]);
    let (read, mut write) = std::io::pipe().expect("a pipe");
    let writing = std::thread::spawn(move || write.write_all(&[b'x'; 500_000]));
    let said = house.run_with(Some(read.into())).expect("it starts");
    writing.join().expect("no panic").expect("all taken");
    assert_eq!(said.out, "500000\n");
}

#[test]
fn what_goes_in_comes_out_however_much_it_is() {
    let mut house = House::new();
    (house.stdin, house.stdin_once) = (true, true);
    house.args(&["cat"]);
    let (read, mut write) = std::io::pipe().expect("a pipe");
    let writing = std::thread::spawn(move || write.write_all(&vec![b'y'; 2_000_000]));
    let said = house.run_with(Some(read.into())).expect("it starts");
    writing.join().expect("no panic").expect("all taken");
    assert_eq!(said.out.len(), 2_000_000);
}

#[test]
fn without_stdin_the_process_reads_nothing() {
    let mut house = House::new();
    assert_eq!(house.args(&["wc", "-c"]).run().expect("it starts").out, "0\n");
}

/// `OpenStdin` without `StdinOnce`: clients come and go.
#[test]
fn input_stays_open_for_the_next_client() {
    let mut house = House::new();
    house.stdin = true;
    house.script("read a; read b; echo $a$b").detached().expect("it starts");
    let say = |text: &str| {
        let session = house.connect().attach(ALL).expect("attached");
        let (read, mut write) = std::io::pipe().expect("a pipe");
        write.write_all(text.as_bytes()).expect("it fits");
        drop(write);
        (session, OwnedFd::from(read))
    };
    let (first, input) = say("one\n");
    let first = std::thread::spawn(move || pump(first, Some(input)));
    let (second, input) = say("two\n");
    let second = pump(second, Some(input)).expect("the shim stays");
    let first = first.join().expect("no panic").expect("the shim stays");
    let both = ["onetwo\n", "twoone\n"];
    assert!(both.contains(&first.out.as_str()) && first.out == second.out, "{first:?} {second:?}");
}

#[test]
fn exec_has_its_own_streams_and_code() {
    let house = House::running(&["sleep", "1000"]);
    let said = house.exec("echo out; echo err >&2; exit 9");
    assert_eq!((said.out.as_str(), said.err.as_str(), said.code), ("out\n", "err\n", 9));
    assert_eq!(house.exec("kill -9 $$").code, 137);
    assert_eq!(sys::read_opt(house.log()).expect("readable").unwrap_or_default(), b"", "none of it is logged");
    assert!(!house.run_dir().join("exec-1.json").exists());
}

#[test]
fn exec_takes_input() {
    let house = House::running(&["sleep", "1000"]);
    let mut process = house.spec["process"].clone();
    process["args"] = json!(["tr", "a-z", "A-Z"]);
    let process = serde_json::from_value(process).expect("a process");
    let exec = runtime::shim::ExecProcess { process, attach: ALL };
    let (_, session) = house.connect().exec(exec).expect("it starts");
    let (read, mut write) = std::io::pipe().expect("a pipe");
    write.write_all(b"loud").expect("it fits");
    drop(write);
    assert_eq!(pump(session, Some(read.into())).expect("the shim stays").out, "LOUD");
}

#[test]
fn many_execs_at_once_do_not_mix() {
    let house = House::running(&["sleep", "1000"]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let house = &house;
            scope.spawn(move || {
                let said = house.exec(&format!("echo {number}; exit {number}"));
                assert_eq!((said.out, said.code), (format!("{number}\n"), number));
            });
        }
    });
}

#[test]
fn a_signal_ends_it_with_its_number() {
    let mut house = House::new();
    house.script("trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done");
    let session = spawn(house.request(Some(ALL))).expect("it starts").session.expect("asked for");
    let pumping = std::thread::spawn(move || pump(session, None));
    until("it is ready", || sys::read_opt(house.log()).expect("readable").is_some_and(|log| !log.is_empty()));
    house.connect().kill(Signal::SIGUSR1 as i32).expect("sent");
    assert_eq!(pumping.join().expect("no panic").expect("the shim stays").code, 5);
    let house = House::running(&["sleep", "1000"]);
    assert_eq!(house.kill().exit_code, 137);
    assert!(matches!(Connection::open(&house.run_dir()), Err(ConnectError::Gone(_))));
}

/// A client that came in time is heard, however late it speaks.
#[test]
fn who_waits_too_late_is_still_told() {
    let house = House::running(&["sleep", "1000"]);
    let (late, attached) = (house.connect(), house.connect());
    house.kill();
    assert_eq!(late.wait().expect("its end").exit_code, 137);
    let session = attached.attach(Attach { stdin: false, ..ALL }).expect("answered");
    assert_eq!(pump(session, None).expect("its end").code, 137);
}

#[test]
fn memory_that_ran_out_is_told() {
    let mut house = House::new();
    house.spec["linux"]["resources"]["memory"]["limit"] = json!(12 << 20);
    house.spec["linux"]["resources"]["memory"]["swap"] = json!(12 << 20);
    let said = house.args(&["tail", "/dev/zero"]).run().expect("it starts");
    assert_eq!(said.code, 137);
    assert_eq!(house.end().as_deref(), Some("137 oom=true rm=false"));
}

#[test]
fn whether_to_remove_can_be_changed_meanwhile() {
    let house = House::running(&["sleep", "1000"]);
    house.connect().set_auto_remove(true).expect("the shim answers");
    house.connect().mark_stopped(true).expect("the shim answers");
    assert_eq!(house.connect().ping().expect("the shim answers").pid, house.pid());
    house.kill();
    assert_eq!(house.end().as_deref(), Some("137 oom=false rm=true"));
}

/// The mount is made by whoever starts the container, and ended by the shim.
#[test]
fn what_was_mounted_for_it_is_unmounted_after_it() {
    let mut house = House::new();
    let merged = house.dir.path().join("merged");
    sys::create_dir(&merged, 0o700).expect("mkdir");
    let flags = rustix::mount::MountFlags::empty();
    sys::mount_string("tmpfs", &merged, "tmpfs", flags, "size=64k").expect("mounted");
    house.release = vec![Release { path: merged.clone(), remove_dir: true }];
    house.args(&["sleep", "1000"]).detached().expect("it starts");
    assert!(sys::mount_points().expect("mounts").iter().any(|mount| mount.at == merged));
    house.kill();
    assert!(!merged.exists());
    // Nor does one that fails to start leave it.
    sys::create_dir(&merged, 0o700).expect("mkdir");
    sys::mount_string("tmpfs", &merged, "tmpfs", flags, "size=64k").expect("mounted");
    house.args(&["nope"]).detached().expect_err("no such program");
    assert!(!merged.exists());
    house.assert_all_gone();
}

/// Processes of a container that shares the host's pids do not end with its first.
#[test]
fn nothing_outlives_a_container_without_a_pid_namespace() {
    let mut house = House::new();
    let namespaces = house.spec["linux"]["namespaces"].as_array_mut().expect("a list");
    namespaces.retain(|namespace| namespace["type"] != "pid");
    let said = house.script("sleep 1000 & echo $!").run().expect("it starts");
    let left: i32 = said.out.trim().parse().expect("a pid");
    assert!(!std::path::Path::new(&format!("/proc/{left}/exe")).exists(), "{left} lives");
    house.assert_all_gone();
}

/// The shim lets a slow client go rather than the container wait.
#[test]
fn a_client_that_does_not_read_does_not_stop_the_container() {
    let mut house = House::new();
    house.script("read go; dd if=/dev/zero bs=1000 count=4000 2>/dev/null | tr '\\0' x; exit 4");
    house.stdin = true;
    house.detached().expect("it starts");
    let deaf = house.connect().attach(Attach { stdin: false, ..ALL }).expect("attached");
    let waiting = house.connect();
    let (read, mut write) = std::io::pipe().expect("a pipe");
    write.write_all(b"go\n").expect("it fits");
    drop(write);
    let to = house.connect().attach(Attach { stdout: false, stderr: false, stdin: true }).expect("attached");
    let speaking = std::thread::spawn(move || pump(to, Some(read.into())));
    assert_eq!(waiting.wait().expect("its end").exit_code, 4);
    assert_eq!(speaking.join().expect("no panic").expect("the shim stays").code, 4);
    assert!(matches!(pump(deaf, None), Err(SessionError::Lost)));
}

/// But whoever runs it in the foreground sets its pace, as with docker.
#[test]
fn a_foreground_that_pauses_loses_nothing() {
    let mut house = House::new();
    house.script("dd if=/dev/zero bs=1000 count=3000 2>/dev/null | tr '\\0' x");
    let session = spawn(house.request(Some(ALL))).expect("it starts").session.expect("asked for");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(matches!(house.state(), State::Running(_)));
    assert_eq!(pump(session, None).expect("the shim stays").out.len(), 3_000_000);
}

#[test]
fn the_shims_death_is_noticed_and_cleaned_up_after() {
    let house = House::running(&["sleep", "1000"]);
    let (shim, pid) = (house.shim(), house.pid());
    let waiting = house.connect();
    kill_nine(shim);
    assert!(matches!(waiting.wait(), Err(ConnectError::Lost)));
    until("the kernel kills the container with it", || matches!(house.state(), State::ShimLost { alive: false, .. }));
    let State::ShimLost { running: Some(running), .. } = house.state() else {
        panic!("{:?}", house.state());
    };
    assert_eq!(running.pid, pid, "it is known what ran");
    let mut known = Some(runtime::shim::ExitRecord { exit_code: 0, oom_killed: true, finished_at: running.started_at });
    clean_up(&house.run_dir(), |exit| {
        known = exit;
        Ok::<_, sys::Error>(())
    })
    .expect("cleaned up");
    assert_eq!(known, None, "nobody can know how it ended");
    house.assert_all_gone();
    assert_eq!(house.end(), None);
}

#[test]
fn cleaning_up_leaves_a_living_container_alone() {
    let house = House::running(&["sleep", "1000"]);
    clean_up(&house.run_dir(), |_| -> Result<(), sys::Error> { panic!("it lives") }).expect("nothing to do");
    assert_eq!(house.exec("echo yes").out, "yes\n");
}

/// The command is killed at some moment of a start: either nothing has come of it that a clean-up
/// does not find, or the container runs as it should.
#[test]
fn the_commands_death_at_any_moment_is_survived() {
    for delay in [0, 1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 60] {
        let mut house = House::new();
        house.args(&["sleep", "1000"]);
        let mut command = house.minishim_command(true);
        let mut child = command.spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(delay));
        let _ = child.kill();
        child.wait().expect("its end");
        until("the start is over", || !matches!(house.state(), State::Starting));
        match house.state() {
            State::Running(_) => {
                assert_eq!(house.exec("echo up").out, "up\n", "after {delay} ms");
                house.kill();
            }
            State::Absent | State::ShimLost { alive: false, .. } => {
                clean_up(&house.run_dir(), |_| Ok::<_, sys::Error>(())).expect("cleaned up");
            }
            other => panic!("after {delay} ms: {other:?}"),
        }
        house.assert_all_gone();
    }
}

/// A hook holds the start up until the command is dead.
#[test]
fn a_start_that_fails_behind_a_dead_commands_back_is_recorded() {
    let mut house = House::new();
    let gate = house.dir.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("mkfifo");
    house.spec["hooks"] = json!({"createRuntime": [{"path": "/bin/cat", "args": ["cat", gate]}]});
    house.args(&["nope"]);
    let mut child = house.minishim_command(true).spawn().expect("it runs");
    // Opens when the hook has come to read.
    let opened = std::fs::OpenOptions::new().write(true).open(&gate).expect("opened");
    child.kill().expect("it waits for the start");
    assert_eq!(child.wait().expect("its end").signal(), Some(9));
    drop(opened);
    until("the failure is recorded", || house.end().is_some());
    let end = house.end().expect("just seen");
    assert!(end.starts_with("never 127: ") && end.contains("exec: \"nope\""), "{end}");
    house.assert_all_gone();
}

#[test]
fn a_second_start_of_a_running_container_is_refused() {
    let house = House::running(&["sleep", "1000"]);
    let pid = house.pid();
    let error = house.detached().expect_err("it runs");
    assert!(error.message.contains("still there"), "{error}");
    assert_eq!(house.pid(), pid, "and is not disturbed");
}

#[test]
fn a_stranger_at_the_socket_is_shown_out() {
    let house = House::running(&["sleep", "1000"]);
    let mut socket = std::os::unix::net::UnixStream::connect(house.run_dir().join("s")).expect("a short path");
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    let mut nothing = Vec::new();
    // The end may come as a reset, since the shim did not read all.
    let _ = socket.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    assert_eq!(house.exec("echo fine").out, "fine\n");
}

#[test]
fn a_path_longer_than_a_sockets_address_is_no_hindrance() {
    let mut house = House::new();
    let deep = house.dir.path().join("run").join("d".repeat(120));
    sys::create_dir(&deep, 0o700).expect("mkdir");
    let mut request = house.args(&["sleep", "1000"]).request(None);
    request.dir = deep.join("x");
    spawn(request).expect("it starts");
    let waiting = Connection::open(&deep.join("x")).expect("a shim");
    Connection::open(&deep.join("x")).expect("a shim").kill(9).expect("killed");
    assert_eq!(waiting.wait().expect("its end").exit_code, 137);
}
