//! The compiled program, run by a small interpreter, against the profile read naively.

use std::collections::HashSet;

use oci_spec::runtime::{LinuxSeccompArgBuilder, LinuxSeccompBuilder, LinuxSyscallBuilder};

use super::*;
use crate::seccomp::docker_default;

const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0001;

/// What the kernel would answer.
fn run(program: &[FilterInsn], audit: u32, number: u32, args: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_le_bytes());
    data.extend(audit.to_le_bytes());
    data.extend([0; 8]);
    args.iter().for_each(|arg| data.extend(arg.to_le_bytes()));
    let (mut at, mut value, mut steps) = (0, 0_u32, 0);
    loop {
        let FilterInsn { code, jt, jf, k } = program[at];
        at += 1;
        steps += 1;
        assert!(steps < 60, "a search takes few steps");
        let branch = |yes: bool| usize::from(if yes { jt } else { jf });
        match code {
            LOAD => value = u32::from_le_bytes(data[k as usize..k as usize + 4].try_into().expect("four bytes")),
            AND => value &= k,
            JUMP => at += k as usize,
            EQUAL => at += branch(value == k),
            GREATER => at += branch(value > k),
            AT_LEAST => at += branch(value >= k),
            RETURN => return k,
            _ => panic!("unknown instruction {code:#x}"),
        }
    }
}

/// What the profile says, rule by rule.
fn naive(profile: &LinuxSeccomp, abi: &Abi, number: u32, args: [u64; 6]) -> u32 {
    let holds = |arg: &LinuxSeccompArg| {
        let value = args[arg.index()];
        match arg.op() {
            Op::ScmpCmpEq => value == arg.value(),
            Op::ScmpCmpNe => value != arg.value(),
            Op::ScmpCmpGt => value > arg.value(),
            Op::ScmpCmpGe => value >= arg.value(),
            Op::ScmpCmpLt => value < arg.value(),
            Op::ScmpCmpLe => value <= arg.value(),
            Op::ScmpCmpMaskedEq => value & arg.value() == arg.value_two().unwrap_or(0),
        }
    };
    let about = |rule: &&LinuxSyscall| rule.names().iter().any(|name| abi.number(name) == Some(number));
    let rules = profile.syscalls().iter().flatten().filter(about);
    let hit = rules.clone().find(|rule| rule.args().iter().flatten().all(&holds));
    hit.map_or(EPERM, |rule| answer(rule.action(), rule.errno_ret()).expect("supported"))
}

#[test]
fn every_number_of_every_machine_gets_the_profiles_answer() {
    let profile = docker_default(&HashSet::new(), (6, 1));
    let program = compile(&profile).expect("enforceable");
    assert!(program.len() < 1000, "{}", program.len());
    let calls = [[0; 6], [8, 0, 0, 0, 0, 0], [0xffff_ffff, 0, 0, 0, 0, 0], [u64::MAX; 6], [0x0200_0000, 0, 0, 0, 0, 0]];
    for arch in [Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32] {
        let abi = Abi::of(arch).expect("a table");
        for number in (0..1000).chain([5000, X32_BIT - 1]).map(|number| number | abi.bit) {
            for args in calls {
                let (ours, wanted) = (run(&program, abi.audit, number, args), naive(&profile, &abi, number, args));
                assert_eq!(ours, wanted, "{arch:?} {number:#x} {args:x?}");
            }
        }
    }
}

#[test]
fn another_machines_calls_kill() {
    let program = compile(&docker_default(&HashSet::new(), (6, 1))).expect("enforceable");
    assert_eq!(run(&program, 0xc000_00b7, 0, [0; 6]), KILL);
}

fn profile(otherwise: Action, arches: &[Arch], rules: Vec<LinuxSyscall>) -> LinuxSeccomp {
    LinuxSeccompBuilder::default()
        .default_action(otherwise)
        .architectures(arches.to_vec())
        .syscalls(rules)
        .build()
        .expect("a profile")
}

