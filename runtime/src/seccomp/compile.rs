//! From a profile to a program of the kernel's filter language (classic BPF).
//!
//! The program first looks at the machine word, then finds the call's number by binary search
//! over ranges with the same answer, so a call costs about ten instructions. What libseccomp and
//! runc decide is decided the same: a name no machine knows is skipped, conditions on one
//! argument are alternatives, on different arguments they must all hold, a call by an ABI that is
//! not in the profile kills.

use std::collections::BTreeMap;

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompOperator as Op, LinuxSyscall,
};
use sys::process::FilterInsn;

use super::abi::{Abi, X32_BIT, is_known};

/// Why a profile cannot be enforced as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unenforceable {
    /// The answer needs somebody who listens.
    #[error("seccomp action {0} is not supported")]
    Action(Action),
    /// The profile lets pass what it does not name, and names something we do not know.
    #[error("seccomp profile restricts {0}, which is not a known system call")]
    Name(String),
    /// Two unconditional rules disagree.
    #[error("seccomp profile has two answers for {0}")]
    Contradiction(String),
    /// A call has six arguments.
    #[error("seccomp profile speaks of argument {0}")]
    Argument(usize),
    /// No table for any of its machines.
    #[error("seccomp profile is for another machine")]
    Machine,
    /// The kernel takes 4096 instructions.
    #[error("seccomp profile needs {0} instructions")]
    TooLong(usize),
}

const KILL: u32 = 0;
const MOST: usize = 4096;

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const GREATER: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Compiles a profile.
///
/// # Errors
/// When the kernel's filters cannot say what the profile says.
pub fn compile(profile: &LinuxSeccomp) -> Result<Vec<FilterInsn>, Unenforceable> {
    let otherwise = answer(profile.default_action(), profile.default_errno_ret())?;
    let native = vec![Arch::ScmpArchNative];
    // None named is this machine's, as libseccomp begins.
    let named = profile.architectures().as_ref().filter(|named| !named.is_empty());
    let abis: Vec<Abi> = named.unwrap_or(&native).iter().filter_map(|arch| Abi::of(*arch)).collect();
    if abis.is_empty() {
        return Err(Unenforceable::Machine);
    }
    let mut machines: BTreeMap<u32, Calls> = BTreeMap::new();
    for abi in &abis {
        let calls = machines.entry(abi.audit).or_default();
        calls.abis.push(*abi);
        for rule in profile.syscalls().iter().flatten() {
            calls.add(abi, rule, otherwise)?;
        }
    }
    let program = dispatch(&machines, otherwise);
    if program.len() > MOST { Err(Unenforceable::TooLong(program.len())) } else { Ok(program) }
}

fn answer(action: Action, errno: Option<u32>) -> Result<u32, Unenforceable> {
    match action {
        Action::ScmpActNotify => Err(Unenforceable::Action(action)),
        Action::ScmpActErrno | Action::ScmpActTrace => Ok(action.as_u32(Some(errno.unwrap_or(1) & 0xffff))),
        _ => Ok(action.as_u32(None)),
    }
}

/// What is decided about the calls of one machine word.
#[derive(Default)]
struct Calls {
    abis: Vec<Abi>,
    by_number: BTreeMap<u32, Call>,
}

#[derive(Default)]
struct Call {
    always: Option<u32>,
    /// In order: the answer when all of these hold.
    when: Vec<(Vec<LinuxSeccompArg>, u32)>,
}

impl Calls {
    fn add(&mut self, abi: &Abi, rule: &LinuxSyscall, otherwise: u32) -> Result<(), Unenforceable> {
        let answer = answer(rule.action(), rule.errno_ret())?;
        for name in rule.names() {
            let Some(number) = abi.number(name) else {
                let lets_pass = [Action::ScmpActAllow.as_u32(None), Action::ScmpActLog.as_u32(None)];
                if !is_known(name) && lets_pass.contains(&otherwise) && !lets_pass.contains(&answer) {
                    return Err(Unenforceable::Name(name.clone()));
                }
                continue;
            };
            let call = self.by_number.entry(number).or_default();
            match rule.args().as_deref() {
                None | Some([]) if call.always.is_some_and(|before| before != answer) => {
                    return Err(Unenforceable::Contradiction(name.clone()));
                }
                None | Some([]) => call.always = Some(answer),
                Some(args) => call.when.extend(alternatives(args)?.into_iter().map(|all| (all, answer))),
            }
        }
        Ok(())
    }

