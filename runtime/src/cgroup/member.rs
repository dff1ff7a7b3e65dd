//! Which group a container of somebody else's is in: its processes tell.

use std::path::{Component, Path, PathBuf};

use base::ContainerId;

/// The container's group, from the `/proc/<pid>/cgroup` of a process of it. The process may be in
/// a group below it, which the container made.
pub(super) fn group_path(memberships: &str, id: &ContainerId) -> Option<PathBuf> {
    let paths = memberships.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.map(Path::new).find_map(|path| up_to(path, id))
}

/// `/docker/<id>/below` up to the id, which systemd writes as `docker-<id>.scope`.
fn up_to(path: &Path, id: &ContainerId) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::RootDir => found.push("/"),
            Component::Normal(name) => found.push(name),
            _ => return None,
        }
        if found.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains(id.as_str())) {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_found_by_its_id_and_not_below() {
        let id: ContainerId = "ab".repeat(32).parse().expect("an id");
        let v1 = format!("11:devices:/docker/{id}/own\n1:name=systemd:/docker/{id}\n");
        assert_eq!(group_path(&v1, &id), Some(format!("/docker/{id}").into()));
        let systemd = format!("0::/system.slice/docker-{id}.scope\n");
        assert_eq!(group_path(&systemd, &id), Some(format!("/system.slice/docker-{id}.scope").into()));
        assert_eq!(group_path("0::/user.slice\n", &id), None);
        assert_eq!(group_path(&format!("0::/../{id}\n"), &id), None);
    }
}