fn rule_for(name: &str, action: Action, args: Vec<LinuxSeccompArg>) -> LinuxSyscall {
    LinuxSyscallBuilder::default().names([name.to_owned()]).action(action).args(args).build().expect("a rule")
}

fn arg(index: usize, op: Op, value: u64) -> LinuxSeccompArg {
    LinuxSeccompArgBuilder::default().index(index).op(op).value(value).build().expect("a condition")
}

#[test]
fn x32_calls_kill_where_x32_is_not_named() {
    let only = profile(Action::ScmpActAllow, &[Arch::ScmpArchX86_64], Vec::new());
    let program = compile(&only).expect("enforceable");
    assert_eq!(run(&program, 0xc000_003e, 0, [0; 6]), ALLOW);
    assert_eq!(run(&program, 0xc000_003e, X32_BIT, [0; 6]), KILL);
    assert_eq!(run(&program, 0xc000_003e, u32::MAX, [0; 6]), KILL);
}

#[test]
fn comparisons_are_of_64_bits() {
    let far = 0x1_0000_0005;
    for op in [Op::ScmpCmpEq, Op::ScmpCmpNe, Op::ScmpCmpGt, Op::ScmpCmpGe, Op::ScmpCmpLt, Op::ScmpCmpLe] {
        let rules = vec![rule_for("read", Action::ScmpActAllow, vec![arg(2, op, far)])];
        let one = profile(Action::ScmpActErrno, &[Arch::ScmpArchX86_64], rules);
        let (program, abi) = (compile(&one).expect("enforceable"), Abi::of(Arch::ScmpArchX86_64).expect("a table"));
        for value in [0, 5, far - 1, far, far + 1, 0x2_0000_0000, u64::MAX] {
            let args = [0, 0, value, 0, 0, 0];
            assert_eq!(run(&program, abi.audit, 0, args), naive(&one, &abi, 0, args), "{op:?} {value:#x}");
        }
    }
}

#[test]
fn conditions_on_one_argument_are_alternatives_and_on_two_are_not() {
    let both = vec![arg(0, Op::ScmpCmpEq, 1), arg(1, Op::ScmpCmpEq, 2)];
    let either = vec![arg(0, Op::ScmpCmpEq, 1), arg(0, Op::ScmpCmpEq, 2)];
    let rules = vec![rule_for("read", Action::ScmpActAllow, both), rule_for("write", Action::ScmpActAllow, either)];
    let program = compile(&profile(Action::ScmpActErrno, &[Arch::ScmpArchX86_64], rules)).expect("enforceable");
    let ask = |number, first, second| run(&program, 0xc000_003e, number, [first, second, 0, 0, 0, 0]);
    assert_eq!([ask(0, 1, 2), ask(0, 1, 3), ask(0, 2, 2)], [ALLOW, EPERM, EPERM]);
    assert_eq!([ask(1, 1, 0), ask(1, 2, 0), ask(1, 3, 0)], [ALLOW, ALLOW, EPERM]);
}

#[test]
fn what_cannot_be_enforced_is_refused() {
    let try_one =
        |otherwise, rule| compile(&profile(otherwise, &[Arch::ScmpArchX86_64], vec![rule])).expect_err("refused");
    let open = Action::ScmpActAllow;
    assert_eq!(
        try_one(open, rule_for("no_such_call", Action::ScmpActErrno, Vec::new())),
        Unenforceable::Name("no_such_call".to_owned())
    );
    assert!(matches!(try_one(open, rule_for("read", Action::ScmpActNotify, Vec::new())), Unenforceable::Action(_)));
    assert!(matches!(
        try_one(open, rule_for("read", Action::ScmpActErrno, vec![arg(6, Op::ScmpCmpEq, 0)])),
        Unenforceable::Argument(6)
    ));
    let mips = profile(open, &[Arch::ScmpArchMips], Vec::new());
    assert_eq!(compile(&mips), Err(Unenforceable::Machine));
}
