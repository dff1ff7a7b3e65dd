//! `mounts`: what every container has, then volumes, binds, tmpfs and network files by depth.
//!
//! moby 20.10, daemon/oci_linux.go `WithMounts`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use base::gopath;
use containers::config_v2::TmpfsOptions;
use serde_json::{Value, json};

use super::{Plan, SpecError};

/// Something of the host that a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// On the host.
    pub source: PathBuf,
    /// In the container.
    pub destination: String,
    /// Whether it may be written to.
    pub writable: bool,
    /// `rprivate` and its fellows; volumes have none.
    pub propagation: String,
    /// Whether mounts below the source stay behind.
    pub non_recursive: bool,
}

/// The bind of `/etc/hosts` and its like.
pub fn network_file(source: PathBuf, destination: &str, writable: bool) -> Bind {
    Bind {
        source,
        destination: destination.to_owned(),
        writable,
        propagation: "rprivate".to_owned(),
        non_recursive: false,
    }
}

/// What every container has (moby 20.10, oci/defaults.go).
const DEFAULT: [(&str, &str, &str, &[&str]); 7] = [
    ("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/pts", "devpts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
    ("/sys/fs/cgroup", "cgroup", "cgroup", &["ro", "nosuid", "noexec", "nodev"]),
    ("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
    ("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777"]),
];

/// One mount that is not in [`DEFAULT`].
struct Wanted {
    destination: String,
    json: Value,
}

pub(super) fn mounts(plan: &Plan<'_>) -> Result<Value, SpecError> {
    let mut wanted: Vec<Wanted> = plan.binds.iter().map(bind).collect();
    wanted.extend(shm(plan));
    for (destination, options) in tmpfs_mounts(plan) {
        wanted.push(tmpfs(destination, &options)?);
    }
    wanted.extend(plan.init.map(init));
    // Stable, so that what is equally deep keeps dockerd's order as far as it has one.
    wanted.sort_by_key(|mount| depth(&mount.destination));
    let taken: BTreeSet<&str> = wanted.iter().map(|mount| mount.destination.as_str()).collect();
    let mut mounts: Vec<Value> = DEFAULT
        .into_iter()
        .filter(|(destination, ..)| !taken.contains(destination))
        .filter(|(destination, ..)| !(taken.contains("/dev") && destination.starts_with("/dev/")))
        .filter(|(destination, ..)| !(*destination == "/dev/shm" && plan.host.ipc_mode == "none"))
        .map(|mount| default(mount, plan))
        .collect();
    mounts.extend(wanted.into_iter().map(|mount| mount.json));
    Ok(mounts.into())
}

/// How many elements a path has.
fn depth(path: &str) -> usize {
    gopath::clean(path.as_bytes()).iter().filter(|byte| **byte == b'/').count()
}

fn default((destination, kind, source, options): (&str, &str, &str, &[&str]), plan: &Plan<'_>) -> Value {
    let mut options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    if destination == "/dev/shm" {
        options.push(format!("size={}", plan.host.shm_size));
    }
    if plan.host.privileged && ["/sys", "/sys/fs/cgroup"].contains(&destination) {
        options.retain(|option| option != "ro");
    }
    json!({"destination": destination, "type": kind, "source": source, "options": options})
}

fn bind(bind: &Bind) -> Wanted {
    let mut options = vec![if bind.non_recursive { "bind" } else { "rbind" }];
    if !bind.writable {
        options.push("ro");
    }
    if !bind.propagation.is_empty() {
        options.push(&bind.propagation);
    }
    let (destination, source) = (bind.destination.clone(), &bind.source);
    let json = json!({"destination": destination, "type": "bind", "source": source, "options": options});
    Wanted { destination, json }
}

fn init(source: &Path) -> Wanted {
    let destination = super::INIT_INSIDE.to_owned();
    let json = json!({"destination": destination, "type": "bind", "source": source, "options": ["bind", "ro"]});
    Wanted { destination, json }
}

/// Others may see this container's shared memory, or it sees the host's.
fn shm(plan: &Plan<'_>) -> Option<Wanted> {
    let given = |path: &str| plan.binds.iter().any(|bind| bind.destination == path);
    let source = match plan.host.ipc_mode.as_str() {
        "host" => Path::new("/dev/shm"),
        _ => plan.shm?,
    };
    (!given("/dev/shm")).then(|| bind(&network_file(source.to_owned(), "/dev/shm", true)))
}

/// `--tmpfs` and `--mount type=tmpfs`, by destination with their options.
fn tmpfs_mounts<'a>(plan: &'a Plan<'_>) -> Vec<(&'a str, String)> {
    let flags = plan.host.tmpfs.iter().flatten().map(|(path, options)| (path.as_str(), options.clone()));
    let mounts = plan.record.mounts().filter(|mount| mount.kind == "tmpfs");
    let mounts = mounts.map(|mount| {
        (mount.destination.as_str(), mount_options(mount.spec.tmpfs_options.as_ref(), mount.spec.read_only))
    });
    flags.chain(mounts).collect()
}

