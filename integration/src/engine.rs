//! Who does the work in a house: a private dockerd with its client, or the minidock binary.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use crate::oracle::{Oracle, repository};

/// A storage driver that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// Layers as directories for the kernel's overlay.
    Overlay2,
    /// Every layer a full copy.
    Vfs,
}

impl Driver {
    /// Docker's name for it, also its directory in the data root.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlay2 => "overlay2",
            Self::Vfs => "vfs",
        }
    }
}

/// Which engine.
#[derive(Debug, Clone)]
pub enum Side {
    /// A dockerd of this version.
    Theirs(Oracle),
    /// minidock; or, under `MINIDOCK_UNDER_TEST=theirs`, the first oracle once more.
    Ours,
}

impl Side {
    /// The system's own dockerd.
    pub fn first() -> Self {
        Self::Theirs(Oracle::first())
    }

    /// Whoever stands on minidock's side: normally minidock.
    pub fn under_test() -> Self {
        match std::env::var("MINIDOCK_UNDER_TEST").as_deref() {
            Ok("theirs") => Self::first(),
            Ok("second") => Self::Theirs(Oracle::second().expect("a second oracle")),
            _ => Self::Ours,
        }
    }

    /// Its name in a diff.
    pub fn name(&self) -> String {
        match self {
            Self::Theirs(oracle) => format!("docker {}", oracle.version()),
            Self::Ours => "minidock".to_owned(),
        }
    }
}

/// An engine at work on one data root.
#[derive(Debug)]
pub(crate) enum Engine {
    Dockerd { oracle: Oracle, daemon: Child, sock: PathBuf, config: PathBuf },
    Minidock { binary: PathBuf, root: PathBuf, exec: PathBuf, driver: Driver, bridge: &'static str },
}

/// What a dockerd with bridge networks is told, after it was told otherwise.
pub(crate) const BRIDGED: [&str; 2] = ["--bridge=", "--iptables=true"];

impl Engine {
    /// Starts `side` on `<room>/root`; a dockerd is awaited until it listens.
    pub(crate) fn start(
        side: &Side,
        room: &Path,
        root: &Path,
        driver: Driver,
        options: &[String],
    ) -> Result<Self, String> {
        match side {
            Side::Theirs(oracle) => dockerd(oracle, room, root, driver, options),
            Side::Ours => Ok(Self::Minidock {
                binary: minidock().to_owned(),
                root: root.to_owned(),
                exec: room.join("m"),
                driver,
                bridge: if options.iter().any(|option| option == BRIDGED[0]) { "docker0" } else { "none" },
            }),
        }
    }

    /// A command of the engine's client, up to the verb.
    pub(crate) fn client(&self) -> Command {
        match self {
            Self::Dockerd { oracle, sock, config, .. } => {
                let mut docker = oracle.docker();
                docker.env("HOME", config).env("DOCKER_CONFIG", config);
                docker.arg("-H").arg(format!("unix://{}", sock.display()));
                docker
            }
            Self::Minidock { binary, root, exec, driver, bridge } => {
                let mut minidock = Command::new(binary);
                minidock.env_clear().envs([
                    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                    ("LC_ALL", "C"),
                    ("TZ", "UTC"),
                    ("RUST_BACKTRACE", "1"),
                ]);
                minidock.arg("--data-root").arg(root).arg("--exec-root").arg(exec);
                minidock.args(["--storage-driver", driver.name(), "--bridge", bridge]);
                minidock
            }
        }
    }

    /// Ends it as its owner would: a dockerd by SIGTERM. minidock has nothing to end.
    pub(crate) fn stop(&mut self) {
        self.end("TERM");
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.end("KILL");
    }

    fn end(&mut self, signal: &str) {
        if let Self::Dockerd { daemon, .. } = self
            && daemon.try_wait().expect("our own child").is_none()
        {
            crate::signals::send(daemon.id(), signal);
            daemon.wait().expect("our own child");
        }
    }
}

fn dockerd(oracle: &Oracle, room: &Path, root: &Path, driver: Driver, options: &[String]) -> Result<Engine, String> {
    let config = room.join("cfg");
    std::fs::create_dir_all(&config).map_err(|error| format!("mkdir {}: {error}", config.display()))?;
    let features = if oracle.major() >= 29 { r#"{"features":{"containerd-snapshotter":false}}"# } else { "{}" };
    write_file(&config.join("daemon.json"), features.as_bytes());
    let sock = room.join("d.sock");
    let mut command = oracle.dockerd();
    command.env("HOME", &config);
    command.arg("--data-root").arg(root).arg("--exec-root").arg(room.join("x"));
    command.arg("-H").arg(format!("unix://{}", sock.display()));
    command.arg("--pidfile").arg(room.join("d.pid")).arg("--config-file").arg(config.join("daemon.json"));
    command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver", driver.name()]);
    command.args(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut daemon = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let stderr = daemon.stderr.take().expect("it is piped");
    let log = File::options().create(true).append(true).open(room.join("d.log"));
    let listening = follow(stderr, log.map_err(|error| error.to_string())?);
    if let Err(cause) = listening.recv_timeout(Duration::from_secs(60)) {
        drop(daemon.kill());
        drop(daemon.wait());
        let log = std::fs::read_to_string(room.join("d.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(8)..].join("\n");
        return Err(format!("docker {} did not start ({cause}):\n{tail}", oracle.version()));
    }
    Ok(Engine::Dockerd { oracle: oracle.clone(), daemon, sock, config })
}

/// Copies the daemon's words to its log and tells when it listens.
fn follow(stderr: std::process::ChildStderr, mut log: File) -> mpsc::Receiver<()> {
    let (tell, listening) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            drop(log.write_all(&line).and_then(|()| log.write_all(b"\n")));
            if String::from_utf8_lossy(&line).contains("API listen on") {
                tell.send(()).ok();
            }
        }
    });
    listening
}

/// Writes a file of the test's own; the durability that `sys` gives is of no use here.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes));
    written.unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// The binary under test.
pub(crate) fn minidock() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("MINIDOCK") {
        Some(given) => PathBuf::from(given).canonicalize().expect("$MINIDOCK is there"),
        None => built(),
    })
}

/// Tests of this crate do not depend on the binary's, so cargo has not built it for us.
fn built() -> PathBuf {
    // <target>/debug/deps/<this test>, or <target>/release/bench
    let this = std::env::current_exe().expect("a program has a path");
    let dir = this.parent().expect("in a directory");
    let profile = if dir.ends_with("deps") { dir.parent().expect("below the profile") } else { dir };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "minidock"]).current_dir(repository());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "minidock does not build");
    profile.join("minidock")
}
