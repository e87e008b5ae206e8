"""Runs of other kinds than pings: SSH hosts, the way from accepted to spawned, what the service takes of memory."""

import contextlib
import ctypes
import datetime
import os
import shutil
import struct
import subprocess
import time

from bench import machine
from bench.pings import REQUEST, over, timed
from bench.rounds import interleaved, percentile, summary
from bench.site import ROOT, finish

LAB = ROOT / "tests/lab/ssh.sh"
HOSTS = 5
RUNNING = 8


def ssh(site, options):
    """`ssh`: twenty tasks on five hosts. Neither side finds a connection that an earlier run left: each bare one has a home
    of its own."""
    lab = site.scratch / "lab"
    up(lab)
    try:
        shutil.copy(lab / "inventory/lab.yml", site.scratch / "inventory/lab.yml")
        with site.serve("ssh", **options.executor) as service:
            found = interleaved({
                "bare": lambda: timed(lambda: bare_twenty(site)),
                "job": lambda: timed(lambda: service.run({"bundle": "twenty", "inventory": "lab"}), service.rest),
            }, 2 if options.quick else 5, 0 if options.quick else 1)
    finally:
        subprocess.run([LAB, "down", lab], check=True, stdin=subprocess.DEVNULL)
    return {"ssh": over(found, 0, "ms", 1000) | {"lab": (lab / "hosts.env").read_text().splitlines()[0]}}


def up(lab):
    """Hosts in network namespaces; where there can be none, on ports of this machine."""
    for words in (["up", str(HOSTS)], ["up", "--local", str(HOSTS)]):
        shutil.rmtree(lab, ignore_errors=True)
        done = subprocess.run([LAB, *words, lab], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return
    raise SystemExit("there are no SSH hosts (see above)")


def bare_twenty(site):
    home = site.scratch / "homes" / str(time.monotonic_ns())
    home.mkdir(parents=True)
    arguments = ["-i", "inventory/lab.yml", "playbooks/bundles/twenty/main.yml"]
    finish(site.bare(*arguments, HOME=str(home)))


class Watch:
    """Reports when a file appears in a directory below `root`, with inotify. The observer must not wait for a CPU that the
    observed process uses, so this process gets a higher priority if that is allowed."""

    CREATE, MOVED_TO, CLOSED = 0x100, 0x80, 0x8

    def __init__(self, root):
        with contextlib.suppress(PermissionError):
            # Not what it starts: that is to be as usual.
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        self.libc, self.root = ctypes.CDLL(None, use_errno=True), root
        self.descriptor = self.libc.inotify_init1(os.O_CLOEXEC)
        self.add(root)

    def add(self, directory):
        mask = self.CREATE | self.MOVED_TO | self.CLOSED
        return self.libc.inotify_add_watch(self.descriptor, str(directory).encode(), mask)

    def names(self):
        """What has changed, by its names; waits for it."""
        data, at = os.read(self.descriptor, 65536), 0
        while at < len(data):
            _, _, _, length = struct.unpack_from("iIII", data, at)
            yield data[at + 16:at + 16 + length].rstrip(b"\0").decode()
            at += 16 + length

    def seen(self, known, *files):
        """Waits for these files, one after the other, in a directory that is not in `known`. Returns that directory, and the
        time of each."""
        watched, times = None, []
        while len(times) < len(files):
            for directory in set() if watched else set(os.listdir(self.root)) - known:
                watched = self.root / directory
                self.add(watched)
            if watched and (watched / files[len(times)]).exists():
                times.append(time.time())
            else:
                list(self.names())
        return watched.name, times


def spawned(site, options):
    """`spawned`: from the time that a job was accepted to its supervisor's first sign of life, the file `supervisor.json`."""
    times, begun, peer = [], [], []
    with site.serve("spawned", **options.executor) as service:
        runs = service.state / "runs"
        service.run(REQUEST)
        watch, known = Watch(runs), set(os.listdir(runs))
        for _ in range(40 if options.quick else 200):
            job = service.call("POST", "/v1/jobs", REQUEST)
            # The log is made right before the process.
            directory, (log, alive) = watch.seen(known, "supervisor.log", "supervisor.json")
            known.add(directory)
            accepted = datetime.datetime.fromisoformat(job["created_at"]).timestamp()
            begun.append((log - accepted) * 1000)
            times.append((alive - accepted) * 1000)
            service.call("GET", f"/v1/jobs/{job['id']}?wait=100")
            service.rest()
            peer.append(two_files(site.scratch))
    result = summary(times) | {"p50": percentile(times, 0.5), "median": percentile(times, 0.99), "unit": "ms"}
    result["each"] = {"until the process is made, half of them": percentile(begun, 0.5),
                      "99 of 100": percentile(begun, 0.99)}
    return {"spawned": result | {"peer": summary(peer) | {"median": percentile(peer, 0.99)}, "is": "p99"}}


def two_files(directory):
    """Milliseconds for two small files made durable, one after the other."""
    begun = time.monotonic()
    for name in ("one", "two"):
        with open(directory / name, "wb") as file:
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
    return (time.monotonic() - begun) * 1000


def memory(site, options):
    """`memory_idle`, `memory_job`: proportional shares, so what both processes map is counted once."""
    idle, jobs, kept, bare = [], [], [], []
    for at in range(options.rounds(3)):
        until = site.scratch / f"until-{at}"
        with site.serve(f"memory-{at}", RANGEHAND__RUNS__MAX_CONCURRENT=str(RUNNING), **options.executor) as service:
            time.sleep(1)
            idle.append(machine.memory_kib(service.pid) / 1000)
            request = {"bundle": "wait", "extra_vars": {"until": str(until)}}
            accepted = [service.call("POST", "/v1/jobs", request) for _ in range(RUNNING)]
            wait_for_tasks(service, accepted)
            own = [service.pid, *service.supervisors()]
            taken = sum(machine.memory_kib(pid) for pid in own) / 1000
            jobs.append((taken - idle[-1]) / RUNNING)
            process = site.bare("-i", "inventory/hosts.yml", "playbooks/bundles/wait/main.yml", "-e", f"until={until}")
            time.sleep(3)
            below = [process.pid, *machine.descendants(process.pid)]
            bare.append(sum(machine.memory_kib(pid) for pid in below) / 1000)
            until.touch()
            finish(process)
            for job in accepted:
                service.call("GET", f"/v1/jobs/{job['id']}?wait=200")
            service.rest()
            # By then modules are packed.
            time.sleep(8)
            kept.append(sum(machine.memory_kib(pid) for pid in machine.descendants(service.pid)) / 1000)
    peer = summary(bare)
    return {
        "memory_idle": summary(idle) | {"peer": peer, "unit": "MB", "after": summary(kept)["median"]},
        "memory_job": summary(jobs) | {"peer": peer, "unit": "MB"},
    }


def wait_for_tasks(service, jobs):
    """Until each of them is within its task."""
    for job in jobs:
        while not any(event["kind"] == "playbook_on_task_start" for event in
                      service.call("GET", f"/v1/jobs/{job['id']}/events?limit=1000")["items"]):
            time.sleep(0.1)
