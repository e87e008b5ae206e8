//! Compiles a table of refused system calls to a program in classic BPF for the kernel.
//!
//! ```text
//! another architecture, or the x32 ABI        -> ENOSYS
//! a call that is refused with any arguments   -> its error
//! a call that is refused with some arguments  -> its error, or allowed
//! everything else                             -> allowed
//! ```
//! When the program is installed, the kernel runs it once for each call number and caches which calls are allowed with any
//! arguments (Linux 5.11 and newer), so the length of the program does not affect ordinary calls.

use linux_raw_sys::{
    errno::ENOSYS,
    ptrace::{
        BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
        SECCOMP_RET_ERRNO,
    },
};

/// What a filter refuses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    /// The one architecture whose calls are known, as the kernel's audit names it.
    pub(super) architecture: u32,
    /// Numbers from here on belong to another ABI of the same architecture.
    pub(super) foreign_from: Option<u32>,
    /// Calls that are refused with any arguments.
    pub(super) groups: &'static [Group],
    /// Calls that are refused with some arguments.
    pub(super) rules: &'static [Rule],
}

/// Calls that are refused for one reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The error that a caller gets.
    pub(super) error: u32,
    pub(super) calls: &'static [u32],
}

/// A call that is refused with some arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) error: u32,
    pub(super) call: u32,
    /// Which argument decides, counted from 0. All of them are 32 bits wide for the kernel, which ignores the upper half;
    /// so does the filter.
    pub(super) argument: u32,
    pub(super) refused: Refused,
}

/// With which values of the argument a call is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refused {
    /// With any of these bits.
    AnyBit(u32),
    /// With one of these values.
    Values(&'static [u32]),
    /// With all other values.
    Others(&'static [u32]),
}

/// The kernel's `sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    code: u32,
    /// How many instructions to skip if the comparison holds, and if it does not.
    skip: [u8; 2],
    operand: u32,
}

/// Offsets in the kernel's `seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
const ARGUMENT_BYTES: u32 = 8;

pub(super) fn assemble(filter: &Filter) -> Vec<Instruction> {
    let mut program = vec![load(ARCHITECTURE), compare(BPF_JEQ, filter.architecture, 1, 0), refuse(ENOSYS)];
    program.push(load(NUMBER));
    if let Some(first) = filter.foreign_from {
        program.extend([compare(BPF_JGE, first, 0, 1), refuse(ENOSYS)]);
    }
    for Group { error, calls } in filter.groups {
        program.extend(calls.iter().flat_map(|call| [compare(BPF_JEQ, *call, 0, 1), refuse(*error)]));
    }
    for rule in filter.rules {
        let body = body(rule);
        let length = u8::try_from(body.len()).expect("a rule has a handful of values");
        program.push(compare(BPF_JEQ, rule.call, 0, length));
        program.extend(body);
    }
    program.push(give(SECCOMP_RET_ALLOW));
    program
}

/// What decides about the call of a rule. It always ends the program.
fn body(rule: &Rule) -> Vec<Instruction> {
    let (refuse, allow) = (refuse(rule.error), give(SECCOMP_RET_ALLOW));
    let (comparisons, matched, otherwise) = match rule.refused {
        Refused::AnyBit(bits) => (vec![(BPF_JSET, bits)], refuse, allow),
        Refused::Values(values) => (equal(values), refuse, allow),
        Refused::Others(values) => (equal(values), allow, refuse),
    };
    let mut body = vec![load(ARGUMENTS + ARGUMENT_BYTES * rule.argument)];
    // Each skips itself and the verdict if it does not hold.
    body.extend(comparisons.into_iter().flat_map(|(how, value)| [compare(how, value, 0, 1), matched]));
    body.push(otherwise);
    body
}

fn equal(values: &[u32]) -> Vec<(u32, u32)> {
    values.iter().map(|value| (BPF_JEQ, *value)).collect()
}

const fn load(offset: u32) -> Instruction {
    Instruction { code: BPF_LD | BPF_W | BPF_ABS, skip: [0, 0], operand: offset }
}

const fn compare(how: u32, value: u32, if_so: u8, if_not: u8) -> Instruction {
    Instruction { code: BPF_JMP | how | BPF_K, skip: [if_so, if_not], operand: value }
}

