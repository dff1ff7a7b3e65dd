//! From the OCI configuration as dockerd would write it to one that libcontainer carries out as
//! runc would: what it does wrongly is taken out and done by our executor, or said differently.
//!
//! | taken out | why (trap) |
//! |---|---|
//! | capabilities, seccomp | libcontainer loads the filter when the right to is gone (T2), never for exec (T3) |
//! | working directory | a missing one is an error there, made by runc (T12) |
//! | the cgroup mount, on v1 | its `ro` is ignored (T1): read-only binds instead |
//! | limits we may not set | the whole start would fail with `io error` (T11) |

use std::path::Path;

use nix::errno::Errno;
use oci_spec::runtime::{Linux, LinuxNamespaceType, Mount, MountBuilder, PosixRlimit, Process, Spec};

use super::StartError;
use crate::{
    cgroup::{Hierarchy, hierarchies},
    executor::go_text,
    seccomp,
};

/// What the host is like, as far as it matters here.
pub(super) struct Host {
    pub hierarchies: Vec<Hierarchy>,
    /// Without CAP_SYS_RESOURCE limits can only be lowered.
    pub may_raise_limits: bool,
    /// The hard limit of a resource.
    pub hard_limit: fn(u32) -> Option<u64>,
    /// Whether there is such a file below `/proc/sys`.
    pub has_sysctl: fn(&Path) -> bool,
}

impl Host {
    /// This one.
    pub fn here() -> sys::Result<Self> {
        let may = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_RESOURCE);
        Ok(Self {
            hierarchies: hierarchies()?,
            may_raise_limits: may.unwrap_or(false),
            hard_limit: sys::process::hard_limit,
            has_sysctl: Path::exists,
        })
    }
}

/// What libcontainer is told, and our own part.
pub(super) struct Bundle {
    pub spec: Spec,
    pub process: Process,
    pub filter: Option<Vec<sys::process::FilterInsn>>,
    pub shares_pids: bool,
}

/// Takes a configuration apart.
pub(super) fn take_apart(mut spec: Spec, host: &Host) -> Result<Bundle, StartError> {
    let missing = |what: &str| StartError::shim(&format!("configuration has no {what}"));
    let process = with_home(spec.process().clone().ok_or_else(|| missing("process"))?);
    let mut linux = spec.linux().clone().ok_or_else(|| missing("linux"))?;
    check_hostname(&spec)?;
    check_sysctls(&linux, host)?;
    let told = tell(&process, host).map_err(|reason| StartError::create(&reason))?;

    let filter = linux.seccomp().as_ref().map(seccomp::compile).transpose();
    let filter = filter.map_err(|error| StartError::create(&format!("error during container init: {error}")))?;
    linux.set_seccomp(None);
    let own_pids = linux
        .namespaces()
        .iter()
        .flatten()
        .any(|namespace| namespace.typ() == LinuxNamespaceType::Pid && namespace.path().is_none());
    if let Some(path) = linux.cgroups_path().clone() {
        let mounts = spec.mounts().clone().unwrap_or_default();
        spec.set_mounts(Some(show_cgroups(mounts, &path, &host.hierarchies)));
    }
    spec.set_process(Some(told)).set_linux(Some(linux));
    Ok(Bundle { spec, process, filter, shares_pids: !own_pids })
}

/// What libcontainer is told of a process; `Err` with runc's words for what it may not do.
pub(super) fn tell(process: &Process, host: &Host) -> Result<Process, String> {
    let mut told = process.clone();
    told.set_capabilities(None);
    told.set_no_new_privileges(process.no_new_privileges().filter(|wanted| *wanted));
    told.set_cwd("/".into());
    check_limits(process.rlimits().iter().flatten(), host)?;
    if process.oom_score_adj().is_some_and(|score| score < 0) && !host.may_raise_limits {
        let reason = go_text(&Errno::EACCES.into());
        return Err(format!("error during container init: write /proc/self/oom_score_adj: {reason}"));
    }
    Ok(told)
}

/// With HOME in the environment libcontainer does not look for it with the image's NSS (T10). Who
/// knows the user puts it there; `/` is what runc gives to one it cannot find.
pub(super) fn with_home(mut process: Process) -> Process {
    let mut env = process.env().clone().unwrap_or_default();
    if !env.iter().any(|entry| entry.starts_with("HOME=")) {
        env.push("HOME=/".to_owned());
    }
    process.set_env(Some(env));
    process
}

