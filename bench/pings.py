"""Pings: from POST to reply, and what they cost, beside bare `ansible-playbook` on the same playbook and inventory."""

import time
from concurrent.futures import ThreadPoolExecutor

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
    with site.serve("ping", **options.executor) as service:
        found = interleaved({
            "bare": lambda: timed(lambda: finish(site.bare(*ARGUMENTS))),
            "job": lambda: timed(lambda: service.run(REQUEST), service.rest),
        }, options.rounds(25))
    return {
        "ping": over(found, 0, "ms", 1000),
        "cpu": over(found, 1, "ms of processor time", 1000),
    }


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
    """Ours over bare, with both."""
    ours = [value[part] for value in found["job"]]
    bare = [value[part] for value in found["bare"]]
    return {
        **summary(ratios(ours, bare)),
        "ours": summary([value * factor for value in ours]),
        "peer": summary([value * factor for value in bare]),
        "unit": unit,
    }
