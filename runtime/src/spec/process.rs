//! The `process` of a spec: of a container's init, and of what `exec` adds to it.

use containers::{HostConfig, Record};
use serde_json::{Value, json};

use super::{SpecError, env};
use crate::{caps, user::User};

/// All a process depends on.
#[derive(Debug)]
pub struct ProcessPlan<'a> {
    /// The container.
    pub record: &'a Record,
    /// Its host config.
    pub host: &'a HostConfig,
    /// Who it is.
    pub user: &'a User,
    /// Executable and arguments.
    pub args: Vec<String>,
    /// AppArmor's profile for it, if the host has AppArmor.
    pub apparmor: Option<&'a str>,
}

/// The process as dockerd writes it.
///
/// # Errors
/// When a capability is unknown.
pub fn process(plan: &ProcessPlan<'_>) -> Result<Value, SpecError> {
    let ProcessPlan { record, host, user, .. } = plan;
    let config = &record.config;
    let mut process = json!({});
    if config.tty {
        process["terminal"] = true.into();
    }
    process["user"] = json!({"uid": user.uid, "gid": user.gid, "additionalGids": user.groups});
    process["args"] = json!(plan.args);
    process["env"] = env::environment(&config.hostname, config.tty, config.env.as_deref().unwrap_or_default()).into();
    process["cwd"] = if config.working_dir.is_empty() { "/" } else { config.working_dir.as_str() }.into();
    process["capabilities"] = capability_sets(capabilities(host)?, user.uid);
    if let Some(ulimits) = host.ulimits.as_ref().filter(|limits| !limits.is_empty()) {
        process["rlimits"] = ulimits
            .iter()
            .map(|limit| {
                // -1 is "no limit", the highest number.
                let (hard, soft) = (limit.hard as u64, limit.soft as u64);
                json!({"type": format!("RLIMIT_{}", limit.name.to_uppercase()), "hard": hard, "soft": soft})
            })
            .collect();
    }
    if record.no_new_privileges {
        process["noNewPrivileges"] = true.into();
    }
    if let Some(profile) = plan.apparmor {
        process["apparmorProfile"] = profile.into();
    }
    process["oomScoreAdj"] = host.oom_score_adj.into();
    if !record.process_label.is_empty() {
        process["selinuxLabel"] = record.process_label.as_str().into();
    }
    Ok(process)
}

/// What a container's processes may have at most.
pub(super) fn capabilities(host: &HostConfig) -> Result<Vec<String>, SpecError> {
    let list = |names: &Option<Vec<String>>| names.clone().unwrap_or_default();
    Ok(caps::tweak(&list(&host.cap_add), &list(&host.cap_drop), host.privileged)?)
}

/// Root has them; anybody else can only get them by executing a file that gives them.
///
/// moby 20.10, oci/oci.go `SetCapabilities`; inheritable ones are gone since 20.10.14.
pub(crate) fn capability_sets(names: Vec<String>, uid: u32) -> Value {
    let mut sets = json!({});
    // An empty list is left out, as by Go.
    if !names.is_empty() {
        sets["bounding"] = json!(names);
        if uid == 0 {
            sets["effective"] = json!(names);
            sets["permitted"] = json!(names);
        }
    }
    sets
}

/// An exec's process has a terminal or none whatever its container has, and TERM with it.
pub(crate) fn with_terminal(process: &mut Value, record: &Record, tty: bool) {
    let config = &record.config;
    if let Some(process) = process.as_object_mut() {
        process.shift_remove("terminal");
    }
    if tty {
        process["terminal"] = true.into();
    }
    process["env"] = env::environment(&config.hostname, tty, config.env.as_deref().unwrap_or_default()).into();
}

/// Adds or replaces variables, and what else `exec` says of its process.
pub(crate) fn with_env(process: &mut Value, more: &[String]) {
    let env = process["env"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    process["env"] = env::replace_or_append(env, more).into();
}
