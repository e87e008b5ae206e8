"""Joins the sandbox that bubblewrap has made for a run.

What a sandbox shows is bubblewrap's work, on behalf of the supervisor; see `sandbox.rs` beside `python/`. Here a process that was forked,
not executed, becomes a part of it, and gives up what bubblewrap has a program give up.
"""

import ctypes
import fcntl
import os
import struct

from rangehand.view import CAPABILITY_VERSION_3, checked

FLAGS = {
    "user": 0x10000000,
    "cgroup": 0x02000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "mnt": 0x00020000,
}
# Returns a descriptor of the user namespace that owns a namespace.
NS_GET_USERNS = 0xB701
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
# More than the kernel has: it reports the end.
MOST_CAPABILITIES = 64
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
# The same numbers on all architectures.
LANDLOCK_CREATE_RULESET = 444
LANDLOCK_RESTRICT_SELF = 446
# How long an instruction of the filter is.
INSTRUCTION_BYTES = 8

libc = ctypes.CDLL(None, use_errno=True)


def join(names, descriptors):
    """Joins namespaces in this order. Only what this process forks from here on is in the one of processes.

    The right to join the others comes from the user namespace that owns them. That is not always the one that the sandbox's
    programs are in: for an ordinary user, bubblewrap makes a second one within it.
    """
    namespaces = dict(zip(names, descriptors, strict=True))
    innermost = namespaces.pop("user", None)
    if innermost is not None:
        owner = fcntl.ioctl(namespaces["mnt"], NS_GET_USERNS)
        checked(libc.setns(owner, FLAGS["user"]), "setns user")
    for name, descriptor in namespaces.items():
        checked(libc.setns(descriptor, FLAGS[name]), f"setns {name}")
        os.close(descriptor)
    if innermost is not None:
        if not os.path.samestat(os.fstat(owner), os.fstat(innermost)):
            checked(libc.setns(innermost, FLAGS["user"]), "setns user")
        os.close(owner)
        os.close(innermost)


def give_up_capabilities():
    """Neither this process nor a program that it executes has any capability anymore, for root too."""
    for number in range(MOST_CAPABILITIES):
        if libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0):
            break
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header, nothing = struct.pack("Ii", CAPABILITY_VERSION_3, 0), struct.pack("6I", 0, 0, 0, 0, 0, 0)
    checked(libc.capset(header, nothing), "capset")


class Program(ctypes.Structure):
    """The kernel's `sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def filter_calls(instructions):
    """From here on the kernel refuses the system calls that no playbook needs; see `seccomp/`. Not without giving up new
    privileges before."""
    program = Program(len(instructions) // INSTRUCTION_BYTES, instructions)
    checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0), "seccomp")


def scope(scopes):
    """Signals and abstract sockets of this process reach only others of its sandbox; see `scope.rs`."""
    files, network = 0, 0
    rules = struct.pack("QQQ", files, network, scopes)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    checked(0 if ruleset >= 0 else ruleset, "landlock_create_ruleset")
    checked(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
