#!/usr/bin/env python3
"""From start to reply: the ping bundle by bare ansible-playbook, by bare ansible-runner, and as a job of Rangehand.

    cargo build --release && ./scripts/measure_ping.py [--rounds N] [--binary FILE] [--bin-dir DIRECTORY]

The service is started on a free port with a state directory of its own. All ways take part in every round, each round
begins with another one, and the first round does not count. Only the standard library is used.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT_S = 120


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/rangehand")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / ".venv/bin")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rangehand-ping-") as scratch:
        measure(options, pathlib.Path(scratch))


def measure(options, scratch):
    for tree in ("playbooks", "inventory"):
        shutil.copytree(ROOT / tree, scratch / tree)
    environment = {
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{options.bin_dir}:/usr/local/bin:/usr/bin:/bin",
    }
    service, url = serve(options, scratch, environment)
    try:
        jobs = []
        ways = {
            "ansible-playbook": lambda: playbook(scratch, environment),
            "ansible-runner run --json": lambda: runner(scratch, environment),
            "POST /v1/jobs?wait=": lambda: jobs.append(post(url)),
        }
        times = rounds(ways, options.rounds)
        report(times, options.rounds)
        parts(url, jobs[1:])
    finally:
        service.terminate()
        service.wait(LIMIT_S)


def rounds(ways, number):
    times = {name: [] for name in ways}
    names = list(ways)
    for round_number in range(number + 1):
        start = round_number % len(names)
        for name in names[start:] + names[:start]:
            begun = time.monotonic()
            ways[name]()
            if round_number > 0:
                times[name].append((time.monotonic() - begun) * 1000)
    return times


def playbook(scratch, environment):
    program(["ansible-playbook", "-i", "inventory/hosts.yml", "--limit", "localhost",
             "playbooks/bundles/ping/main.yml"], scratch, environment)


def runner(scratch, environment):
    # A private data directory anew each time, as every run needs one; made before by a copy, as a caller would.
    private = scratch / "private"
    (private / "project").parent.mkdir()
    shutil.copytree(scratch / "playbooks", private / "project")
    shutil.copytree(scratch / "inventory", private / "inventory")
    program(["ansible-runner", "run", str(private), "--json", "--limit", "localhost", "--playbook",
             "bundles/ping/main.yml", "--inventory", str(private / "inventory/hosts.yml")], scratch, environment)
    shutil.rmtree(private)


def program(command, scratch, environment):
    path = shutil.which(command[0], path=environment["PATH"]) or sys.exit(f"there is no {command[0]}: ./start.sh")
    done = subprocess.run([path, *command[1:]], cwd=scratch, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def serve(options, scratch, environment):
    settings = {
        "PROJECT_ROOT_DIR": str(scratch),
        "RANGEHAND__ANSIBLE__BIN_DIR": str(options.bin_dir),
        "RANGEHAND__SERVER__PORT": "0",
        "RANGEHAND__LOG__FILTER": "warn",
    }
    service = subprocess.Popen([options.binary, "serve"], cwd=scratch, env=environment | settings,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    line = service.stdout.readline()
    if not line.startswith("listening on "):
        sys.exit("the service did not start (see above)")
    return service, line.removeprefix("listening on ").strip()


def call(url, body=None):
    request = urllib.request.Request(url, data=body and json.dumps(body).encode(),
                                     headers={"content-type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=LIMIT_S) as reply:
        return json.load(reply)


def post(url):
    job = call(f"{url}/v1/jobs?wait={LIMIT_S}", {"bundle": "ping", "limit": "localhost"})
    if job["state"] != "succeeded":
        sys.exit(f"the job ended {job['state']}: {job['reason']['message']}")
    return job


def report(times, number):
    print(f"{number} rounds, load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    print(f"{'start to reply, ms':28} {'median':>8} {'min':>8} {'max':>8}")
    for name, found in times.items():
        print(f"{name:28} {statistics.median(found):8.0f} {min(found):8.0f} {max(found):8.0f}")
    over = [job - bare for job, bare in zip(times["POST /v1/jobs?wait="], times["ansible-runner run --json"])]
    print(f"{'job less ansible-runner':28} {statistics.median(over):8.0f} {min(over):8.0f} {max(over):8.0f}")


def parts(url, jobs):
    """Where the time of a job goes, by the times of its events."""
    found = {"accepted to claimed": [], "claimed to Ansible's first event": [],
             "first event to recap": [], "recap to end stored": []}
    for job in jobs:
        events = call(f"{url}/v1/jobs/{job['id']}/events?limit=1000")["items"]
        time_of = {event["kind"]: datetime.fromisoformat(event["time"]) for event in events}
        points = [datetime.fromisoformat(job["created_at"]), datetime.fromisoformat(job["started_at"]),
                  time_of["playbook_on_start"], time_of["playbook_on_stats"],
                  datetime.fromisoformat(job["finished_at"])]
        for name, begin, end in zip(found, points, points[1:]):
            found[name].append((end - begin).total_seconds() * 1000)
    print(f"{'of it, by its events, ms':34} {'median':>8} {'min':>8} {'max':>8}")
    for name, times in found.items():
        print(f"{name:34} {statistics.median(times):8.0f} {min(times):8.0f} {max(times):8.0f}")


if __name__ == "__main__":
    main()
