"""Content of many files: a ping from trees of 6,000 and of 100,000 files, beside bare `ansible-playbook` on the same tree."""

import os
import pathlib
import time

from bench.pings import ARGUMENTS, REQUEST, over, timed
from bench.rounds import interleaved, summary
from bench.site import finish

FILE_BYTES = 1500


def lines(site, options):
    """`tree_6k`, `tree_100k`, `tree_changed`, `tree_memory`, `tree_disk`."""
    with site.serve("trees", **options.executor) as service:
        grow(site, 6_000)
        small = rounds(site, service, options)
        grow(site, 100_000)
        service.run(REQUEST)
        large = rounds(site, service, options)
        changed, memory, disk = after_changes(site, service, options)
    bare = large["peer"]
    return {
        "tree_6k": small,
        "tree_100k": large,
        "tree_changed": summary(changed) | {"peer": bare, "unit": "ms"},
        "tree_memory": summary(memory) | {"peer": bare | dict.fromkeys(("median", "low", "high"), 0), "unit": "MB"},
        "tree_disk": summary(disk) | {"peer": bare | dict.fromkeys(("median", "low", "high"), 0), "unit": "MB"},
    }


def grow(site, files):
    """So many files beside the playbooks, two in each directory."""
    root = site.scratch / "playbooks/tree"
    text = b"- name: Set a parameter\n" * FILE_BYTES
    for number in range(0, files, 2):
        directory = root / f"{number // 200}" / f"{number}"
        if directory.exists():
            continue
        directory.mkdir(parents=True)
        for name in ("tasks.yml", "defaults.yml"):
            (directory / name).write_bytes(text[:FILE_BYTES])


def rounds(site, service, options):
    found = interleaved({
        "bare": lambda: timed(lambda: finish(site.bare(*ARGUMENTS))),
        "job": lambda: timed(lambda: service.run(REQUEST), service.rest),
    }, options.rounds(9))
    return over(found, 0, "ms", 1000)


def after_changes(site, service, options):
    """Milliseconds of the first job after one file changed; and what a run takes of memory and disk while it lasts."""
    file = site.scratch / "playbooks/tree/0/0/tasks.yml"
    runtime = pathlib.Path(f"/dev/shm/rangehand-{os.geteuid()}")
    changed, memory, disk = [], [], []
    for at in range(options.rounds(5)):
        file.write_text(f"- name: Set parameter {at}\n")
        # Otherwise it counts as changed once more.
        time.sleep(0.1)
        begun = time.monotonic()
        service.run(REQUEST)
        changed.append((time.monotonic() - begun) * 1000)
        service.rest()
        until = site.scratch / f"until-tree-{at}"
        before = [taken(runtime), taken(service.state)]
        job = service.call("POST", "/v1/jobs", {"bundle": "wait", "extra_vars": {"until": str(until)}})
        while not any(event["kind"] == "playbook_on_task_start" for event in
                      service.call("GET", f"/v1/jobs/{job['id']}/events?limit=1000")["items"]):
            time.sleep(0.1)
        memory.append(max(0, taken(runtime) - before[0]) / 1e6)
        disk.append(max(0, taken(service.state) - before[1]) / 1e6)
        until.touch()
        service.call("GET", f"/v1/jobs/{job['id']}?wait=100")
        service.rest()
    return changed, memory, disk


def taken(directory):
    """Bytes of blocks below a directory, files with several names once; without the snapshots, which runs share."""
    seen, total = set(), 0
    for at, directories, files in os.walk(directory):
        if "snapshots" in directories:
            directories.remove("snapshots")
        for name in files:
            try:
                found = os.lstat(os.path.join(at, name))
            except FileNotFoundError:
                continue
            if found.st_ino not in seen:
                seen.add(found.st_ino)
                total += found.st_blocks * 512
    return total
