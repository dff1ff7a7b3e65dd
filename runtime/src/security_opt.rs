//! `--security-opt`: what becomes of each in the container's record.
//!
//! moby 20.10, daemon/daemon_unix.go `parseSecurityOpt`.

use containers::{HostConfig, Record};

/// A security option that means nothing, or that this host cannot give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSecurityOpt {
    /// Not `KEY=VALUE`. The words are dockerd's.
    #[error("invalid --security-opt 1: {0:?}")]
    Shape(String),
    /// An unknown key, or a value it does not take. The words are dockerd's.
    #[error("invalid --security-opt 2: {0:?}")]
    Value(String),
    /// A profile that is none. The words are dockerd's.
    #[error("Decoding seccomp profile failed: {0}")]
    Profile(String),
}

/// Notes the options in the record. Labels need SELinux: without it they change nothing, as with
/// dockerd on such a host.
///
/// # Errors
/// [`BadSecurityOpt`].
pub fn apply(record: &mut Record, host: &HostConfig) -> Result<(), BadSecurityOpt> {
    for option in host.security_opt.iter().flatten() {
        if option == "no-new-privileges" {
            record.no_new_privileges = true;
            continue;
        }
        if option == "disable" {
            continue;
        }
        let Some((key, value)) = option.split_once('=').or_else(|| option.split_once(':')) else {
            return Err(BadSecurityOpt::Shape(option.clone()));
        };
        match key {
            "label" => {}
            "apparmor" => value.clone_into(&mut record.app_armor_profile),
            "seccomp" => value.clone_into(&mut record.seccomp_profile),
            "no-new-privileges" => {
                record.no_new_privileges =
                    crate::flags::truth(value).ok_or_else(|| BadSecurityOpt::Value(option.clone()))?;
            }
            _ => return Err(BadSecurityOpt::Value(option.clone())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(options: &[&str]) -> Result<Record, BadSecurityOpt> {
        let security_opt = Some(options.iter().map(|option| (*option).to_owned()).collect());
        let mut record = Record::default();
        apply(&mut record, &HostConfig { security_opt, ..HostConfig::new() })?;
        Ok(record)
    }

    #[test]
    fn options_are_noted_in_the_record() {
        let record = applied(&["no-new-privileges", "seccomp=unconfined", "label=disable"]).expect("options");
        assert!(record.no_new_privileges);
        assert_eq!(record.seccomp_profile, "unconfined");
        assert!(!applied(&["no-new-privileges=false"]).expect("options").no_new_privileges);
    }

    #[test]
    fn what_means_nothing_is_refused_in_dockerds_words() {
        let words = |option| applied(&[option]).expect_err(option).to_string();
        assert_eq!(words("bogus"), "invalid --security-opt 1: \"bogus\"");
        assert_eq!(words("bogus=1"), "invalid --security-opt 2: \"bogus=1\"");
        assert_eq!(words("no-new-privileges=x"), "invalid --security-opt 2: \"no-new-privileges=x\"");
    }
}
