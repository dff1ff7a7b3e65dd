//! A profile of the user's own, in Docker's format: rules that hold only with some capabilities,
//! on some machines or kernels, resolved for this container.
//!
//! moby 20.10, profiles/seccomp/seccomp_linux.go `LoadProfile`, `setupSeccomp`.

use std::collections::HashSet;

use oci_spec::runtime::{Capability, LinuxSeccomp};
use serde_json::{Map, Value, json};

use super::docker_default::{MACHINE, version};

/// Reads a profile.
///
/// # Errors
/// In words, when it is no JSON, or means nothing to a kernel.
pub fn parse(text: &str, bounding: &HashSet<Capability>, kernel: (u32, u32)) -> Result<LinuxSeccomp, String> {
    let profile: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let given = |key: &str| profile.get(key).filter(|value| !value.is_null());
    let list = |key: &str| given(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (plain, mapped) = (list("architectures"), list("archMap"));
    if !plain.is_empty() && !mapped.is_empty() {
        return Err("'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' \
                    or 'archMap'"
            .to_owned());
    }
    let mut seccomp = json!({ "defaultAction": given("defaultAction").cloned().unwrap_or_default() });
    for key in ["defaultErrnoRet", "flags"] {
        if let Some(value) = given(key) {
            seccomp[key] = value.clone();
        }
    }
    seccomp["architectures"] = if mapped.is_empty() { plain } else { own_architectures(&mapped) }.into();
    let mut rules = Vec::new();
    for rule in list("syscalls") {
        rules.extend(resolved(&rule, bounding, kernel)?);
    }
    seccomp["syscalls"] = rules.into();
    serde_json::from_value(seccomp).map_err(|error| error.to_string())
}

/// The entry of this machine: its architecture, then those below it.
fn own_architectures(map: &[Value]) -> Vec<Value> {
    let own = if cfg!(target_arch = "aarch64") { "SCMP_ARCH_AARCH64" } else { "SCMP_ARCH_X86_64" };
    let entry = map.iter().find(|entry| entry["architecture"] == own);
    let below = entry.and_then(|entry| entry["subArchitectures"].as_array()).cloned().unwrap_or_default();
    entry.map(|entry| entry["architecture"].clone()).into_iter().chain(below).collect()
}

fn resolved(rule: &Value, bounding: &HashSet<Capability>, kernel: (u32, u32)) -> Result<Option<Value>, String> {
    let words = |of: &Value, key: &str| -> Vec<String> {
        of[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (includes, excludes) = (&rule["includes"], &rule["excludes"]);
    let here = |list: &[String]| list.iter().any(|machine| machine == MACHINE);
    let has = |name: &String| bounding.iter().any(|cap| name.strip_prefix("CAP_") == Some(&cap.to_string()));
    let at_least = |of: &Value| -> Result<Option<bool>, String> {
        let text = match of["minKernel"].as_str() {
            None | Some("") => return Ok(None),
            Some(text) => text,
        };
        version(text).map(|least| Some(kernel >= least)).ok_or_else(|| format!("invalid kernel version: {text}"))
    };
    let excluded = here(&words(excludes, "arches"))
        || words(excludes, "caps").iter().any(has)
        || at_least(excludes)?.unwrap_or(false);
    let machines = words(includes, "arches");
    let included = (machines.is_empty() || here(&machines))
        && words(includes, "caps").iter().all(has)
        && at_least(includes)?.unwrap_or(true);
    if excluded || !included {
        return Ok(None);
    }
    let mut names = words(rule, "names");
    match rule["name"].as_str().filter(|name| !name.is_empty()) {
        Some(_) if !names.is_empty() => {
            return Err("'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'".into());
        }
        Some(name) => names.push(name.to_owned()),
        None => {}
    }
    let mut kept = json!({"names": names, "action": rule["action"]});
    for key in ["errnoRet", "args"] {
        if rule[key].as_array().is_none_or(|list| !list.is_empty()) && !rule[key].is_null() {
            kept[key] = rule[key].clone();
        }
    }
    Ok(Some(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, caps: &[Capability], kernel: (u32, u32)) -> Result<Vec<String>, String> {
        let profile = parse(text, &caps.iter().copied().collect(), kernel)?;
        Ok(profile.syscalls().iter().flatten().flat_map(|rule| rule.names().clone()).collect())
    }

    const PROFILE: &str = r#"{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}], "syscalls": [
        {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "", "includes": {}, "excludes": {}},
        {"name": "ptrace", "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
        {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390"]}}]}"#;

    #[test]
    fn a_rule_holds_for_some_capabilities_and_kernels_only() {
        assert_eq!(names(PROFILE, &[], (6, 1)).expect("a profile"), ["read", "write", "ptrace", "clone"]);
        assert_eq!(names(PROFILE, &[Capability::SysAdmin], (4, 7)).expect("a profile"), ["read", "write", "bpf"]);
    }

    #[test]
    fn what_is_no_profile_is_said() {
        assert!(names("nonsense", &[], (6, 1)).is_err());
        let both = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "a", "names": ["b"], "action": "SCMP_ACT_ALLOW"}]}"#;
        assert!(names(both, &[], (6, 1)).expect_err("both").contains("use either 'name' or 'names'"));
    }
}
