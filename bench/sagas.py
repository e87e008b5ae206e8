"""Sagas: how much longer a plan takes than its critical path, and what its journal costs."""

import json
import sqlite3
import subprocess
import time

from bench.rounds import down_over_up, interleaved, summary
from bench.site import ROOT
from bench.web import PROGRAMS

LATENCIES = ROOT / "target/release/examples/latencies"
STEPS = 1_000


def lines(site, options):
    """`saga` in virtual time, so it does not depend on the machine; `saga_steps` and its rollback, each round with a new file."""
    done = subprocess.run([LATENCIES, "50"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    rounds = [[float(value) for value in line.split()] for line in done.stdout.splitlines()]
    took, critical = ([round[part] for round in rounds] for part in (0, 1))
    files = (site.scratch / f"saga-{number}.db" for number in range(1_000))
    found = interleaved({
        "own": lambda: steps(next(files)),
        "peer": lambda: raw_steps(next(files)),
    }, options.rounds(15))
    up, down = zip(*found["own"])
    return {
        "saga": summary([own / peer for own, peer in rounds])
        | {"own": summary(took), "peer": summary(critical), "unit": "s"},
        "saga_steps": summary(up) | {"peer": summary(found["peer"]), "unit": "s"},
        "saga_steps_down": down_over_up(down, up, {}, "s"),
    }


def steps(file):
    done = subprocess.run([PROGRAMS / "saga_steps", file, str(STEPS)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return found["seconds"], found["back_seconds"]


def raw_steps(file):
    """Each step is recorded in a commit before it begins and in another one after it."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE journal (step INTEGER PRIMARY KEY, state TEXT NOT NULL, tag TEXT NOT NULL)")
    database.execute("BEGIN")
    for step in range(STEPS):
        database.execute("INSERT INTO journal VALUES (?, 'pending', ?)", (step, f"range-1/machine-{step}"))
    database.execute("COMMIT")
    begun = time.perf_counter()
    for step in range(STEPS):
        for state in ("started", "done"):
            database.execute("UPDATE journal SET state = ? WHERE step = ?", (state, step))
    took = time.perf_counter() - begun
    database.close()
    return took