/// runc 1.1.5, init_linux.go `setupRlimits`.
fn check_limits<'a>(limits: impl Iterator<Item = &'a PosixRlimit>, host: &Host) -> Result<(), String> {
    for limit in limits {
        let number = limit.typ() as u32;
        let refused = if limit.soft() > limit.hard() {
            Some(Errno::EINVAL)
        } else if !host.may_raise_limits && (host.hard_limit)(number).is_some_and(|most| limit.hard() > most) {
            Some(Errno::EPERM)
        } else {
            None
        };
        if let Some(errno) = refused {
            let reason = go_text(&errno.into());
            return Err(format!(
                "error during container init: error setting rlimits for ready process: \
                 error setting rlimit type {number}: {reason}"
            ));
        }
    }
    Ok(())
}

/// Linux, uts: 64 bytes.
fn check_hostname(spec: &Spec) -> Result<(), StartError> {
    let too_long = spec.hostname().as_ref().is_some_and(|name| name.len() > 64);
    let error = || StartError::create("error during container init: sethostname: invalid argument");
    if too_long { Err(error()) } else { Ok(()) }
}

/// libcontainer does not say which one is missing.
fn check_sysctls(linux: &Linux, host: &Host) -> Result<(), StartError> {
    let paths = linux.sysctl().iter().flatten().map(|(name, _)| Path::new("/proc/sys").join(name.replace('.', "/")));
    let mut missing = paths.filter(|path| !(host.has_sysctl)(path));
    let reason = go_text(&Errno::ENOENT.into());
    let refuse = |path: std::path::PathBuf| {
        StartError::create(&format!("error during container init: open {}: {reason}", path.display()))
    };
    missing.next().map_or(Ok(()), |path| Err(refuse(path)))
}

/// Replaces a cgroup mount by what runc mounts on v1: a small tmpfs, and in it the container's own
/// group of each hierarchy, read-only if the mount is to be. On v2 libcontainer does it right.
fn show_cgroups(mounts: Vec<Mount>, group: &Path, hierarchies: &[Hierarchy]) -> Vec<Mount> {
    if !hierarchies.iter().any(Hierarchy::is_shown) {
        return mounts;
    }
    let is_cgroup = |mount: &Mount| mount.typ().as_deref() == Some("cgroup");
    mounts
        .into_iter()
        .flat_map(|mount| if is_cgroup(&mount) { shown(&mount, group, hierarchies) } else { vec![mount] })
        .collect()
}

