//! Capabilities, set exactly as a container's process says: what it does not name is dropped.

use std::collections::HashSet;

use caps::{CapSet, CapsHashSet};
use oci_spec::runtime::{Capabilities, LinuxCapabilities};

/// No capability in any set. (The type's own default is three of them.)
pub(super) fn none() -> LinuxCapabilities {
    let mut none = LinuxCapabilities::default();
    none.set_bounding(None).set_effective(None).set_permitted(None).set_inheritable(None).set_ambient(None);
    none
}

/// Sets all five sets of the calling thread. Needs CAP_SETPCAP until it is done.
///
/// runc, capabilities_linux.go `ApplyBoundingSet` and `ApplyCaps`. Capabilities we do not hold
/// cannot be given: that is an error.
pub(super) fn apply(wanted: &LinuxCapabilities) -> Result<(), String> {
    drop_bounding(&named(wanted.bounding()))?;
    let set = |which, value: &CapsHashSet| caps::set(None, which, value).map_err(|error| plain(&error));
    caps::clear(None, CapSet::Ambient).map_err(|error| plain(&error))?;
    // Inheritable may only hold what is permitted now, effective only what will be permitted.
    set(CapSet::Inheritable, &named(wanted.inheritable()))?;
    set(CapSet::Effective, &named(wanted.effective()))?;
    set(CapSet::Permitted, &named(wanted.permitted()))?;
    for cap in named(wanted.ambient()) {
        caps::raise(None, CapSet::Ambient, cap).map_err(|error| plain(&error))?;
    }
    Ok(())
}

fn drop_bounding(keep: &CapsHashSet) -> Result<(), String> {
    let now = caps::read(None, CapSet::Bounding).map_err(|error| plain(&error))?;
    now.difference(keep).try_for_each(|cap| caps::drop(None, CapSet::Bounding, *cap)).map_err(|error| plain(&error))
}

fn named(set: &Option<Capabilities>) -> CapsHashSet {
    let names = set.iter().flatten().map(|cap| format!("CAP_{cap}"));
    names.filter_map(|name| name.parse().ok()).collect::<HashSet<_>>()
}

/// The crate's errors end in Rust's words for an error number.
fn plain(error: &caps::errors::CapsError) -> String {
    let text = error.to_string();
    let permission = text.contains("(os error 1)") || text.contains("Operation not permitted");
    if permission { "operation not permitted".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::Capability;

    use super::*;

    #[test]
    fn every_capability_of_a_specification_has_its_name_in_the_kernels_words() {
        let set = HashSet::from([Capability::CheckpointRestore, Capability::Bpf, Capability::Chown]);
        assert_eq!(named(&Some(set)).len(), 3);
        assert!(named(&None).is_empty());
    }

    #[test]
    fn no_rights_are_really_none() {
        assert!([none().bounding(), none().ambient(), none().inheritable()].iter().all(|set| set.is_none()));
    }
}
