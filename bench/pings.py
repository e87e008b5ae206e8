"""Pings: from POST to reply, and what they cost, beside bare `ansible-playbook` on the same playbook and inventory."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from bench import machine
from bench.rounds import interleaved, ratios, summary
from bench.site import finish

REQUEST = {"bundle": "ping", "limit": "localhost"}
ARGUMENTS = ["-i", "inventory/hosts.yml", "--limit", "localhost", "playbooks/bundles/ping/main.yml"]


def timed(work, rest=lambda: None):
    """Seconds by the clock, and of all processors together, until `rest` comes back as well."""
    cpu, begun = machine.cpu_below_s(), time.monotonic()
    work()
    wall = time.monotonic() - begun
    rest()
    return wall, machine.cpu_below_s() - cpu


def one(site, options):
    """`ping` and `cpu`."""
    jobs = []
    with site.serve("ping", **options.executor) as service:
        found = interleaved({
            "bare": lambda: timed(lambda: finish(site.bare(*ARGUMENTS))),
            "job": lambda: timed(lambda: jobs.append(service.run(REQUEST)), service.rest),
        }, options.rounds(25))
        each = parts(service, jobs[1:])
    return {
        "ping": over(found, 0, "ms", 1000) | {"each": each},
        "cpu": over(found, 1, "ms of processor time", 1000),
    }


def sandbox(site, options):
    """`sandbox`: the same job in a sandbox and without one, by one service."""
    with site.serve("sandbox", RANGEHAND__RUNS__ISOLATION="process", **options.executor) as service:
        def job(isolation):
            return timed(lambda: service.run(REQUEST | isolation), service.rest)

        found = interleaved({"bare": lambda: job({}), "job": lambda: job({"isolation": "sandbox"})}, options.rounds(25))
    return {"sandbox": over(found, 0, "ms", 1000)}


def parts(service, jobs):
    """Where the time of a job goes, by the times of its events: medians in milliseconds."""
    found = {"accepted to claimed": [], "to Ansible's first event": [], "to the recap": [], "to the end, stored": []}
    for job in jobs:
        events = service.call("GET", f"/v1/jobs/{job['id']}/events?limit=1000")["items"]
        time_of = {event["kind"]: datetime.fromisoformat(event["time"]) for event in events}
        points = [datetime.fromisoformat(job["created_at"]), datetime.fromisoformat(job["started_at"]),
                  time_of["playbook_on_start"], time_of["playbook_on_stats"],
                  datetime.fromisoformat(job["finished_at"])]
        for name, begin, end in zip(found, points, points[1:]):
            found[name].append((end - begin).total_seconds() * 1000)
    return {name: summary(times)["median"] for name, times in found.items()}


def eight(site, options):
    """`eight`: eight at once."""
    with site.serve("eight", **options.executor) as service:
        def jobs():
            at_once(8, lambda: service.run(REQUEST, service.connect()))

        def bare():
            for process in [site.bare(*ARGUMENTS) for _ in range(8)]:
                finish(process)

        found = interleaved({"bare": lambda: timed(bare), "job": lambda: timed(jobs, service.rest)},
                            options.rounds(9))
    return {"eight": over(found, 0, "ms", 1000)}


def at_once(number, work):
    """So many threads do it; what goes wrong in one of them goes wrong here."""
    with ThreadPoolExecutor(number) as pool:
        for done in [pool.submit(work) for _ in range(number)]:
            done.result()


def over(found, part, unit, factor):
    """The job relative to bare Ansible, with both values."""
    own = [value[part] for value in found["job"]]
    bare = [value[part] for value in found["bare"]]
    return {
        **summary(ratios(own, bare)),
        "own": summary([value * factor for value in own]),
        "peer": summary([value * factor for value in bare]),
        "unit": unit,
    }