fn mount_options(options: Option<&TmpfsOptions>, read_only: bool) -> String {
    let mut words = Vec::new();
    if read_only {
        words.push("ro".to_owned());
    }
    if let Some(options) = options {
        if options.mode != 0 {
            words.push(format!("mode={:o}", options.mode));
        }
        if options.size_bytes != 0 {
            words.push(format!("size={}", options.size_bytes));
        }
    }
    words.join(",")
}

/// Of two options that contradict each other or say the same the last counts.
fn tmpfs(destination: &str, given: &str) -> Result<Wanted, SpecError> {
    let given = given.split(',').filter(|option| !option.is_empty());
    let mut kept: Vec<&str> = Vec::new();
    for option in ["noexec", "nosuid", "nodev", "rprivate"].into_iter().chain(given) {
        let subject = subject(option).ok_or_else(|| SpecError::Tmpfs(option.to_owned()))?;
        kept.retain(|earlier| self::subject(earlier) != Some(subject));
        kept.push(option);
    }
    let json = json!({"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": kept});
    Ok(Wanted { destination: destination.to_owned(), json })
}

/// What a tmpfs option is about; `None` if tmpfs has no such option.
fn subject(option: &str) -> Option<&str> {
    match option {
        "ro" | "rw" => Some("rw"),
        "defaults" => Some("defaults"),
        "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" | "unbindable" | "runbindable" => {
            Some("propagation")
        }
        "atime" | "noatime" | "relatime" | "norelatime" | "strictatime" | "nostrictatime" => Some("atime"),
        "exec" | "suid" | "dev" | "diratime" | "sync" | "mand" | "bind" | "rbind" | "remount" => Some(option),
        "noexec" | "nosuid" | "nodev" | "nodiratime" | "nomand" => option.strip_prefix("no"),
        "async" => Some("sync"),
        "dirsync" => Some(option),
        _ => option
            .split_once('=')
            .map(|(key, _)| key)
            .filter(|key| ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"].contains(key)),
    }
}

/// What the root's propagation must be so that a bind's can be what it says.
pub(super) fn root_propagation(binds: &[Bind]) -> Option<&'static str> {
    let any = |kinds: [&str; 2]| binds.iter().any(|bind| kinds.contains(&bind.propagation.as_str()));
    match () {
        () if any(["shared", "rshared"]) => Some("shared"),
        () if any(["slave", "rslave"]) => Some("rslave"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(given: &str) -> Result<Vec<String>, SpecError> {
        let options = tmpfs("/t", given)?.json["options"].take();
        Ok(serde_json::from_value(options).expect("a list of words"))
    }

    #[test]
    fn the_last_of_two_tmpfs_options_counts() {
        assert_eq!(options("").expect("no options"), ["noexec", "nosuid", "nodev", "rprivate"]);
        let given = options("exec,size=1m,size=2m,ro").expect("tmpfs options");
        assert_eq!(given, ["nosuid", "nodev", "rprivate", "exec", "size=2m", "ro"]);
    }

    #[test]
    fn an_unknown_tmpfs_option_is_an_error() {
        assert!(matches!(options("nosuch=1"), Err(SpecError::Tmpfs(option)) if option == "nosuch=1"));
    }

    #[test]
    fn depth_counts_elements_and_not_slashes() {
        assert_eq!((depth("/v"), depth("//v/"), depth("/a/b/c")), (1, 1, 3));
    }
}
