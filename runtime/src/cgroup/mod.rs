//! A container's control group: the same path in every hierarchy the host has.
//!
//! libcontainer makes it where it has limits to set. It leaves out hierarchies without a
//! controller (`name=systemd`, and `unified` beside v1), it never removes what a container made
//! below, and it cannot tell whether memory ran out. That is done here.

mod change;
pub(crate) mod grace;
mod hierarchy;
mod member;
mod oom;
mod usage;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

pub use hierarchy::{Hierarchy, Version, hierarchies};
pub use usage::Usage;

/// How long the last processes of a killed group may take to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// A group: one directory in each hierarchy.
#[derive(Debug, Clone)]
pub struct Cgroup {
    dirs: Vec<(Hierarchy, PathBuf)>,
}

/// A group's path that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an absolute path of a control group")]
pub struct BadPath(pub PathBuf);

impl Cgroup {
    /// The group at `path`, absolute as in `/docker/<id>`. It need not exist.
    ///
    /// # Errors
    /// When the path is relative, the root itself, or climbs.
    pub fn at(path: &Path, hierarchies: &[Hierarchy]) -> Result<Self, BadPath> {
        let bad = || BadPath(path.to_owned());
        let below = path.strip_prefix("/").map_err(|_| bad())?;
        let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        if below.as_os_str().is_empty() || !plain {
            return Err(bad());
        }
        let dir = |hierarchy: &Hierarchy| (hierarchy.clone(), hierarchy.mount.join(below));
        Ok(Self { dirs: hierarchies.iter().map(dir).collect() })
    }

    /// The group of a container that somebody else runs, as a process of it tells.
    pub fn of_process(pid: i64, id: &base::ContainerId, hierarchies: &[Hierarchy]) -> Option<Self> {
        let memberships = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Self::at(&member::group_path(&memberships, id)?, hierarchies).ok()
    }

    /// Puts the calling process into the group where libcontainer will not.
    ///
    /// # Errors
    /// When a directory cannot be made or joined.
    pub fn join_what_libcontainer_leaves_out(&self) -> sys::Result<()> {
        let alone_v2 = !self.dirs.iter().any(|(hierarchy, _)| hierarchy.version == Version::V1);
        for (hierarchy, dir) in &self.dirs {
            if hierarchy.is_without_controllers() && !(alone_v2 && hierarchy.version == Version::V2) {
                sys::create_dir_all(dir, 0o755)?;
                sys::truncate_write(dir.join("cgroup.procs"), b"0", 0o644)?;
            }
        }
        Ok(())
    }

    /// Its directory in v1's hierarchy of a controller.
    pub(crate) fn dir_of(&self, controller: &str) -> Option<PathBuf> {
        let has = |hierarchy: &Hierarchy| hierarchy.controllers.iter().any(|name| name == controller);
        self.dirs.iter().find(|(hierarchy, _)| has(hierarchy)).map(|(_, dir)| dir.clone())
    }

    /// Its directory, where v2's hierarchy is the only one.
    pub(crate) fn unified(&self) -> Option<PathBuf> {
        let v1 = self.dirs.iter().any(|(hierarchy, _)| hierarchy.version == Version::V1);
        self.dirs.first().filter(|_| !v1).map(|(_, dir)| dir.clone())
    }

    /// Whether the kernel killed a process of the group because its memory ran out. To be asked
    /// before [`Cgroup::remove`].
    pub fn oom_killed(&self) -> bool {
        self.dirs.iter().any(|(hierarchy, dir)| oom::killed(hierarchy.version, dir))
    }

    /// The processes in the group and below it.
    pub fn pids(&self) -> BTreeSet<i32> {
        let mut pids = BTreeSet::new();
        self.dirs.iter().for_each(|(_, dir)| collect_pids(dir, &mut pids));
        pids
    }