fn shown(mount: &Mount, group: &Path, hierarchies: &[Hierarchy]) -> Vec<Mount> {
    let read_only = mount.options().iter().flatten().any(|option| option == "ro");
    let options = |list: &[&str]| list.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>();
    // runc leaves the tmpfs itself writable, and dockerd's containers have it so.
    let ground = MountBuilder::default()
        .destination(mount.destination())
        .typ("tmpfs")
        .source("tmpfs")
        .options(options(&["nosuid", "noexec", "nodev", "mode=755"]));
    let mut all = vec![ground.build().expect("nothing is required")];
    let below = group.strip_prefix("/").unwrap_or(group);
    let access = if read_only { "ro" } else { "rw" };
    for hierarchy in hierarchies.iter().filter(|hierarchy| hierarchy.is_shown()) {
        for name in hierarchy.names() {
            let bind = MountBuilder::default()
                .destination(mount.destination().join(name))
                .typ("bind")
                .source(hierarchy.mount.join(below))
                .options(options(&["bind", access, "nosuid", "noexec", "nodev"]));
            all.push(bind.build().expect("nothing is required"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::{PosixRlimitBuilder, PosixRlimitType, SpecBuilder};

    use super::*;
    use crate::cgroup::Version;

    fn host() -> Host {
        let hierarchies = vec![
            Hierarchy {
                mount: "/sys/fs/cgroup/memory".into(),
                version: Version::V1,
                controllers: vec!["memory".to_owned()],
            },
            Hierarchy { mount: "/sys/fs/cgroup/unified".into(), version: Version::V2, controllers: Vec::new() },
        ];
        Host { hierarchies, may_raise_limits: false, hard_limit: |_| Some(5000), has_sysctl: |_| true }
    }

    fn spec(process: Process) -> Spec {
        let mut spec = SpecBuilder::default().process(process).build().expect("a specification");
        let mut linux = spec.linux().clone().expect("has one");
        linux.set_cgroups_path(Some("/docker/x".into()));
        spec.set_linux(Some(linux));
        spec
    }

    #[test]
    fn libcontainer_is_told_of_no_rights_and_no_directory() {
        let mut process = Process::default();
        process.set_cwd("/work".into()).set_no_new_privileges(Some(false));
        let process = with_home(process);
        let bundle = take_apart(spec(process.clone()), &host()).expect("taken apart");
        let told = bundle.spec.process().as_ref().expect("has one");
        assert_eq!((told.capabilities(), told.no_new_privileges(), told.cwd()), (&None, None, &"/".into()));
        assert_eq!(bundle.process, process, "our executor is told everything");
    }

    #[test]
    fn the_groups_are_bound_read_only_on_v1_and_v2_is_left_alone() {
        let bundle = take_apart(spec(Process::default()), &host()).expect("taken apart");
        let mounts = bundle.spec.mounts().clone().expect("has some");
        let bind = mounts.iter().find(|mount| mount.destination() == Path::new("/sys/fs/cgroup/memory"));
        let bind = bind.expect("bound");
        assert_eq!(bind.source().as_deref(), Some(Path::new("/sys/fs/cgroup/memory/docker/x")));
        assert!(bind.options().iter().flatten().any(|option| option == "ro"));
        assert!(!mounts.iter().any(|mount| mount.typ().as_deref() == Some("cgroup")));
        let v2 = Host {
            hierarchies: vec![Hierarchy {
                mount: "/sys/fs/cgroup".into(),
                version: Version::V2,
                controllers: Vec::new(),
            }],
            ..host()
        };
        let untouched = spec(Process::default());
        let bundle = take_apart(untouched.clone(), &v2).expect("taken apart");
        assert_eq!(bundle.spec.mounts(), untouched.mounts());
    }

    #[test]
    fn a_limit_we_may_not_set_is_refused_in_runcs_words() {
        let limit = |soft: u64, hard: u64| {
            let built = PosixRlimitBuilder::default().typ(PosixRlimitType::RlimitNofile).soft(soft).hard(hard).build();
            let mut process = Process::default();
            process.set_rlimits(Some(vec![built.expect("a limit")]));
            tell(&process, &host())
        };
        assert!(limit(5000, 5000).is_ok());
        assert_eq!(
            limit(5001, 5001).expect_err("too high"),
            "error during container init: error setting rlimits for ready process: error setting rlimit type 7: \
             operation not permitted"
        );
        assert!(limit(2, 1).expect_err("upside down").ends_with("invalid argument"));
    }

    #[test]
    fn libcontainer_never_looks_for_a_home() {
        let mut process = Process::default();
        process.set_env(Some(vec!["A=1".to_owned()]));
        let bundle = take_apart(spec(process), &host()).expect("taken apart");
        let told = bundle.spec.process().as_ref().and_then(|process| process.env().clone());
        assert_eq!(told.expect("has one"), ["A=1", "HOME=/"]);
        assert_eq!(bundle.process.env().clone().expect("has one"), ["A=1", "HOME=/"]);
    }

    #[test]
    fn a_setting_this_kernel_has_not_is_named() {
        let mut with = spec(Process::default());
        let mut linux = with.linux().clone().expect("has one");
        linux.set_sysctl(Some([("net.foo.bar".to_owned(), "1".to_owned())].into()));
        with.set_linux(Some(linux));
        let host = Host { has_sysctl: |_| false, ..host() };
        let error = take_apart(with, &host).err().expect("refused");
        assert_eq!(error.exit_code, 127, "as dockerd's");
        assert!(error.message.contains("container init: open /proc/sys/net/foo/bar: no such file or directory: unk"));
    }

    #[test]
    fn an_own_pid_namespace_is_recognised() {
        let with = take_apart(spec(Process::default()), &host()).expect("taken apart");
        assert!(!with.shares_pids);
        let mut without = spec(Process::default());
        let mut linux = without.linux().clone().expect("has one");
        linux.set_namespaces(Some(Vec::new()));
        without.set_linux(Some(linux));
        assert!(take_apart(without, &host()).expect("taken apart").shares_pids);
    }
}
