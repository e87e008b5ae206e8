"""How cost grows with parallel jobs, hosts, events, and stored jobs. Each function returns plot lines as lists of points."""

import time

from bench import machine, stored
from bench.pings import ARGUMENTS, REQUEST, at_once
from bench.site import finish

JOBS = [1, 2, 4, 8, 16, 32, 64]
HOSTS = [1, 5, 20, 50, 100, 200]
EVENTS = [1_000, 10_000, 100_000, 1_000_000]
STORED = [100, 1_000, 10_000, 100_000]


def upto(numbers, options, quick):
    """With --quick only the smaller ones, otherwise up to what `--most` allows."""
    most = quick if options.quick else options.most or numbers[-1]
    return [number for number in numbers if number <= most]


def jobs_at_once(site, options):
    """`jobs`: so many pings at once, seconds until the last has ended."""
    own, bare = [], []
    with site.serve("growth", RANGEHAND__RUNS__MAX_CONCURRENT="64", **options.executor) as service:
        service.run(REQUEST)
        for number in upto(JOBS, options, 8):
            def jobs():
                at_once(number, lambda: service.run(REQUEST, service.connect()))

            def plain():
                for process in [site.bare(*ARGUMENTS) for _ in range(number)]:
                    finish(process)

            own.append((number, seconds(jobs)))
            service.rest()
            bare.append((number, seconds(plain)))
    return {"jobs": {"a job each": own, "ansible-playbook": bare}}


def hosts(site, options):
    """`hosts`: one ping of so many hosts, all of them this machine."""
    own, bare = [], []
    with site.serve("hosts", **options.executor) as service:
        service.run(REQUEST)
        for number in upto(HOSTS, options, 20):
            file = site.scratch / f"inventory/many{number}.yml"
            file.write_text("all:\n  vars:\n    ansible_connection: local\n    ansible_python_interpreter: auto_silent\n"
                            "  hosts:\n" + "".join(f"    host{at}:\n" for at in range(number)))
            request = {"bundle": "ping", "inventory": file.stem}
            own.append((number, seconds(lambda: service.run(request))))
            service.rest()
            words = ["-i", f"inventory/{file.name}", "playbooks/bundles/ping/main.yml"]
            bare.append((number, seconds(lambda: finish(site.bare(*words)))))
    return {"hosts": {"a job": own, "ansible-playbook": bare}}


def events(site, options):
    """`events`: events of one run through spool and store on one core, seconds; and out of the store again."""
    both, out = [], []
    for number in upto(EVENTS, options, 10_000):
        found = stored.through(number)
        both.append((number, number / found["through"]))
        out.append((number, number / found["out"]))
    return {"events": {"into spool and store": both, "out of the store": out}}


def stored_jobs(site, options):
    """`stored`: milliseconds to the first reply after the start, and of a page, with so many jobs stored."""
    starts, pages = [], []
    for number in upto(STORED, options, 1_000):
        name = f"stored-{number}"
        stored.fill(site.scratch / f"state-{name}", number, 5)
        with site.serve(name) as service:
            service.stop()
            starts.append((number, service.start("/v1/jobs")[1] * 1000))
            pages.append((number, stored.page_ms(service, "")))
    return {"stored": {"start to first reply": starts, "page of jobs": pages}}


def seconds(work):
    machine.reap()
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