    /// Ranges of numbers with the same answer, from 0, without gaps.
    fn ranges(&self, otherwise: u32) -> Vec<(u32, Block)> {
        let has = |bit: u32| self.abis.iter().any(|abi| abi.bit == bit);
        let is_x86_64 = self.abis.iter().any(|abi| abi.audit == 0xc000_003e);
        let floor = |number: u32| {
            let foreign = is_x86_64 && !has(number & X32_BIT);
            ret(if foreign { KILL } else { otherwise })
        };
        let mut ranges = vec![(0, floor(0))];
        let mut push = |start: u32, block: Block| match ranges.last_mut() {
            Some((last, same)) if *last == start => *same = block,
            Some((_, same)) if *same == block => {}
            _ => ranges.push((start, block)),
        };
        let mut x32_begun = !is_x86_64;
        for (number, call) in &self.by_number {
            if *number >= X32_BIT && !x32_begun {
                push(X32_BIT, floor(X32_BIT));
                x32_begun = true;
            }
            push(*number, call.block(otherwise));
            if number + 1 != X32_BIT && !self.by_number.contains_key(&(number + 1)) {
                push(number + 1, floor(number + 1));
            }
        }
        if !x32_begun {
            push(X32_BIT, floor(X32_BIT));
        }
        ranges
    }
}

/// Conditions on one argument are alternatives (runc, seccomp_linux.go `matchCall`): then each
/// condition of the rule stands alone.
fn alternatives(args: &[LinuxSeccompArg]) -> Result<Vec<Vec<LinuxSeccompArg>>, Unenforceable> {
    if let Some(beyond) = args.iter().find(|arg| arg.index() > 5) {
        return Err(Unenforceable::Argument(beyond.index()));
    }
    let repeated = (0..6).any(|index| args.iter().filter(|arg| arg.index() == index).count() > 1);
    Ok(if repeated { args.iter().map(|arg| vec![*arg]).collect() } else { vec![args.to_vec()] })
}

/// Instructions that end in an answer on every way through.
type Block = Vec<FilterInsn>;

fn insn(code: u16, jt: u8, jf: u8, k: u32) -> FilterInsn {
    FilterInsn { code, jt, jf, k }
}

fn ret(answer: u32) -> Block {
    vec![insn(RETURN, 0, 0, answer)]
}

fn distance(instructions: usize) -> u32 {
    u32::try_from(instructions).expect("a program is far shorter than 4 G instructions")
}

impl Call {
    fn block(&self, otherwise: u32) -> Block {
        let last = self.always.unwrap_or(otherwise);
        let mut block = Vec::new();
        for (all, answer) in self.when.iter().filter(|(_, answer)| *answer != last) {
            block.extend(rule(all, *answer));
        }
        block.extend(ret(last));
        block
    }
}

/// Where a comparison goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Next,
    Holds,
    Fails,
}

/// `answer` when all conditions hold; falls off its end otherwise.
fn rule(all: &[LinuxSeccompArg], answer: u32) -> Block {
    let mut steps: Vec<(FilterInsn, Then, Then)> = Vec::new();
    let mut ends = Vec::new();
    for arg in all {
        let from = steps.len();
        steps.extend(condition(arg));
        ends.push((from, steps.len()));
    }
    let fails = steps.len() + 1; // behind the answer
    let mut block = Vec::with_capacity(fails);
    for (at, (mut step, yes, no)) in steps.into_iter().enumerate() {
        let end = ends.iter().find(|(from, to)| (*from..*to).contains(&at)).map_or(at + 1, |(_, to)| *to);
        let skip = |then: Then| match then {
            Then::Next => 0,
            Then::Holds => u8::try_from(end - at - 1).expect("six conditions are under 50 instructions"),
            Then::Fails => u8::try_from(fails - at - 1).expect("six conditions are under 50 instructions"),
        };
        (step.jt, step.jf) = (skip(yes), skip(no));
        block.push(step);
    }
    block.extend(ret(answer));
    block
}

