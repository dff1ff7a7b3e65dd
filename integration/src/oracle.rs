//! The real dockerds that `integration/oracle.sh` unpacked: `first`, this system's own, and `second`, of Debian sid.
//!
//! Which versions they are depends on the system; a story bound to one version asks with [`Oracle::is`].

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// An unpacked docker: client, daemon, containerd and runc of one version.
#[derive(Debug, Clone)]
pub struct Oracle {
    dir: PathBuf,
    version: String,
}

impl Oracle {
    /// This system's own docker. Fetched if it is not there yet; panics when it is not to be had, because
    /// without it there is nothing to compare with.
    pub fn first() -> Self {
        fetch();
        Self::named("first").unwrap_or_else(|| panic!("no oracle in {}: run integration/oracle.sh", top().display()))
    }

    /// Debian sid's docker, or the reason why it is not to be had on this system.
    pub fn second() -> Result<Self, String> {
        fetch();
        Self::named("second").ok_or_else(|| {
            fs::read_to_string(top().join("second.absent"))
                .unwrap_or_else(|_| "there is no second oracle".to_owned())
                .trim()
                .to_owned()
        })
    }

    fn named(name: &str) -> Option<Self> {
        let dir = top().join(name).canonicalize().ok()?;
        let version = fs::read_to_string(dir.join("version")).ok()?;
        Some(Self { dir, version: version.trim().to_owned() })
    }

    /// Upstream's version, as `20.10.24`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it is this version; if not, says so by name, for the story that asks.
    pub fn is(&self, version: &str) -> bool {
        let same = self.version == version;
        if !same {
            note(&format!("bound to docker {version}; the oracle here is docker {}: not told", self.version));
        }
        same
    }

    /// The major number, 20 of `20.10.24`.
    pub fn major(&self) -> u32 {
        self.version.split('.').next().and_then(|first| first.parse().ok()).unwrap_or(0)
    }

    /// `dockerd`, by full path.
    pub fn dockerd(&self) -> Command {
        self.command("usr/sbin/dockerd")
    }

    /// `docker`, by full path; another one may be first on PATH and words things differently.
    pub fn docker(&self) -> Command {
        self.command("usr/bin/docker")
    }

    /// The oracle's `runc`, for the confinement stories and the bench.
    pub fn runc(&self) -> Command {
        self.command(if self.dir.join("usr/sbin/runc").exists() { "usr/sbin/runc" } else { "usr/bin/runc" })
    }

    /// The static busybox that images are made of.
    pub fn busybox(&self) -> PathBuf {
        ["bin/busybox", "usr/bin/busybox"]
            .iter()
            .map(|path| self.dir.join(path))
            .find(|path| path.exists())
            .unwrap_or_else(|| panic!("no busybox in {}", self.dir.display()))
    }

    fn command(&self, path: &str) -> Command {
        let mut command = Command::new(self.dir.join(path));
        command.env_clear();
        command.envs([("PATH", self.path()), ("LC_ALL", "C".into()), ("TZ", "UTC".into())]);
        let extra = self.dir.join("extra");
        if extra.exists() {
            command.env("LD_LIBRARY_PATH", library_path(&extra));
        }
        command
    }

    fn path(&self) -> OsString {
        let own = ["usr/sbin", "usr/bin", "sbin", "bin"].map(|part| self.dir.join(part));
        let system = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
        std::env::join_paths(own.iter().chain(&system)).expect("no colon in an oracle's path")
    }
}

fn library_path(extra: &Path) -> OsString {
    let found = ["lib", "usr/lib"].into_iter().flat_map(|lib| {
        let lib = extra.join(lib);
        let below = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
        below.filter(|path| path.is_dir()).collect::<Vec<_>>()
    });
    std::env::join_paths(found).expect("no colon in an oracle's path")
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("integration lies in the repository")
}

fn top() -> PathBuf {
    std::env::var_os("MINIDOCK_ORACLE_DIR").map_or_else(|| repository().join("target/oracle"), PathBuf::from)
}

/// Asks the script once per process; with everything there it takes some ten milliseconds.
fn fetch() {
    static FETCHED: OnceLock<()> = OnceLock::new();
    FETCHED.get_or_init(|| {
        if top().join("first/complete").exists()
            && (top().join("second/complete").exists() || top().join("second.absent").exists())
        {
            return;
        }
        let script = repository().join("integration/oracle.sh");
        let status = Command::new("sh").arg(&script).arg(top()).status();
        let status = status.unwrap_or_else(|error| panic!("sh {}: {error}", script.display()));
        assert!(status.success(), "{} failed; the stories need a real dockerd", script.display());
    });
}

/// A word to whoever reads the test's output.
#[expect(clippy::print_stderr, reason = "a test's only way to say why it did not judge")]
pub(crate) fn note(text: &str) {
    eprintln!("note: {text}");
}
