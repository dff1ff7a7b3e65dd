//! The kernel's grace period before a process may change its group, waited out while we prepare.
//!
//! The first to write to a `cgroup.procs` waits until every processor has passed a quiet state,
//! 8 to 20 ms; who writes soon after does not wait again (kernel 6.18, kernel/rcu/sync.c
//! `rcu_sync_enter`, by way of `cgroup_threadgroup_rwsem`). A start writes there near its end, and
//! has as much to do before.

use std::{
    fs::File,
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use super::{Hierarchy, hierarchies};

/// Begins to wait, in a thread that ends by itself: it moves this process to the group it is in.
///
/// Nothing depends on it. Where it fails, containers start a little later. The thread allocates
/// nothing, so that a fork meanwhile is safe.
pub(crate) fn begin() {
    let Some(mut procs) = own_procs() else { return };
    let wait = move || drop(procs.write(b"0"));
    drop(std::thread::Builder::new().stack_size(64 << 10).spawn(wait));
}

fn own_procs() -> Option<File> {
    let memberships = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = hierarchies().ok()?.iter().find_map(|hierarchy| own_group(hierarchy, &memberships))?;
    File::options().write(true).open(own.join("cgroup.procs")).ok()
}

/// The group of a process in a hierarchy, from its `/proc/<pid>/cgroup`: `4:memory:/docker/1`.
fn own_group(hierarchy: &Hierarchy, memberships: &str) -> Option<PathBuf> {
    let controllers = hierarchy.controllers.join(",");
    let path = memberships.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':').filter(|(names, _)| *names == controllers).map(|(_, path)| path)
    })?;
    let below = Path::new(path).strip_prefix("/").ok()?;
    // Out of what a cgroup namespace shows, it begins with `..`.
    let inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| hierarchy.mount.join(below))
}

#[cfg(test)]
mod tests {
    use super::{super::Version, *};

    fn memory() -> Hierarchy {
        let mount = PathBuf::from("/sys/fs/cgroup/memory");
        Hierarchy { mount, version: Version::V1, controllers: vec!["memory".to_owned()] }
    }

    #[test]
    fn a_group_is_found_by_its_controllers() {
        let memberships = "5:cpu,cpuacct:/a\n4:memory:/user.slice/b:c\n0::/x\n";
        assert_eq!(own_group(&memory(), memberships), Some("/sys/fs/cgroup/memory/user.slice/b:c".into()));
        let unified = Hierarchy { version: Version::V2, controllers: Vec::new(), mount: "/sys/fs/cgroup".into() };
        assert_eq!(own_group(&unified, memberships), Some("/sys/fs/cgroup/x".into()));
    }

    #[test]
    fn a_group_outside_of_what_is_shown_is_none() {
        assert_eq!(own_group(&memory(), "4:memory:/../other\n"), None);
        assert_eq!(own_group(&memory(), "4:cpu:/a\n"), None);
    }
}
