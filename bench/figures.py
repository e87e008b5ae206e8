"""The lines of the table: limit, aim, peer, and one sentence about each."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A line of the table. `must` and `aim` are the most that is allowed, or with `more` the least."""

    name: str
    title: str
    # Infinite, where a line exists only if nothing was left behind.
    must: float | None
    aim: float | None
    unit: str
    peer: str
    more: bool = False
    # One sentence; what was tried and where the time goes is in docs/design/performance-notes.md.
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
           notes="Time of all processes, the service and its threads included."),
    Figure("eight", "8 pings at once, wall, over bare", 0.6, 0.4, "x", "8 `ansible-playbook` in parallel"),
    Figure("sandbox", "ping in a sandbox, over one without", 1.2, 1.05, "x", "the same job with isolation `process`",
           notes="The sandbox is created while the service writes the files of the run."),
    Figure("tree_6k", "ping with 6,000 files in 3,000 directories, over bare", 1.0, 0.5, "x",
           "`ansible-playbook` in the same tree"),
    Figure("tree_100k", "ping with 100,000 files in 50,000 directories, over bare", 1.0, 0.5, "x",
           "`ansible-playbook` in the same tree",
           notes="What grows with the tree is reading the metadata of each file."),
    Figure("tree_changed", "first ping after one of 100,000 files changed", None, None, "ms",
           "`ansible-playbook` in the same tree"),
    Figure("tree_memory", "memory per run for its content of 100,000 files", None, None, "MB", "none"),
    Figure("tree_disk", "disk per run for its content of 100,000 files", None, None, "MB", "none"),
    Figure("ssh", "20 tasks on 5 SSH hosts, over bare", 0.9, 0.7, "x", "`ansible-playbook` with its own defaults",
           notes="Facts are gathered. Modules go over the open connection, and compiled where Python has the same "
                 "version."),
    Figure("spawned", "accepted to spawned, p99", 10, 3, "ms", "two files made durable, one after the other",
           notes="From the stored job to the running supervisor, two durable commits in between; the 99th of 100."),
    Figure("ingest", "events through spool and store, one core", 20_000, 100_000, "/s",
           "Python's sqlite3, same rows in the same batches", more=True,
           notes="Most of the time is SQLite's: up to seven indexes for each event."),
    Figure("memory_idle", "memory of the service, idle", 40, 20, "MB", "bare running `ansible-playbook`",
           notes="Proportional share, before the first job; 15 MB are pages of the program's file."),
    Figure("memory_job", "memory per running job (service and supervisor)", 4, 2, "MB",
           "bare running `ansible-playbook`",
           notes="What each of 8 jobs adds, by proportional shares."),
    Figure("start", "start to first 200 with 10,000 jobs stored", 300, 50, "ms", "`rangehand --version`"),
    Figure("openapi", "GET /docs/openapi.json, 8 connections, gzip", 10_000, 50_000, "/s",
           "actix-web alone, same bytes", more=True,
           notes="20 kB each."),
    Figure("openapi_plain", "the same without gzip", None, None, "/s", "actix-web alone, same bytes", more=True,
           notes="208 kB each; the kernel copies them."),
    Figure("refused", "422 on a v0 route, 8 connections", 20_000, 60_000, "/s", "actix-web alone, same bytes",
           more=True,
           notes="A third of our time is the line in the log. The client takes most of a core."),
    Figure("refused_audited", "the same on a route whose calls are audited", None, None, "/s",
           "actix-web alone, same bytes", more=True,
           notes="The audit entry is durable before anything else happens."),
    Figure("page", "page of GET /v1/jobs at 10,000 jobs and 1,000,000 events", 20, 3, "ms",
           "Python's sqlite3, the same rows of the same file",
           notes="The slowest of five: first page, a page further back, one state, one label, one name."),
    Figure("plan", "plan of a range of 5,000 machines, checks included", 100, 30, "ms",
           "networkx: tree check and topological order of the same graphs",
           notes="From the document as a JSON value to the digest of 25,000 steps."),
    Figure("plan_memory", "memory of that", 100, 50, "MB", "networkx with the same graphs",
           notes="Peak of the process, document and plan included."),
    Figure("plan_networkx", "the same over networkx", 1.0, 0.2, "x",
           "networkx: tree check and topological order of the same graphs"),
    Figure("saga", "saga of 9 machines on 4 networks, over its critical path", 1.1, 1.02, "x",
           "the critical path of the same latencies, with no limit of steps at once",
           notes="In virtual time: calls take between half and twice the usual time of a hypervisor, a write of the journal 3 ms."),
    Figure("saga_steps", "saga of 1,000 steps without latency, journal in SQLite", 5, 2, "s",
           "Python's sqlite3: two commits for each step, one after the other",
           notes="Ten steps at once. Changes that are decided at the same moment are one commit."),
    Figure("saga_steps_down", "the same, rolled back, over making it", math.inf, 1.0, "x", "the same, made",
           notes="Afterwards each step is undone."),
    Figure("range", "range of 9 machines on 4 networks on `simulated`, request to end, over its critical path", 1.1, 1.02, "x",
           "the critical path of its plan, by the latencies of the platform",
           notes="In real time, through HTTP, queue, journal, and events of a service, with `max_concurrent_calls = 16`."),
    Figure("range_down", "the same, destroyed, over making it", math.inf, 1.0, "x", "the same, made"),
    Figure("namespaces", "1,000 machines as namespaces with two interfaces, made, over `ip -batch`", 0.6, 0.35, "x",
           "`ip -batch` for all links, and one batch within each namespace",
           notes="Rangehand also keeps a record of each machine and makes its neighbors permanent. What remains is the kernel's work, "
                 "which takes turns under one lock."),
    Figure("namespaces_down", "the same, removed, over making it", math.inf, 1.0, "x", "the same, made"),
    Figure("namespaces_grid", "1,089 machines in a square with 2,112 links, made, over `ip -batch`", 0.6, 0.3, "x",
           "`ip -batch`, a bridge for each link"),
    Figure("namespaces_grid_down", "the same, removed, over making it", math.inf, 1.0, "x", "the same, made"),
    Figure("guests", "4 guests, request to SSH ready, over by hand", 1.3, 1.1, "x",
           "the same four begun in parallel with `ip`, `mount`, and `systemd-nspawn`",
           notes="A range of a service; the parts are its longest step of each kind."),
    Figure("guests_down", "the same, destroyed, over making it", math.inf, 1.0, "x", "the same, made"),
]

BY_NAME = {figure.name: figure for figure in FIGURES}
