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
    Figure("cpu", "processor time per ping, over bare", 0.6, 0.4, "x", "`ansible-playbook`, all its processes"),
    Figure("eight", "8 pings at once, wall, over bare", 0.6, 0.4, "x", "8 `ansible-playbook` in parallel"),
    Figure("ssh", "20 tasks on 5 SSH hosts, over bare", 0.9, 0.7, "x", "`ansible-playbook` with its own defaults"),
    Figure("spawned", "accepted to spawned, p99", 10, 3, "ms", "two files made durable, one after the other"),
    Figure("ingest", "events through spool and store, one core", 20_000, 100_000, "/s",
           "Python's sqlite3, same rows in the same batches", more=True),
    Figure("memory_idle", "memory of the service, idle", 40, 20, "MB", "bare `ansible-playbook` at work"),
    Figure("memory_job", "memory per running job (service and supervisor)", 4, 2, "MB",
           "bare `ansible-playbook` at work"),
    Figure("start", "start to first 200 with 10,000 jobs stored", 300, 50, "ms", "`rangehand --version`"),
    Figure("openapi", "GET /docs/openapi.json, 8 connections, gzip", 10_000, 50_000, "/s",
           "actix-web alone, same bytes", more=True),
    Figure("openapi_plain", "the same without gzip", None, None, "/s", "actix-web alone, same bytes", more=True),
    Figure("refused", "422 on a v0 route, 8 connections", 20_000, 60_000, "/s", "actix-web alone, same bytes",
           more=True),
    Figure("refused_audited", "the same on a route whose calls are audited", None, None, "/s",
           "actix-web alone, same bytes", more=True),
    Figure("page", "page of GET /v1/jobs at 10,000 jobs and 1,000,000 events", 20, 3, "ms",
           "Python's sqlite3, the same rows of the same file"),
]

BY_NAME = {figure.name: figure for figure in FIGURES}
