//! Which hierarchies the host has: v1's several, v2's one, or both side by side ("hybrid").

use std::path::{Path, PathBuf};

use super::names_one;

/// Which of the two kernel interfaces a hierarchy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy per controller.
    V1,
    /// One for all.
    V2,
}

/// One mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where its root is mounted.
    pub mount: PathBuf,
    /// Its interface.
    pub version: Version,
    /// v1: `memory`, or `cpu` and `cpuacct`, or `name=systemd`.
    pub controllers: Vec<String>,
}

const ROOT: &str = "/sys/fs/cgroup";

/// The hierarchies mounted below `/sys/fs/cgroup`, which is where libcontainer looks.
///
/// # Errors
/// When `/proc` is not there.
pub fn hierarchies() -> sys::Result<Vec<Hierarchy>> {
    Ok(from_mounts(&sys::mount_points()?))
}

fn from_mounts(mounts: &[sys::MountPoint]) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for point in mounts.iter().filter(|point| point.at.starts_with(ROOT)) {
        let hierarchy = match point.kind.as_str() {
            "cgroup" => Hierarchy { mount: point.at.clone(), version: Version::V1, controllers: controllers(point) },
            "cgroup2" => Hierarchy { mount: point.at.clone(), version: Version::V2, controllers: Vec::new() },
            _ => continue,
        };
        if !found.iter().any(|seen| seen.mount == hierarchy.mount) {
            found.push(hierarchy);
        }
    }
    found
}

/// The options name the controllers, among words about the mount: `rw,cpu,cpuacct` or
/// `rw,xattr,name=systemd`. The directory is named for them too, but a host may name it otherwise.
fn controllers(point: &sys::MountPoint) -> Vec<String> {
    const ABOUT_THE_MOUNT: [&str; 8] =
        ["rw", "ro", "xattr", "clone_children", "noprefix", "all", "none", "cpuset_v2_mode"];
    let words = point.options.split(',');
    let named = words.filter(|word| !ABOUT_THE_MOUNT.contains(word) && !word.starts_with("release_agent"));
    named.map(str::to_owned).collect()
}

impl Hierarchy {
    /// Whether it only groups processes: systemd's, and v2 beside v1.
    pub(super) fn is_without_controllers(&self) -> bool {
        self.version == Version::V2 || self.controllers.iter().all(|name| !handled(name))
    }

    /// Names under which a container finds the hierarchy in its `/sys/fs/cgroup`: the directory's
    /// and, of controllers mounted together, each one's own.
    pub fn names(&self) -> Vec<&str> {
        let dir = self.mount.file_name().and_then(|name| name.to_str());
        let apart = self.controllers.iter().map(String::as_str).filter(|controller| {
            self.controllers.len() > 1 && self.mount.file_name().is_some_and(|dir| names_one(dir, controller))
        });
        dir.into_iter().chain(apart.filter(|name| Some(*name) != dir)).collect()
    }

    /// Whether the mount is of v1 and where a container can be shown it.
    pub fn is_shown(&self) -> bool {
        self.version == Version::V1 && self.mount.parent() == Some(Path::new(ROOT))
    }
}

/// libcgroups 0.7, v1/controller_type.rs: the controllers it makes groups for.
fn handled(controller: &str) -> bool {
    const HANDLED: [&str; 12] = [
        "cpu",
        "cpuacct",
        "cpuset",
        "devices",
        "hugetlb",
        "memory",
        "pids",
        "perf_event",
        "blkio",
        "net_prio",
        "net_cls",
        "freezer",
    ];
    HANDLED.contains(&controller)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: &str, kind: &str, options: &str) -> sys::MountPoint {
        sys::MountPoint { at: at.into(), kind: kind.to_owned(), options: options.to_owned() }
    }

    #[test]
    fn a_hybrid_host_has_v1_hierarchies_and_an_empty_v2() {
        let found = from_mounts(&[
            point("/sys/fs/cgroup", "tmpfs", "rw"),
            point("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
            point("/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd"),
            point("/sys/fs/cgroup/unified", "cgroup2", "rw,nsdelegate"),
            point("/var/x/merged/sys/fs/cgroup/cpu", "cgroup", "rw,cpu"),
        ]);
        let alone: Vec<bool> = found.iter().map(Hierarchy::is_without_controllers).collect();
        assert_eq!(alone, [false, true, true]);
        let names: Vec<_> = found.iter().filter(|one| one.is_shown()).flat_map(Hierarchy::names).collect();
        assert_eq!(names, ["cpu,cpuacct", "cpu", "cpuacct", "systemd"]);
    }

    #[test]
    fn a_host_with_v2_has_one_hierarchy() {
        let found = from_mounts(&[point("/sys/fs/cgroup", "cgroup2", "rw")]);
        assert_eq!(found.iter().map(|one| one.version).collect::<Vec<_>>(), [Version::V2]);
        assert!(!found[0].is_shown(), "its mount is read-only by itself");
    }
}