    /// Holds every process of the group, or lets them go on; returns when that is so.
    ///
    /// # Errors
    /// When there is no freezer, or it takes longer than five seconds.
    pub fn freeze(&self, still: bool) -> sys::Result<()> {
        let v1 = |hierarchy: &Hierarchy| hierarchy.controllers.iter().any(|name| name == "freezer");
        let (file, words, shown) = match self.dirs.iter().find(|(hierarchy, _)| v1(hierarchy)) {
            Some((_, dir)) => (dir.join("freezer.state"), ["THAWED", "FROZEN"], dir.join("freezer.state")),
            None => {
                let v2 = self.dirs.iter().find(|(hierarchy, _)| hierarchy.version == Version::V2);
                let Some((_, dir)) = v2 else {
                    return Err(sys::Error::new("open", "freezer", std::io::Error::from(std::io::ErrorKind::NotFound)));
                };
                (dir.join("cgroup.freeze"), ["0", "1"], dir.join("cgroup.events"))
            }
        };
        let word = words[usize::from(still)];
        let until = Instant::now() + PATIENCE;
        loop {
            // v1 may stop half way when a process forks meanwhile, and wants to be told again.
            sys::truncate_write(&file, word.as_bytes(), 0o644)?;
            let now = std::fs::read_to_string(&shown).unwrap_or_default();
            if now.trim() == word || now.lines().any(|line| line == format!("frozen {word}")) {
                return Ok(());
            }
            if Instant::now() > until {
                let reason = std::io::Error::from(std::io::ErrorKind::TimedOut);
                return Err(sys::Error::new("freeze", file, reason));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether its processes are held, or are about to be.
    pub fn is_frozen(&self) -> bool {
        let says = |dir: &Path, file: &str| std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        self.dirs.iter().any(|(hierarchy, dir)| match hierarchy.version {
            Version::V2 => says(dir, "cgroup.freeze").trim() == "1",
            _ => ["FROZEN", "FREEZING"].contains(&says(dir, "freezer.state").trim()),
        })
    }

    /// Kills every process of the group, and waits until none is left but for zombies whose
    /// parent is the caller. Whether that succeeded in time.
    pub fn kill_all(&self) -> bool {
        let until = Instant::now() + PATIENCE;
        // Who is held still does not die. A group that is gone holds nobody.
        drop(self.freeze_if(false));
        loop {
            let living: Vec<i32> = self.pids().into_iter().filter(|pid| !is_zombie(*pid)).collect();
            if living.is_empty() {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            for pid in living {
                // One that has gone meanwhile is what we want.
                let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// As [`Cgroup::freeze`], where somebody is in the group.
    fn freeze_if(&self, still: bool) -> sys::Result<()> {
        if self.pids().is_empty() { Ok(()) } else { self.freeze(still) }
    }

    /// Removes the group and what is below it, in every hierarchy. Its parent stays.
    ///
    /// # Errors
    /// The first directory that could not be removed, as when a process is left in it.
    pub fn remove(&self) -> sys::Result<()> {
        let mut first = Ok(());
        for (_, dir) in &self.dirs {
            let removed = remove_below(dir);
            first = first.and(removed);
        }
        first
    }
}

fn collect_pids(dir: &Path, pids: &mut BTreeSet<i32>) {
    let text = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
    for child in children(dir) {
        collect_pids(&child, pids);
    }
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let dirs = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    dirs.map(|entry| entry.path()).collect()
}

fn is_zombie(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything, also parentheses.
    stat.rsplit(')').next().is_none_or(|rest| rest.is_empty() || rest.trim_start().starts_with(['Z', 'X']))
}

/// Leaf first. A group whose last process is still on its way out is busy for a moment.
fn remove_below(dir: &Path) -> sys::Result<()> {
    for child in children(dir) {
        remove_below(&child)?;
    }
    let until = Instant::now() + PATIENCE;
    loop {
        match sys::remove_dir(dir) {
            Err(error) if error.errno() == Some(rustix::io::Errno::BUSY) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
            }
            // Its parent may have gone with another hierarchy's view of it.
            Err(error) if error.is_not_found() => return Ok(()),
            other => return other,
        }
    }
}

/// Whether two names are of one hierarchy: `cpu` is in `cpu,cpuacct`.
fn names_one(hierarchy: &OsStr, controller: &str) -> bool {
    hierarchy.to_str().is_some_and(|names| names.split(',').any(|name| name == controller))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(root: &Path) -> Vec<Hierarchy> {
        let one = |name: &str, controllers: &[&str]| Hierarchy {
            mount: root.join(name),
            version: Version::V1,
            controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
        };
        vec![one("memory", &["memory"]), one("systemd", &["name=systemd"])]
    }

    #[test]
    fn only_a_plain_absolute_path_is_a_group() {
        for bad in ["/", "docker/x", "/docker/../..", "", "."] {
            assert_eq!(Cgroup::at(Path::new(bad), &[]).expect_err(bad), BadPath(bad.into()));
        }
        assert!(Cgroup::at(Path::new("/docker/x"), &[]).is_ok());
    }

    #[test]
    fn what_a_container_made_below_its_group_goes_with_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir_all(dir.path().join("memory/docker/x/made/deep"), 0o755).expect("mkdir");
        let group = Cgroup::at(Path::new("/docker/x"), &fake(dir.path())).expect("a group");
        group.remove().expect("removed");
        assert!(dir.path().join("memory/docker").is_dir(), "the parent stays");
        assert!(!dir.path().join("memory/docker/x").exists());
    }

    #[test]
    fn processes_below_are_found() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let below = dir.path().join("memory/docker/x/made");
        sys::create_dir_all(&below, 0o755).expect("mkdir");
        sys::write_new(below.join("cgroup.procs"), b"12\n", 0o644).expect("write");
        sys::write_new(dir.path().join("memory/docker/x/cgroup.procs"), b"11\n0\n", 0o644).expect("write");
        let group = Cgroup::at(Path::new("/docker/x"), &fake(dir.path())).expect("a group");
        assert_eq!(group.pids(), BTreeSet::from([11, 12]));
    }

    #[test]
    fn libcontainer_leaves_out_the_named_hierarchy() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let group = Cgroup::at(Path::new("/docker/x"), &fake(dir.path())).expect("a group");
        group.join_what_libcontainer_leaves_out().expect("joined");
        let procs = dir.path().join("systemd/docker/x/cgroup.procs");
        assert_eq!(sys::read_opt(procs).expect("read").as_deref(), Some(&b"0"[..]));
        assert!(!dir.path().join("memory").exists());
    }
}
