//! What a container may ask for that we cannot give yet. Said before it starts, never ignored.

use containers::HostConfig;

/// Something a container asks for and cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it needs {0}, which cannot be given yet")]
pub struct Unsupported(pub String);

/// Checks a container that may have been made by any dockerd. Returns warnings: what it does not
/// get and runs without.
///
/// # Errors
/// [`Unsupported`], the first thing without which it would not be what it is meant to be.
pub fn check(host: &HostConfig) -> Result<Vec<String>, Unsupported> {
    let no = |what: &str| Err(Unsupported(what.to_owned()));
    if !["", "runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux"].contains(&host.runtime.as_str()) {
        return Err(Unsupported(format!("the runtime {}", host.runtime)));
    }
    if host.device_requests.as_ref().is_some_and(|requests| !requests.is_empty()) {
        return no("devices of a driver (--gpus)");
    }
    let mut warnings = Vec::new();
    if host.links.as_ref().is_some_and(|links| !links.is_empty()) {
        warnings.push("links to other containers (--link) are not made: there is no bridge network yet".to_owned());
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_create_makes_without_flags_needs_nothing_special() {
        assert_eq!(check(&HostConfig::new()), Ok(vec![]));
        assert_eq!(check(&HostConfig::missing()), Ok(vec![]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let host = HostConfig { runtime: "other".to_owned(), ..HostConfig::new() };
        let words = check(&host).expect_err("no other runtime").to_string();
        assert_eq!(words, "it needs the runtime other, which cannot be given yet");
    }
}
