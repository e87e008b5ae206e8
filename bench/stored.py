"""What depends on what is stored: pages, the start of the service, events on their way in."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

from bench.rounds import interleaved, summary
from bench.web import PROGRAMS, Request, load

JOBS, EVENTS, OF_ONE = 10_000, 90, 100_000
PAGES = ["", "?state=failed", "?label=exercise=7", "?name=site-7", "?before={middle}"]
QUERY = """SELECT id, state, reason, request, attempt, created_at, started_at, finished_at, rc, last_seq FROM jobs
           ORDER BY created_at DESC, id DESC LIMIT 50"""


def fill(state, jobs, events, of_one=None):
    """A store with a history, in this state directory. Made on a tmpfs where there is one: nothing waits for a disk."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="rangehand-bench-", dir=memory) as directory:
        file = pathlib.Path(directory) / "rangehand.db"
        words = [PROGRAMS / "fill", file, str(jobs), str(events)]
        subprocess.run([*words, str(of_one or events)], check=True, stdin=subprocess.DEVNULL)
        state.mkdir(parents=True, mode=0o700)
        for part in pathlib.Path(directory).iterdir():
            shutil.copy(part, state / part.name)


def history(site, options):
    """`start` and `page`, over the same store."""
    state = site.scratch / "state-history"
    fill(state, JOBS, EVENTS, OF_ONE)
    found = interleaved({
        "own": lambda: start(site) * 1000,
        "peer": lambda: version(site.options.binary) * 1000,
    }, options.rounds(15))
    result = {"start": summary(found["own"]) | {"peer": summary(found["peer"]), "unit": "ms"}}
    with site.serve("history") as service:
        middle = service.call("GET", "/v1/jobs?limit=500")["items"][-1]["id"]
        pages = {page: page.format(middle=middle) for page in PAGES}
        ways = {page: lambda text=text: page_ms(service, text) for page, text in pages.items()}
        found = interleaved(ways | {"peer": lambda: raw_page_ms(state / "rangehand.db")}, options.rounds(7))
    slowest = max(PAGES, key=lambda page: summary(found[page])["median"])
    result["page"] = summary(found[slowest]) | {
        "peer": summary(found["peer"]),
        "unit": "ms",
        "slowest": slowest or "the first page",
        "each": {page or "first": summary(found[page])["median"] for page in PAGES},
    }
    return result


def start(site):
    """Seconds until a service answers with a page of jobs."""
    service = site.serve("history")
    _, took = service.start("/v1/jobs")
    service.stop()
    return took


def version(binary):
    begun = time.monotonic()
    subprocess.run([binary, "--version"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def page_ms(service, query):
    """Milliseconds of the middle one of many, one at a time."""
    return load(service.address, Request("GET", f"/v1/jobs{query}", 200), 0.5, 1)["p50_us"] / 1000


def raw_page_ms(file):
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    times = []
    for _ in range(50):
        begun = time.monotonic()
        connection.execute(QUERY).fetchall()
        times.append((time.monotonic() - begun) * 1000)
    connection.close()
    return sorted(times)[len(times) // 2]


def ingest(site, options):
    """`ingest`: events through spool and store, everything on one core."""
    count = 20_000 if options.quick else 100_000
    parts = []

    def own():
        parts.append(through(count))
        return parts[-1]["through"]

    found = interleaved({"own": own, "peer": lambda: bare_sqlite(site.scratch, count)}, options.rounds(5))
    each = {name: summary([part[name] for part in parts])["median"] for name in ("spool", "store", "out")}
    return {"ingest": summary(found["own"]) | {"peer": summary(found["peer"]), "unit": "/s", "each": each}}


def through(count):
    """What our program says of so many events, on the last core."""
    core = max(os.sched_getaffinity(0))
    done = subprocess.run([PROGRAMS / "ingest", str(count)], check=True, capture_output=True, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    return json.loads(done.stdout)


def bare_sqlite(directory, count):
    """Rows of the same size into the same tables by Python's sqlite3, on one core, in batches of 1000, each durable."""
    file = directory / "peer.db"
    for name in directory.glob("peer.db*"):
        name.unlink()
    before, core = os.sched_getaffinity(0), max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    connection.executescript((ROOT / "crates/store/migrations/0001_jobs_runs_events.sql").read_text())
    data = json.dumps({"uuid": "0" * 36, "counter": 1, "res": {"changed": False, "stdout": "x" * 200, "rc": 0}})
    line = "\x1b[0;33mchanged: [r42.vuln-box-00] => (item=1)\x1b[0m"
    job, run = "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11", "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d12"
    rows = [(job, at, at, run, at, at, "runner_on_ok", f"r42.vuln-box-{at % 20:02}", "Install the machine",
             f"Set the parameter {at}", int(at % 4 == 0), 0, at, line, data) for at in range(1, count + 1)]
    begun = time.monotonic()
    for at in range(0, count, 1000):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO events VALUES ({','.join('?' * 15)})", rows[at:at + 1000])
        connection.execute("COMMIT")
    took = time.monotonic() - begun
    connection.close()
    os.sched_setaffinity(0, before)
    return count / took
