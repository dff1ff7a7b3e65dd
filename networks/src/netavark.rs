//! netavark: where it is, and asking it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{error::NetworkError, joint::Joint};

/// What a user installs, on Debian and Ubuntu.
pub const PACKAGE: &str = "netavark iptables";

/// Where distributions put it, none of it on PATH.
const PLACES: [&str; 4] = [
    "/usr/lib/podman/netavark",
    "/usr/libexec/podman/netavark",
    "/usr/local/lib/podman/netavark",
    "/usr/local/libexec/podman/netavark",
];

/// The program.
#[derive(Debug, Clone)]
pub struct Netavark(PathBuf);

impl Netavark {
    /// Looks for it, and for the iptables that it calls.
    pub fn find() -> Option<Self> {
        let program = PLACES.iter().map(PathBuf::from).find(|path| path.is_file())?;
        let iptables = crate::chains::PATH.split(':').any(|dir| Path::new(dir).join("iptables").exists());
        iptables.then_some(Self(program))
    }

    /// Makes the devices and rules, of the network with this id. `dir` is for files of its own.
    pub(crate) fn set_up(&self, joint: &Joint, only: &str, dir: &Path) -> Result<(), NetworkError> {
        self.ask("setup", "set up", joint, only, dir)
    }

    /// Takes them away again.
    pub(crate) fn take_down(&self, joint: &Joint, only: &str, dir: &Path) -> Result<(), NetworkError> {
        self.ask("teardown", "take down", joint, only, dir)
    }

    fn ask(&self, verb: &str, what: &'static str, joint: &Joint, only: &str, dir: &Path) -> Result<(), NetworkError> {
        let names = self.0.with_file_name("aardvark-dns");
        if joint.networks.iter().any(|on| on.names.is_some()) && !names.is_file() {
            return Err(NetworkError::NoAardvark);
        }
        let args = [
            OsStr::new("--config"),
            dir.as_os_str(),
            OsStr::new("--aardvark-binary"),
            names.as_os_str(),
            OsStr::new(verb),
            joint.namespace.as_os_str(),
        ];
        let said = sys::process::ask(&self.0, &args, crate::chains::PATH, joint.request(only).to_string().as_bytes())?;
        if said.success {
            return Ok(());
        }
        let words: Value = serde_json::from_slice(&said.out).unwrap_or_default();
        let words = match words["error"].as_str() {
            Some(words) => words.to_owned(),
            None => String::from_utf8_lossy(&said.err).trim().to_owned(),
        };
        Err(NetworkError::Netavark { what, said: words })
    }
}
