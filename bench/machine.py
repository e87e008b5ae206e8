"""What this machine reports about processes: CPU time, memory, and the load of other processes."""

import ctypes
import os
import pathlib
import resource

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")


def adopt_orphans():
    """From now on whatever loses its parent below us becomes our child: its time is not lost."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _fields(pid):
    """The fields of /proc/PID/stat from the state on, or nothing."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def descendants(root):
    """All processes below this one."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _fields(entry.name)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, at = [], [root]
    while at:
        below = children.get(at.pop(), [])
        found += below
        at += below
    return found


def reap():
    """Takes leave of adopted processes that have ended. Those of `subprocess` are waited for where they are started."""
    for pid in children_that_ended():
        if pid not in OWN:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


# Those that `subprocess` waits for.
OWN = set()


def children_that_ended():
    own = os.getpid()
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _fields(entry.name)
            if fields and int(fields[1]) == own and fields[0] == "Z":
                yield int(entry.name)


def cpu_below_s():
    """Seconds of processor time of everything below this process, whether it has ended or not."""
    reap()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    for pid in descendants(os.getpid()):
        fields = _fields(pid)
        if fields:
            total += sum(int(field) for field in fields[11:15]) / TICKS
    return total


def name_of(pid):
    """The name that a process has given itself, or that of its program."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def memory_kib(pid):
    """What a process takes: its proportional share of all it maps (PSS). Where that may not be seen, all of it (RSS)."""
    for name, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            for line in (PROC / str(pid) / name).read_text().splitlines():
                if line.startswith(field):
                    return int(line.split()[1])
        except OSError:
            continue
    return 0


def describe():
    """This machine in a line."""
    memory = next(line for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    name = os.uname()
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.split()[1]) / 2**20),
        "system": f"{name.sysname} {'.'.join(name.release.split('.')[:2])}",
        "load": round(os.getloadavg()[0], 2),
    }
