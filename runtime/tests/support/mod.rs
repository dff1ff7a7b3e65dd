//! A house for one container: a root file system with a static busybox, and the OCI configuration
//! dockerd 20.10.24 writes for a default container, to be changed by the test.

#![allow(dead_code)]

use std::{
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base::ContainerId;
use oci_spec::runtime::Spec;
use runtime::{
    run::Streams,
    seccomp,
    shim::{
        Attach, Connection, ExecProcess, ExitRecord, Pump, Release, Session, SessionError, SpawnRequest, StartError,
        Started, State, spawn, state,
    },
};
use serde_json::{Value, json};

const APPLETS: [&str; 24] = [
    "sh", "cat", "sleep", "id", "env", "true", "yes", "head", "grep", "echo", "mount", "kill", "stat", "ln", "mkdir",
    "chmod", "touch", "ls", "dd", "tail", "wc", "tr", "ulimit", "umask",
];

pub struct House {
    pub dir: tempfile::TempDir,
    pub id: ContainerId,
    /// Changed before the start.
    pub spec: Value,
    pub stdin: bool,
    pub stdin_once: bool,
    pub release: Vec<Release>,
}

/// What a process said, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

pub const ALL: Attach = Attach { stdin: true, stdout: true, stderr: true };

impl House {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let id: ContainerId = base::hex_id(sys::random).parse().expect("an id");
        let root = dir.path().join("root");
        for (sub, mode) in [
            ("", 0o755),
            ("bin", 0o755),
            ("etc", 0o755),
            ("tmp", 0o1777),
            ("proc", 0o755),
            ("dev", 0o755),
            ("sys", 0o755),
        ] {
            sys::create_dir(root.join(sub), mode).expect("mkdir");
        }
        std::fs::copy(busybox(), root.join("bin/busybox")).expect("busybox");
        for applet in APPLETS {
            sys::symlink("busybox", root.join("bin").join(applet)).expect("symlink");
        }
        sys::create_dir(dir.path().join("run"), 0o700).expect("mkdir");
        let mut spec: Value = serde_json::from_str(include_str!("default.json")).expect("JSON");
        spec["root"]["path"] = json!(root);
        spec["linux"]["cgroupsPath"] = json!(format!("/docker/{id}"));
        let bounding = serde_json::from_value(spec["process"]["capabilities"]["bounding"].clone()).expect("names");
        spec["linux"]["seccomp"] = json!(seccomp::docker_default(&bounding, (6, 1)));
        Self { dir, id, spec, stdin: false, stdin_once: false, release: Vec::new() }
    }

    /// A house whose container runs this command.
    pub fn running(args: &[&str]) -> Self {
        let mut house = Self::new();
        house.args(args);
        house.detached().expect("it starts");
        house
    }

    pub fn args(&mut self, args: &[&str]) -> &mut Self {
        self.spec["process"]["args"] = json!(args);
        self
    }

    pub fn script(&mut self, script: &str) -> &mut Self {
        self.args(&["sh", "-c", script])
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// `<exec-root>/<id>`.
    pub fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run").join(&self.id)
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    pub fn request(&self, attach: Option<Attach>) -> SpawnRequest<'static> {
        SpawnRequest {
            program: Some(minishim()),
            dir: self.run_dir(),
            container: self.id.clone(),
            data_root: self.dir.path().to_owned(),
            storage_driver: "none".to_owned(),
            spec: self.spec(),
            log: Some(runtime::logging::Log::plain(self.log())),
            stdin: self.stdin,
            stdin_once: self.stdin_once,
            auto_remove: false,
            restart: None,
            health: None,
            again: false,
            release: self.release.clone(),
            bridge: false,
            network: None,
            lock: None,
            attach,
        }
    }

    pub fn spec(&self) -> Spec {
        serde_json::from_value(self.spec.clone()).expect("a specification")
    }

    pub fn detached(&self) -> Result<Started, StartError> {
        spawn(self.request(None))
    }

    /// Starts it and stays with it.
    pub fn run(&self) -> Result<Said, StartError> {
        self.run_with(None)
    }

    pub fn run_with(&self, stdin: Option<OwnedFd>) -> Result<Said, StartError> {
        let attach = Attach { stdin: stdin.is_some(), ..ALL };
        let session = spawn(self.request(Some(attach)))?.session.expect("asked for");
        Ok(pump(session, stdin).expect("the shim stays"))
    }

    pub fn connect(&self) -> Connection {
        Connection::open(&self.run_dir()).expect("a shim")
    }

    /// Starts a process beside init; `change` makes it from init's.
    pub fn exec_as(&self, args: &[&str], change: impl FnOnce(&mut Value)) -> Result<Said, StartError> {
        let mut process = self.spec["process"].clone();
        process["args"] = json!(args);
        change(&mut process);
        let process = serde_json::from_value(process).expect("a process");
        let attach = Attach { stdin: false, ..ALL };
        match self.connect().exec(ExecProcess { process, attach }) {
            Ok((_, session)) => Ok(pump(session, None).expect("the shim stays")),
            Err(runtime::shim::ConnectError::Refused(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }

    pub fn exec(&self, script: &str) -> Said {
        self.exec_as(&["sh", "-c", script], |_| {}).expect("it starts")
    }

    pub fn state(&self) -> State {
        state(&self.run_dir()).expect("a state")
    }

    pub fn pid(&self) -> i32 {
        match self.state() {
            State::Running(running) => running.pid,
            other => panic!("not running: {other:?}"),
        }
    }

    /// The shim's pid: the parent of the container's process.
    pub fn shim(&self) -> i32 {
        parent(self.pid())
    }

    pub fn kill(&self) -> ExitRecord {
        let waiting = self.connect();
        self.connect().kill(9).expect("killed");
        waiting.wait().expect("its end")
    }

    /// What was recorded at the end.
    pub fn end(&self) -> Option<String> {
        let bytes = sys::read_opt(self.dir.path().join(format!("{}.end", self.id))).expect("readable");
        bytes.map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    /// Where the control group is, in each hierarchy that has it.
    pub fn groups(&self) -> Vec<PathBuf> {
        let all = runtime::cgroup::hierarchies().expect("hierarchies");
        let dirs = all.iter().map(|one| one.mount.join("docker").join(&self.id));
        dirs.filter(|dir| dir.is_dir()).collect()
    }

    /// Nothing is left of the container.
    pub fn assert_all_gone(&self) {
        assert_eq!(self.state(), State::Absent);
        assert!(!self.run_dir().exists(), "{:?}", sys::list_dir(self.run_dir()));
        assert_eq!(self.groups(), Vec::<PathBuf>::new());
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A test that failed leaves nothing running. Connected to its end before the kill: after it
        // the shim may be gone at once.
        if let (Ok(waiting), Ok(killing)) = (Connection::open(&self.run_dir()), Connection::open(&self.run_dir())) {
            let _ = killing.kill(9);
            let _ = waiting.wait();
        }
        let _ = runtime::shim::clean_up(&self.run_dir(), |_| Ok::<_, sys::Error>(()));
    }
}

/// Carries a session to its end.
pub fn pump(session: Session, stdin: Option<OwnedFd>) -> Result<Said, SessionError> {
    let (mut out, to_out) = std::io::pipe().expect("a pipe");
    let (mut err, to_err) = std::io::pipe().expect("a pipe");
    let streams = Streams { stdin, stdout: Some(to_out.into()), stderr: Some(to_err.into()) };
    let pumping = std::thread::spawn(move || session.pump(Pump { streams, proxy_signals: false, terminal: None }));
    let err = std::thread::spawn(move || {
        let mut text = Vec::new();
        err.read_to_end(&mut text).map(|_| text)
    });
    let mut text = Vec::new();
    out.read_to_end(&mut text).expect("its output");
    let err = err.join().expect("no panic").expect("its errors");
    let exit = pumping.join().expect("no panic")?;
    let plain = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said { out: plain(text), err: plain(err), code: exit.exit_code })
}

pub fn parent(pid: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    field(&status, "PPid").parse().expect("a number")
}

/// A line of `/proc/<pid>/status`.
pub fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {status}")).trim()
}

/// Waits for something that another process does; fails when it does not come.
pub fn until(what: &str, mut happens: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !happens() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn busybox() -> PathBuf {
    let fallback = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracle");
    let oracle = std::env::var_os("MINIDOCK_ORACLE_DIR").map_or(fallback, PathBuf::from);
    let busybox = oracle.join("first/bin/busybox");
    assert!(busybox.exists(), "{} is not there: run `make oracle`", busybox.display());
    busybox
}

/// The example beside this test.
pub fn minishim() -> PathBuf {
    let test = std::env::current_exe().expect("our own path");
    let target = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    target.join("examples/minishim")
}

pub fn null() -> OwnedFd {
    File::open("/dev/null").expect("null").into()
}

impl House {
    /// Runs the container from a process of its own, whose program then is the shim's.
    pub fn minishim_run(&self, change: impl FnOnce(&mut std::process::Command) -> &mut std::process::Command) -> Said {
        let output = change(&mut self.minishim_command(false)).output().expect("it runs");
        let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { out: plain(&output.stdout), err: plain(&output.stderr), code: output.status.code().unwrap_or(-1) }
    }

    /// The same, not staying with it. Its complaint, if it has one.
    pub fn minishim_run_detached(&self) -> String {
        let output = self.minishim_command(true).output().expect("it runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub fn minishim_command(&self, detach: bool) -> std::process::Command {
        let request = json!({"dir": self.run_dir(), "container": self.id, "data_root": self.dir.path(),
                             "spec": self.spec, "detach": detach});
        let file = self.dir.path().join("request.json");
        sys::truncate_write(&file, request.to_string().as_bytes(), 0o600).expect("write");
        let mut command = std::process::Command::new(minishim());
        command.arg("run").arg(file);
        command
    }
}
