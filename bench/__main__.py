"""Measures what is asked for, prints a table, keeps the results, writes the document. `./bench.sh --help`."""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

from bench import document, growth, machine, namespaces, pings, plans, ranges, runs, sagas, stored, trees, web
from bench.figures import BY_NAME
from bench.site import ROOT, Site

RESULTS = ROOT / "target/bench/results.json"

# The parts in the order in which they are measured, and the lines that each returns.
PARTS = {
    "ping": (pings.one, ["ping", "cpu"]),
    "eight": (pings.eight, ["eight"]),
    "sandbox": (pings.sandbox, ["sandbox"]),
    "trees": (trees.lines, ["tree_6k", "tree_100k", "tree_changed", "tree_memory", "tree_disk"]),
    "ssh": (runs.ssh, ["ssh"]),
    "spawned": (runs.spawned, ["spawned"]),
    "ingest": (stored.ingest, ["ingest"]),
    "memory": (runs.memory, ["memory_idle", "memory_job"]),
    "history": (stored.history, ["start", "page"]),
    "plan": (plans.lines, ["plan", "plan_memory", "plan_networkx"]),
    "saga": (sagas.lines, ["saga", "saga_steps", "saga_steps_down"]),
    "range": (ranges.simulated, ["range", "range_down"]),
    "namespaces": (namespaces.lines, ["namespaces", "namespaces_down", "namespaces_grid", "namespaces_grid_down"]),
    "guests": (ranges.guests, ["guests", "guests_down"]),
    "web": (web.lines, ["openapi", "openapi_plain", "refused", "refused_audited"]),
    "jobs": (growth.jobs_at_once, []),
    "hosts": (growth.hosts, []),
    "events": (growth.events, []),
    "stored": (growth.stored_jobs, []),
}


def main():
    options = read_arguments()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"figures": {}, "growth": {}}
    if not options.render:
        machine.adopt_orphans()
        for name in chosen(options):
            measure(name, options, results)
    print(document.text_table(results))
    if options.write or options.render:
        document.write(results)


def read_arguments():
    parser = argparse.ArgumentParser(prog="./bench.sh", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these parts or lines: {' '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="few rounds, for the order of magnitude")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plots")
    parser.add_argument("--render", action="store_true", help="write them from the last results; measures nothing")
    parser.add_argument("--executor", choices=["warm", "runner"], help="with this `ansible.executor` instead of the default, as lines of their own")
    parser.add_argument("--most", type=int, metavar="N", help="how cost grows: nothing larger than N jobs, hosts, events")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/rangehand")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / ".venv/bin")
    options = parser.parse_args()
    # Separate lines in the table: the others are those of the default executor.
    options.other = options.executor
    options.executor = {"RANGEHAND__ANSIBLE__EXECUTOR": options.other} if options.other else {}
    options.rounds = lambda number: max(3, number // 5) if options.quick else number
    options.seconds = lambda number: 1 if options.quick else number
    return options


def chosen(options):
    unknown = [name for name in options.names if name not in PARTS and name not in BY_NAME]
    if unknown:
        sys.exit(f"unknown: {' '.join(unknown)}: use {' '.join([*PARTS, *BY_NAME])}")
    wanted = set(options.names)
    return [name for name, (_, lines) in PARTS.items() if not wanted or wanted & {name, *lines}]


def measure(name, options, results):
    work, _ = PARTS[name]
    print(f"measuring: {name}", file=sys.stderr)
    begun, load = time.monotonic(), round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="rangehand-bench-") as scratch:
        found = work(Site(options, scratch), options)
    took = time.monotonic() - begun
    for figure, result in found.items():
        if figure in BY_NAME:
            name = f"{figure}@{options.other}" if options.other else figure
            results["figures"][name] = result | {"load": load, "is_quick": options.quick}
        else:
            results["growth"][figure] = result
    results["machine"] = machine.describe()
    results.setdefault("took_s", {})[name] = round(took, 1)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))


main()
