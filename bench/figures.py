"""The table: what must stand, what is aimed at, what it is compared with, and where it falls short, why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A line of the table. `must` and `aim` are the most that is allowed, or with `more` the least."""

    name: str
    title: str
    must: float | None
    aim: float | None
    unit: str
    peer: str
    more: bool = False
    # Where it falls short: why, and what was tried. Otherwise what a reader should know of it.
    notes: str = ""

    def verdict(self, value):
        """`aim`, `must` or `short`; `-` where nothing is asked for."""
        if self.must is None:
            return "-"
        reaches = (lambda least: value >= least) if self.more else (lambda most: value <= most)
        if reaches(self.aim):
            return "aim"
        return "must" if reaches(self.must) else "short"


FIGURES = [
    Figure("ping", "ping, POST to reply, over bare", 0.65, 0.45, "x", "`ansible-playbook`, same playbook and inventory"),
    Figure("cpu", "processor time per ping, over bare", 0.6, 0.4, "x", "`ansible-playbook`, all its processes",
           notes="Time of everything below the measuring process, the service's own and that of its threads included."),
    Figure("eight", "8 pings at once, wall, over bare", 0.6, 0.4, "x", "8 `ansible-playbook` in parallel"),
    Figure("sandbox", "ping in a sandbox, over one without", 1.2, 1.05, "x", "the same job with isolation `process`",
           notes="bubblewrap makes the sandbox while the files of the run are written, and the process with Ansible imported "
                 "joins it."),
    Figure("tree_6k", "ping with 6,000 files in 3,000 directories, over bare", 1.0, 0.5, "x",
           "`ansible-playbook` in the same tree"),
    Figure("tree_100k", "ping with 100,000 files in 50,000 directories, over bare", 1.0, 0.5, "x",
           "`ansible-playbook` in the same tree",
           notes="What grows with the tree is one look at each file: has it changed since the last snapshot?"),
    Figure("tree_changed", "first ping after one of 100,000 files changed", None, None, "ms",
           "`ansible-playbook` in the same tree"),
    Figure("tree_memory", "memory per run for its content of 100,000 files", None, None, "MB", "none"),
    Figure("tree_disk", "disk per run for its content of 100,000 files", None, None, "MB", "none"),
    Figure("ssh", "20 tasks on 5 SSH hosts, over bare", 0.9, 0.7, "x", "`ansible-playbook` with its own defaults",
           notes="Facts are gathered. Each side connects anew in every round. Ours sends modules over the connection that "
                 "is there (`ansible.pipelining`), which is off in Ansible by default, and sends them compiled once the facts tell "
                 "that Python there is of our version: 0.80 without. The hosts are namespaces of this machine, so most of "
                 "the time on both sides is their Python's."),
    Figure("spawned", "accepted to spawned, p99", 10, 3, "ms", "two files made durable, one after the other",
           notes="From `created_at` to the supervisor's file `supervisor.json`, as the kernel tells of it to a process that "
                 "need not wait for a processor, where it may; the 99th of 100, quartiles of all. Two commits lie on the "
                 "way, that of the job and that of its claim, each durable: where the disk is busy, it decides. Tried: "
                 "results of the audit no longer come between the two, who the supervisor is is not made durable any more "
                 "(median 22.7 to 9.1 ms on a busy machine), and a supervisor waits for its run instead of being started "
                 "for it (8.0 to 3.2 ms on a quiet one). Not done: one commit for both, which would save about 1 ms."),
    Figure("ingest", "events through spool and store, one core", 20_000, 100_000, "/s",
           "Python's sqlite3, same rows in the same batches", more=True,
           notes="Most of it is SQLite's work: a table and up to seven indexes for each event, because every page is to "
                 "come from an index. Tried: parameters without names and fewer checkpoints, together from 35,000 to "
                 "45,000/s on a busy machine. In service one core writes the spool and another one reads it."),
    Figure("memory_idle", "memory of the service, idle", 40, 20, "MB", "bare `ansible-playbook` at work",
           notes="Before the first job; its proportional share. 15 of it are pages of the program's file. Those with "
                 "Ansible go when there was no job for 15 minutes; with `ansible.executor = runner` there are none."),
    Figure("memory_job", "memory per running job (service and supervisor)", 4, 2, "MB",
           "bare `ansible-playbook` at work",
           notes="What is added for each of 8, by proportional shares. 0.8 of it are tables of the program that the loader "
                 "writes addresses into, in each process anew."),
    Figure("start", "start to first 200 with 10,000 jobs stored", 300, 50, "ms", "`rangehand --version`"),
    Figure("openapi", "GET /docs/openapi.json, 8 connections, gzip", 10_000, 50_000, "/s",
           "actix-web alone, same bytes", more=True,
           notes="20 kB each. A line of the log is a third of our own work for it."),
    Figure("openapi_plain", "the same without gzip", None, None, "/s", "actix-web alone, same bytes", more=True,
           notes="208 kB each: the time goes into copying them through the kernel."),
    Figure("refused", "422 on a v0 route, 8 connections", 20_000, 60_000, "/s", "actix-web alone, same bytes",
           more=True,
           notes="Of 16 us of user time for a call 4 were its line in the log and 5 what every reply takes; with "
                 "`log.filter = warn` it was 53,000/s where it was 38,000/s. Tried: the path is looked up without going "
                 "through all patterns, a line of the log is written without a copy: 13 us. The client takes most of a "
                 "core, too."),
    Figure("refused_audited", "the same on a route whose calls are audited", None, None, "/s",
           "actix-web alone, same bytes", more=True,
           notes="That a call that changes something is meant is durable before anything else happens, its body's fault "
                 "included: 8 callers share commits of some milliseconds. This is the price of an audit that misses "
                 "nothing."),
    Figure("page", "page of GET /v1/jobs at 10,000 jobs and 1,000,000 events", 20, 3, "ms",
           "Python's sqlite3, the same rows of the same file",
           notes="The slowest of five: the first page, one further back, one state, one label, one name."),
    Figure("plan", "plan of a range of 5,000 machines, checks included", 100, 30, "ms",
           "networkx: tree check and topological order of the same graphs",
           notes="From the document as a JSON value to the digest: form, checks, names and addresses, 25,000 steps with needs."),
    Figure("plan_memory", "memory of that", 100, 50, "MB", "networkx with the same graphs",
           notes="The most that the process had, the document and the plan included."),
    Figure("plan_networkx", "the same over networkx", 1.0, 0.2, "x",
           "networkx: tree check and topological order of the same graphs"),
    Figure("namespaces", "1,000 machines as namespaces with two interfaces, made, over `ip -batch`", 0.6, 0.35, "x",
           "`ip -batch` for all links, and one batch within each namespace",
           notes="Ours also keeps a record of each machine and makes its neighbors permanent. What remains is the kernel's work, "
                 "which takes turns under one lock."),
    Figure("namespaces_down", "the same, removed", None, None, "x", "`ip -batch` that deletes namespaces and bridges"),
    Figure("namespaces_grid", "1,089 machines in a square with 2,112 links, made, over `ip -batch`", 0.6, 0.3, "x",
           "`ip -batch`, a bridge for each link"),
    Figure("namespaces_grid_down", "the same, removed", None, None, "x", "`ip -batch` that deletes namespaces and bridges"),
]

BY_NAME = {figure.name: figure for figure in FIGURES}
