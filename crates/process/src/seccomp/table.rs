//! The table of system calls that a sandbox refuses, with the reason for each group.

#[cfg(target_arch = "aarch64")]
use linux_raw_sys::ptrace::AUDIT_ARCH_AARCH64;
#[cfg(target_arch = "x86_64")]
use linux_raw_sys::ptrace::AUDIT_ARCH_X86_64;
use linux_raw_sys::{
    errno::{EAFNOSUPPORT, ENOSYS, EPERM},
    general::*,
    ioctl::{TIOCLINUX, TIOCSTI},
    net::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX},
};

use super::bpf::{Filter, Group, Refused, Rule};

/// Calls of 32-bit programs, and of the x32 ABI, are refused: they would be another way to every call below.
pub(super) const FILTER: Filter = Filter {
    #[cfg(target_arch = "x86_64")]
    architecture: AUDIT_ARCH_X86_64,
    #[cfg(target_arch = "aarch64")]
    architecture: AUDIT_ARCH_AARCH64,
    #[cfg(target_arch = "x86_64")]
    foreign_from: Some(0x4000_0000),
    #[cfg(target_arch = "aarch64")]
    foreign_from: None,
    groups: &[
        Group { error: EPERM, calls: MOUNTS },
        Group { error: EPERM, calls: PROCESSES },
        Group { error: EPERM, calls: KERNEL },
        Group { error: EPERM, calls: ATTACKED },
        Group { error: EPERM, calls: MACHINE },
        Group { error: EPERM, calls: HARDWARE },
        Group { error: ENOSYS, calls: ABSENT },
    ],
    rules: RULES,
};

/// Mounts and roots: a sandbox is made of them. Handles of files open what no path leads to.
const MOUNTS: &[u32] = &[
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_move_mount,
    __NR_open_tree,
    __NR_open_tree_attr,
    __NR_fsopen,
    __NR_fsconfig,
    __NR_fsmount,
    __NR_fspick,
    __NR_mount_setattr,
    __NR_open_by_handle_at,
];

/// Other processes: their memory, their descriptors, their namespaces.
const PROCESSES: &[u32] = &[
    __NR_setns,
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_process_madvise,
    __NR_pidfd_getfd,
    __NR_kcmp,
    __NR_migrate_pages,
    __NR_move_pages,
];

/// Programs for the kernel, and other kernels.
const KERNEL: &[u32] = &[
    __NR_bpf,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_kexec_load,
    __NR_kexec_file_load,
];

/// Large or rare parts of the kernel that every process reaches and that have been the way into it again and again: requests
/// in rings, faults handled by programs, performance counters, keys, memory policies, notifications for whole file systems.
/// Programs that can use them have another way, because container engines and hardened kernels refuse them, too.
const ATTACKED: &[u32] = &[
    __NR_io_uring_setup,
    __NR_io_uring_enter,
    __NR_io_uring_register,
    __NR_userfaultfd,
    __NR_perf_event_open,
    __NR_add_key,
    __NR_request_key,
    __NR_keyctl,
    __NR_mbind,
    __NR_set_mempolicy,
    __NR_set_mempolicy_home_node,
    __NR_fanotify_init,
    __NR_lookup_dcookie,
];

/// The state of the whole machine: time, power, swap, accounting, quotas, names, the kernel's log, terminals.
const MACHINE: &[u32] = &[
    __NR_reboot,
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_quotactl,
    __NR_quotactl_fd,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_clock_adjtime,
    __NR_adjtimex,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_syslog,
    __NR_vhangup,
    __NR_nfsservctl,
];

/// Ports and segments of x86, and calls that only old kernels have.
#[cfg(target_arch = "x86_64")]
const HARDWARE: &[u32] = &[
    __NR_iopl,
    __NR_ioperm,
    __NR_modify_ldt,
    __NR_uselib,
    __NR_ustat,
    __NR_sysfs,
    __NR__sysctl,
    __NR_create_module,
    __NR_get_kernel_syms,
    __NR_query_module,
];
/// Other architectures have no such calls.
#[cfg(target_arch = "aarch64")]
const HARDWARE: &[u32] = &[];

/// A filter cannot see the flags of `clone3`, which are in memory. The C library then uses `clone`.
const ABSENT: &[u32] = &[__NR_clone3];

/// New namespaces. In a user namespace a process has all capabilities over its other namespaces, and reaches parts of the
/// kernel that were written for root.
const NAMESPACES: u32 =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
/// Kinds of sockets of machines and networks: `ip` and facts use netlink. All others (packets, virtual machines, the kernel's
/// cryptography, Bluetooth, rare protocols) load kernel modules on first use.
const FAMILIES: &[u32] = &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK];
/// The usual one, those of `setarch` for 32-bit programs and for old release numbers, and the question. Others switch
/// protections of memory off.
const PERSONALITIES: &[u32] = &[0, 0x0000_0008, 0x0002_0000, 0x0002_0008, u32::MAX];

const RULES: &[Rule] = &[
    Rule { error: EPERM, call: __NR_clone, argument: 0, refused: Refused::AnyBit(NAMESPACES) },
    // For `clone`, the bit of the namespace of time belongs to a signal.
    Rule {
        error: EPERM,
        call: __NR_unshare,
        argument: 0,
        refused: Refused::AnyBit(NAMESPACES | CLONE_NEWTIME),
    },
    Rule { error: EAFNOSUPPORT, call: __NR_socket, argument: 0, refused: Refused::Others(FAMILIES) },
    Rule { error: EAFNOSUPPORT, call: __NR_socketpair, argument: 0, refused: Refused::Others(FAMILIES) },
    Rule { error: EPERM, call: __NR_personality, argument: 0, refused: Refused::Others(PERSONALITIES) },
    // Input for a terminal, as if it had been typed there.
    Rule { error: EPERM, call: __NR_ioctl, argument: 1, refused: Refused::Values(&[TIOCSTI, TIOCLINUX]) },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A second rule for a call would never be reached.
    #[test]
    fn every_call_is_in_the_table_once() {
        let mut seen = BTreeSet::new();
        let calls = FILTER.groups.iter().flat_map(|group| group.calls).copied();
        for call in calls.chain(FILTER.rules.iter().map(|rule| rule.call)) {
            assert!(seen.insert(call), "{call}");
        }
    }

    #[test]
    fn what_every_program_does_is_allowed() {
        let refused: BTreeSet<u32> = FILTER.groups.iter().flat_map(|group| group.calls).copied().collect();
        for call in [__NR_execve, __NR_openat, __NR_prctl, __NR_seccomp, __NR_setsid, __NR_wait4, __NR_futex]
        {
            assert!(!refused.contains(&call), "{call}");
        }
    }
}