const fn refuse(error: u32) -> Instruction {
    give(SECCOMP_RET_ERRNO | error)
}

const fn give(verdict: u32) -> Instruction {
    Instruction { code: BPF_RET | BPF_K, skip: [0, 0], operand: verdict }
}

/// As the kernel reads it.
pub(super) fn bytes(program: &[Instruction]) -> Vec<u8> {
    let one = |instruction: &Instruction| {
        let code = u16::try_from(instruction.code).expect("a code has a byte");
        let mut bytes = code.to_ne_bytes().to_vec();
        bytes.extend(instruction.skip);
        bytes.extend(instruction.operand.to_ne_bytes());
        bytes
    };
    program.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use linux_raw_sys::errno::{EAFNOSUPPORT, EPERM};

    use super::*;

    const NATIVE: u32 = 7;
    const FILTER: Filter = Filter {
        architecture: NATIVE,
        foreign_from: Some(1000),
        groups: &[Group { error: EPERM, calls: &[10, 11] }, Group { error: ENOSYS, calls: &[12] }],
        rules: &[
            Rule { error: EPERM, call: 20, argument: 0, refused: Refused::AnyBit(0b1100) },
            Rule { error: EPERM, call: 21, argument: 1, refused: Refused::Values(&[3, 5]) },
            Rule { error: EAFNOSUPPORT, call: 22, argument: 0, refused: Refused::Others(&[1, 2]) },
        ],
    };

    /// What the kernel's machine decides; `None` is allowed.
    fn decide(program: &[Instruction], architecture: u32, call: u32, arguments: [u64; 6]) -> Option<u32> {
        let mut data = [call.to_le_bytes(), architecture.to_le_bytes(), [0; 4], [0; 4]].concat();
        data.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
        let (mut at, mut loaded) = (0, 0);
        loop {
            let Instruction { code, skip, operand } = program[at];
            let mut jump = |holds: bool| at += usize::from(skip[usize::from(!holds)]);
            if code == BPF_RET | BPF_K {
                return (operand != SECCOMP_RET_ALLOW).then_some(operand & !SECCOMP_RET_ERRNO);
            } else if code == BPF_LD | BPF_W | BPF_ABS {
                let offset = usize::try_from(operand).expect("small");
                loaded = u32::from_le_bytes(data[offset..offset + 4].try_into().expect("four bytes"));
            } else if code == BPF_JMP | BPF_JEQ | BPF_K {
                jump(loaded == operand);
            } else if code == BPF_JMP | BPF_JGE | BPF_K {
                jump(loaded >= operand);
            } else {
                assert_eq!(code, BPF_JMP | BPF_JSET | BPF_K);
                jump(loaded & operand != 0);
            }
            at += 1;
        }
    }

    #[test]
    fn the_program_decides_as_the_table_says() {
        let program = assemble(&FILTER);
        let high = 1 << 40;
        for (call, first, second, decision) in [
            (9, 0, 0, None),
            (10, 0, 0, Some(EPERM)),
            (11, 1, 2, Some(EPERM)),
            (12, 0, 0, Some(ENOSYS)),
            (20, 0b0011, 0b1100, None),
            (20, 0b0101, 0, Some(EPERM)),
            (20, high | 0b1000, 0, Some(EPERM)),
            (21, 3, 4, None),
            (21, 0, 3, Some(EPERM)),
            (21, 0, high | 5, Some(EPERM)),
            (22, 0, 0, Some(EAFNOSUPPORT)),
            (22, 1, 0, None),
            (22, 2, 0, None),
            (22, 3, 0, Some(EAFNOSUPPORT)),
            (999, 0, 0, None),
            (1000, 0, 0, Some(ENOSYS)),
            (u32::MAX, 0, 0, Some(ENOSYS)),
        ] {
            let decided = decide(&program, NATIVE, call, [first, second, 0, 0, 0, 0]);
            assert_eq!(decided, decision, "{call} {first} {second}");
        }
        assert_eq!(decide(&program, NATIVE + 1, 9, [0; 6]), Some(ENOSYS));
    }

    #[test]
    fn an_instruction_has_eight_bytes() {
        let program = assemble(&FILTER);
        assert_eq!(bytes(&program).len(), 8 * program.len());
        assert_eq!(bytes(&[load(4)]), [0x20, 0, 0, 0, 4, 0, 0, 0]);
    }
}
