"""Joins the sandbox that bubblewrap has made for a run.

What a sandbox shows is bubblewrap's work, on behalf of the supervisor; see `warm/sandbox.rs`. Here a process that was forked,
not executed, becomes a part of it, and gives up what bubblewrap has a program give up.
"""

import ctypes
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
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
# The kernel has fewer, and says so.
MOST_CAPABILITIES = 64

libc = ctypes.CDLL(None, use_errno=True)


def join(names, descriptors):
    """Joins namespaces in this order. Only what this process forks from here on is in the one of processes."""
    for name, descriptor in zip(names, descriptors, strict=True):
        checked(libc.setns(descriptor, FLAGS[name]), f"setns {name}")
        os.close(descriptor)


def give_up_capabilities():
    """Neither this process nor a program that it executes has any capability anymore, for root too."""
    for number in range(MOST_CAPABILITIES):
        if libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0):
            break
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header, nothing = struct.pack("Ii", CAPABILITY_VERSION_3, 0), struct.pack("6I", 0, 0, 0, 0, 0, 0)
    checked(libc.capset(header, nothing), "capset")
