//! AppArmor: the profile that dockerd loads, if it is there.
//!
//! unlike moby: the profile is not loaded by us. Where no dockerd has loaded `docker-default`
//! since the host started, a container has none, as on a host without AppArmor.

use containers::Record;

const PROFILES: &str = "/sys/kernel/security/apparmor/profiles";

/// The profile a container runs under; `None` where the host has no AppArmor.
pub(crate) fn profile(record: &Record) -> Option<String> {
    let loaded = std::fs::read_to_string(PROFILES).ok()?;
    let wanted = match record.app_armor_profile.as_str() {
        "" => "docker-default",
        other => other,
    };
    let there = loaded.lines().any(|line| line.split(" (").next() == Some(wanted));
    // A profile that the user asked for by name is an error if it is missing; ours is not.
    (there || !record.app_armor_profile.is_empty()).then(|| wanted.to_owned())
}
