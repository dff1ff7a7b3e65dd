//! The numbers of system calls: one table per way of entering the kernel that a filter must know.

use std::str::FromStr;

use oci_spec::runtime::Arch;

/// The bit that marks a call of the x32 ABI, which the kernel reports as x86_64.
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// One way of entering the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Abi {
    /// What `seccomp_data.arch` says.
    pub audit: u32,
    /// Added to every number.
    pub bit: u32,
    number: fn(&str) -> Option<u32>,
}

impl Abi {
    /// The tables we have. `None`: a call by that ABI cannot be told apart, and is killed.
    pub fn of(arch: Arch) -> Option<Self> {
        match arch {
            Arch::ScmpArchNative if cfg!(target_arch = "aarch64") => Self::of(Arch::ScmpArchAarch64),
            Arch::ScmpArchNative | Arch::ScmpArchX86_64 => Some(Self { audit: 0xc000_003e, bit: 0, number: x86_64 }),
            Arch::ScmpArchX86 => Some(Self { audit: 0x4000_0003, bit: 0, number: x86 }),
            Arch::ScmpArchX32 => Some(Self { audit: 0xc000_003e, bit: X32_BIT, number: x32 }),
            Arch::ScmpArchAarch64 => Some(Self { audit: 0xc000_00b7, bit: 0, number: aarch64 }),
            _ => None,
        }
    }

    /// The number of a call, if this ABI has it.
    pub fn number(&self, name: &str) -> Option<u32> {
        (self.number)(name).map(|number| number | self.bit)
    }
}

/// Whether any machine we know has a call of this name.
pub(super) fn is_known(name: &str) -> bool {
    [x86_64, x86, x32, aarch64].iter().any(|table| table(name).is_some())
}

fn x86_64(name: &str) -> Option<u32> {
    syscalls::x86_64::Sysno::from_str(name).ok().map(|number| number as u32)
}

fn x86(name: &str) -> Option<u32> {
    syscalls::x86::Sysno::from_str(name).ok().map(|number| number as u32)
}

fn aarch64(name: &str) -> Option<u32> {
    syscalls::aarch64::Sysno::from_str(name).ok().map(|number| number as u32)
}

/// Linux, arch/x86/entry/syscalls/syscall_64.tbl: x32 has most calls of x86_64 at their numbers;
/// those whose arguments hold pointers or longs in memory are at numbers of their own, from 512.
fn x32(name: &str) -> Option<u32> {
    let own = X32_OWN.iter().position(|own| *own == name).and_then(|at| u32::try_from(at).ok());
    match own {
        Some(at) => Some(512 + at),
        None if NOT_ON_X32.contains(&name) => None,
        None => x86_64(name),
    }
}

const X32_OWN: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// Marked `64` in the same table, with no counterpart.
const NOT_ON_X32: [&str; 10] = [
    "uselib",
    "_sysctl",
    "create_module",
    "get_kernel_syms",
    "query_module",
    "nfsservctl",
    "set_thread_area",
    "get_thread_area",
    "epoll_ctl_old",
    "epoll_wait_old",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_number_of_each_abi() {
        let number = |arch, name| Abi::of(arch).and_then(|abi| abi.number(name));
        assert_eq!(number(Arch::ScmpArchX86_64, "execve"), Some(59));
        assert_eq!(number(Arch::ScmpArchX86, "execve"), Some(11));
        assert_eq!(number(Arch::ScmpArchX32, "execve"), Some(X32_BIT | 520));
        assert_eq!(number(Arch::ScmpArchX32, "pwritev2"), Some(X32_BIT | 547));
        assert_eq!(number(Arch::ScmpArchX32, "read"), Some(X32_BIT));
        assert_eq!(number(Arch::ScmpArchX86_64, "socketcall"), None);
        assert_eq!(number(Arch::ScmpArchAarch64, "execve"), Some(221));
    }

    /// A new name in the profile that our tables do not know would silently be refused to
    /// containers; this list says which are, and why: they are other machines' calls.
    #[test]
    fn the_profile_has_no_other_unknown_names() {
        let table = include_str!("docker_default.txt");
        let names = table.lines().filter(|line| line.starts_with(' ')).flat_map(str::split_whitespace);
        let mut unknown: Vec<_> = names.filter(|name| !is_known(name)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        assert_eq!(
            unknown,
            [
                "arm_fadvise64_64",
                "arm_sync_file_range",
                "breakpoint",
                "cacheflush",
                "recv",
                "s390_pci_mmio_read",
                "s390_pci_mmio_write",
                "s390_runtime_instr",
                "send",
                "set_tls",
                "sync_file_range2"
            ]
        );
    }
}