/// One 64-bit comparison in 32-bit steps, the high half first.
fn condition(arg: &LinuxSeccompArg) -> Vec<(FilterInsn, Then, Then)> {
    use Then::{Fails, Holds, Next};
    let low_at = ARGUMENTS + 8 * u32::try_from(arg.index()).expect("checked: under 6");
    let halves = |value: u64| ((value >> 32) as u32, (value & 0xffff_ffff) as u32);
    let load = |half: u32| (insn(LOAD, 0, 0, low_at + 4 * half), Next, Next);
    let test = |code, k, yes, no| (insn(code, 0, 0, k), yes, no);
    let (high, low) = halves(arg.value());
    let ordered = |code, yes, no| {
        // Decided by the high half unless that is equal.
        vec![load(1), test(GREATER, high, yes, Next), test(EQUAL, high, Next, no), load(0), test(code, low, yes, no)]
    };
    match arg.op() {
        Op::ScmpCmpEq => vec![load(1), test(EQUAL, high, Next, Fails), load(0), test(EQUAL, low, Holds, Fails)],
        Op::ScmpCmpNe => vec![load(1), test(EQUAL, high, Next, Holds), load(0), test(EQUAL, low, Fails, Holds)],
        Op::ScmpCmpGt => ordered(GREATER, Holds, Fails),
        Op::ScmpCmpGe => ordered(AT_LEAST, Holds, Fails),
        Op::ScmpCmpLe => ordered(GREATER, Fails, Holds),
        Op::ScmpCmpLt => ordered(AT_LEAST, Fails, Holds),
        Op::ScmpCmpMaskedEq => {
            let (wanted_high, wanted_low) = halves(arg.value_two().unwrap_or(0));
            let mask = |k| (insn(AND, 0, 0, k), Next, Next);
            vec![
                load(1),
                mask(high),
                test(EQUAL, wanted_high, Next, Fails),
                load(0),
                mask(low),
                test(EQUAL, wanted_low, Holds, Fails),
            ]
        }
    }
}

fn dispatch(machines: &BTreeMap<u32, Calls>, otherwise: u32) -> Block {
    let bodies: Vec<(u32, Block)> = machines
        .iter()
        .map(|(audit, calls)| {
            let mut body = vec![insn(LOAD, 0, 0, NUMBER)];
            body.extend(search(&calls.ranges(otherwise)));
            (*audit, body)
        })
        .collect();
    let mut program = vec![insn(LOAD, 0, 0, MACHINE)];
    for (audit, body) in bodies {
        program.push(insn(EQUAL, 1, 0, audit));
        program.push(insn(JUMP, 0, 0, distance(body.len())));
        program.extend(body);
    }
    program.extend(ret(KILL));
    program
}

/// Binary search over ranges; the number is in the accumulator until a block loads something else.
fn search(ranges: &[(u32, Block)]) -> Block {
    match ranges {
        [] => ret(KILL),
        [(_, only)] => only.clone(),
        _ => {
            let (below, from) = ranges.split_at(ranges.len() / 2);
            let (below, pivot, from) = (search(below), from[0].0, search(from));
            let mut block = match u8::try_from(below.len()) {
                Ok(near) => vec![insn(AT_LEAST, near, 0, pivot)],
                Err(_) => vec![insn(AT_LEAST, 0, 1, pivot), insn(JUMP, 0, 0, distance(below.len()))],
            };
            block.extend(below);
            block.extend(from);
            block
        }
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
