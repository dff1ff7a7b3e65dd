//! Capabilities: dockerd's default list, and what `--cap-add` and `--cap-drop` make of it. Pure.
//!
//! moby 20.10, oci/caps: names with or without `CAP_`, in any case; up to AUDIT_READ only.

/// A name that no capability has. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown capability: \"{0}\"")]
pub struct UnknownCapability(pub String);

/// What a container has if nothing else is said, in dockerd's order.
pub const DEFAULT: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// All that dockerd 20.10 knows, by number.
pub const ALL: [&str; 38] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
];

/// A capability's full name, or `ALL`.
///
/// # Errors
/// [`UnknownCapability`].
pub fn normalize(name: &str) -> Result<String, UnknownCapability> {
    let upper = name.to_ascii_uppercase();
    if upper == "ALL" {
        return Ok(upper);
    }
    let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    if ALL.contains(&full.as_str()) { Ok(full) } else { Err(UnknownCapability(full)) }
}

/// What a container has with these additions and withdrawals.
///
/// # Errors
/// [`UnknownCapability`].
pub fn tweak(add: &[String], drop: &[String], privileged: bool) -> Result<Vec<String>, UnknownCapability> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    if privileged {
        return Ok(owned(&ALL));
    }
    let normal = |names: &[String]| names.iter().map(|name| normalize(name)).collect::<Result<Vec<_>, _>>();
    let (drop, add) = (normal(drop)?, normal(add)?);
    let has_all = |names: &[String]| names.iter().any(|name| name == "ALL");
    let kept = |names: &[&str]| {
        let mut names = owned(names);
        names.retain(|name| !drop.contains(name));
        names
    };
    Ok(match () {
        () if has_all(&add) => kept(&ALL),
        () if has_all(&drop) => add,
        () => [kept(&DEFAULT), add].concat(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tweaked(add: &[&str], drop: &[&str]) -> Result<Vec<String>, UnknownCapability> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        tweak(&owned(add), &owned(drop), false)
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(tweaked(&[], &[]).expect("no names"), DEFAULT);
    }

    #[test]
    fn names_are_taken_in_any_spelling_and_added_at_the_end() {
        let caps = tweaked(&["sys_admin"], &["Cap_Mknod"]).expect("known names");
        assert_eq!(caps.len(), 14);
        assert_eq!(caps.last().map(String::as_str), Some("CAP_SYS_ADMIN"));
        assert!(!caps.contains(&"CAP_MKNOD".to_owned()));
    }

    #[test]
    fn all_can_be_added_and_dropped() {
        assert_eq!(tweaked(&["ALL"], &["chown"]).expect("known names"), ALL[1..]);
        assert_eq!(tweaked(&["chown"], &["all"]).expect("known names"), ["CAP_CHOWN"]);
        assert_eq!(tweaked(&[], &["ALL"]).expect("known names"), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_name_is_refused_in_dockerds_words() {
        let words = tweaked(&["foo"], &[]).expect_err("no such capability").to_string();
        assert_eq!(words, "unknown capability: \"CAP_FOO\"");
    }
}
