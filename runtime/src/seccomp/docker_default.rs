//! Docker's default profile, resolved for the capabilities, machine and kernel at hand.
//!
//! moby 20.10.24, profiles/seccomp/seccomp_linux.go `setupSeccomp`: rules keep their order, and
//! capabilities are looked up in the *bounding* set.

use std::collections::HashSet;

use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompBuilder,
    LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};

const TABLE: &str = include_str!("docker_default.txt");

/// The profile dockerd 20.10.24 would write into the OCI configuration of a container with these
/// bounding capabilities, on this machine and a kernel of this version.
pub fn docker_default(bounding: &HashSet<Capability>, kernel: (u32, u32)) -> LinuxSeccomp {
    let syscalls = rules().filter(|rule| rule.holds(bounding, kernel)).map(Rule::into_syscall).collect::<Vec<_>>();
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .architectures(architectures())
        .syscalls(syscalls)
        .build()
        .expect("every field but the default action is optional")
}

fn architectures() -> Vec<Arch> {
    if cfg!(target_arch = "aarch64") {
        vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm]
    } else {
        vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32]
    }
}

/// This machine, as the table spells it.
pub(super) const MACHINE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// One rule of the table, its names still to come.
struct Rule {
    head: &'static str,
    names: Vec<&'static str>,
}

fn rules() -> impl Iterator<Item = Rule> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let mut rules: Vec<Rule> = Vec::new();
    for line in lines {
        match (line.strip_prefix(' '), rules.last_mut()) {
            (Some(names), Some(rule)) => rule.names.extend(names.split_whitespace()),
            _ => rules.push(Rule { head: line, names: Vec::new() }),
        }
    }
    rules.into_iter()
}

impl Rule {
    fn holds(&self, bounding: &HashSet<Capability>, kernel: (u32, u32)) -> bool {
        let has = |name: &str| bounding.iter().any(|cap| name.strip_prefix("CAP_") == Some(&cap.to_string()));
        let here = |list: &str| list.split(',').any(|machine| machine == MACHINE);
        self.words().all(|word| match word.split_at(1) {
            ("+", cap) => has(cap),
            ("-", cap) => !has(cap),
            _ => match word.split_once('=') {
                Some(("on", list)) => here(list),
                Some(("not", list)) => !here(list),
                Some(("kernel", least)) => kernel >= version(least).expect("the table is tested"),
                _ => true,
            },
        })
    }

    fn words(&self) -> impl Iterator<Item = &'static str> {
        self.head.split(' ')
    }

    fn into_syscall(self) -> LinuxSyscall {
        let names = self.names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut syscall = LinuxSyscallBuilder::default()
            .names(names)
            .action(LinuxSeccompAction::ScmpActAllow)
            .build()
            .expect("names and action are all it needs");
        if let Some(errno) = self.words().find_map(|word| word.strip_prefix("errno=")) {
            syscall.set_action(LinuxSeccompAction::ScmpActErrno);
            syscall.set_errno_ret(errno.parse().ok());
        }
        let args: Vec<_> = self.words().filter_map(|word| word.strip_prefix("arg")).map(condition).collect();
        syscall.set_args((!args.is_empty()).then_some(args));
        syscall
    }
}

/// `0=0x8` or `0&0x7e020000`.
fn condition(word: &str) -> LinuxSeccompArg {
    let at = word.find(['=', '&']).expect("the table is tested");
    let (index, value) = (&word[..at], &word[at + 1..]);
    let op = if word[at..].starts_with('=') {
        LinuxSeccompOperator::ScmpCmpEq
    } else {
        // The value is the mask; what must be left, `valueTwo`, is absent and therefore 0.
        LinuxSeccompOperator::ScmpCmpMaskedEq
    };
    LinuxSeccompArgBuilder::default()
        .index(index.parse::<usize>().expect("the table is tested"))
        .value(u64::from_str_radix(value.trim_start_matches("0x"), 16).expect("the table is tested"))
        .op(op)
        .build()
        .expect("index, value and operator are all it needs")
}

/// `4.8` and also `6.1.0-13-amd64`: the first two numbers.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> HashSet<Capability> {
        use Capability::*;
        HashSet::from([
            Chown,
            DacOverride,
            Fsetid,
            Fowner,
            Mknod,
            NetRaw,
            Setgid,
            Setuid,
            Setfcap,
            Setpcap,
            NetBindService,
            SysChroot,
            Kill,
            AuditWrite,
        ])
    }

    fn names(profile: &LinuxSeccomp) -> usize {
        profile.syscalls().iter().flatten().map(|rule| rule.names().len()).sum()
    }

    #[test]
    fn a_default_container_gets_what_dockerd_gives_it() {
        let golden = include_str!("fixtures/dockerd-20.10.24-default.json");
        let dockerd: LinuxSeccomp = serde_json::from_str(golden).expect("dockerd's own");
        assert_eq!(docker_default(&defaults(), (6, 1)), dockerd);
        assert_eq!(serde_json::to_string(&docker_default(&defaults(), (6, 1))).expect("JSON"), golden);
    }

    #[test]
    fn sys_admin_opens_mount_and_closes_no_clone() {
        let mut caps = defaults();
        caps.insert(Capability::SysAdmin);
        let profile = docker_default(&caps, (6, 1));
        // Counted in what dockerd 20.10.24 wrote with --cap-add SYS_ADMIN.
        assert_eq!(profile.syscalls().as_ref().map(Vec::len), Some(11));
        let rules: Vec<_> =
            profile.syscalls().iter().flatten().filter(|r| r.names().contains(&"clone".into())).collect();
        assert!(matches!(&rules[..], [rule] if rule.args().is_none()), "{rules:?}");
    }

    #[test]
    fn an_old_kernel_has_no_ptrace() {
        let (old, new) = (docker_default(&defaults(), (4, 7)), docker_default(&defaults(), (4, 8)));
        assert_eq!(names(&old) + 1, names(&new));
    }

    #[test]
    fn a_kernels_name_starts_with_its_version() {
        assert_eq!(version("6.1.0-13-amd64"), Some((6, 1)));
        assert_eq!(version("linux"), None);
    }
}
