"""Ranges made and destroyed by a service: on the simulated platform beside the critical path, and guests beside the same by hand."""

import json
import os
import pathlib
import subprocess
import sys
import time

from bench import machine
from bench.rounds import down_over_up, interleaved, over, summary

PEER = pathlib.Path(__file__).with_name("guests_peer.py")
TEMPLATE = "RANGEHAND_TEST_TEMPLATE"
WAIT_S = 300
GUESTS = 4
NETWORKS = 4
# Behind the router; two of them on each network.
SERVERS = 8


def simulated(site, options):
    """`range`: the usual latencies of the platform, in real time. Each round has a service without history, so the plan knows exactly
    how long the platform takes."""
    rounds = [simulated_round(site, number) for number in range(options.rounds(5))]
    up, down, critical, critical_down = zip(*rounds)
    return {
        "range": over(up, critical) | {"unit": "s"},
        "range_down": down_over_up(down, up, {"its own critical path": critical_down}, "s"),
    }


def simulated_round(site, number):
    servers = {f"m{at}": {"template": "debian-12", "networks": [f"n{at % NETWORKS}"]} for at in range(SERVERS)}
    router = {"template": "debian-12", "role": "router", "networks": [f"n{at}" for at in range(NETWORKS)]}
    document = {
        "name": "measured", "platform": "simulated",
        "networks": {f"n{at}": {"cidr": f"10.0.{at}.0/24"} for at in range(NETWORKS)},
        "machines": {"gw": router} | servers,
    }
    # As many calls as machines: with the usual 8, one machine would wait for the others.
    with site.serve(f"range-{number}", RANGEHAND__PLATFORMS__SIMULATED__MAX_CONCURRENT_CALLS="16") as service:
        plan = service.call("POST", "/v1/ranges?dry_run=true", document)
        up = apply(service, document)
        # The estimates come from what the first plan took, so this one is by the platform, too.
        shown = service.call("DELETE", "/v1/ranges/measured?dry_run=true")
        down = destroy(service, "measured")
    return up, down, plan["duration_ms"] / 1000, shown["duration_ms"] / 1000


def guests(site, options):
    """`guests`: with its removal; the template is a directory that the variable names."""
    template = os.environ.get(TEMPLATE)
    if os.geteuid() != 0 or not template:
        print(f"not measured: guests need root, and a template (`rangehand template build`) in {TEMPLATE}", file=sys.stderr)
        return {}
    document = {
        "name": "guests", "platform": "local",
        "networks": {"lan": {"cidr": "10.77.0.0/24"}},
        "machines": {f"g{at}": {"template": "bench", "networks": ["lan"]} for at in range(GUESTS)},
    }
    run, state = site.scratch / "run", site.scratch / "platform"
    settings = {
        "RANGEHAND__PLATFORMS__LOCAL__TEMPLATES": f"bench={os.path.realpath(template)}",
        "RANGEHAND__PLATFORMS__LOCAL__RUN_DIR": str(run),
        "RANGEHAND__PLATFORMS__LOCAL__STATE_DIR": str(state),
    }
    with site.serve("guests", **settings) as service:
        def own():
            up = apply(service, document)
            steps = service.call("GET", "/v1/ranges/guests/plan")["steps"]
            down = destroy(service, "guests")
            left = [*run.glob("**/*"), *state.glob("guests/**/*"), *guests_running()]
            assert not left, f"left behind: {left}"
            kinds = dict.fromkeys(step["kind"] for step in steps)
            longest = {kind: max(step["took_ms"] for step in steps if step["kind"] == kind) / 1000 for kind in kinds}
            return {"up": up, "down": down, "steps": longest}

        rounds = interleaved({"own": own, "peer": lambda: by_hand(site, template)}, options.rounds(7))
    up, down = ([value[key] for value in rounds["own"]] for key in ("up", "down"))
    up_by_hand, down_by_hand = ([value[key] for value in rounds["peer"]] for key in ("up", "down"))
    each = {kind: summary([value["steps"][kind] for value in rounds["own"]])["median"] for kind in rounds["own"][0]["steps"]}
    return {
        "guests": over(up, up_by_hand) | {"unit": "s", "each": each},
        "guests_down": down_over_up(down, up, {"by hand": down_by_hand}, "s"),
    }


def by_hand(site, template):
    """In network and mount namespaces of its own."""
    apart = ["unshare", "--net", "--mount", "--propagation", "private"]
    words = [*apart, sys.executable, PEER, os.path.realpath(template), site.scratch / "by-hand", str(GUESTS)]
    done = subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def guests_running():
    """First processes of guests that this process has adopted."""
    machine.reap()
    return [pid for pid in machine.descendants(os.getpid()) if machine.name_of(pid) == "systemd-nspawn"]


def apply(service, document):
    """Seconds from the request to the end of the job."""
    begun = time.perf_counter()
    change = service.call("POST", f"/v1/ranges?wait={WAIT_S}", document)
    took = time.perf_counter() - begun
    assert change["job"]["state"] == "succeeded" and change["range"]["state"] == "ready", change
    return took


def destroy(service, name):
    """The same for its removal."""
    begun = time.perf_counter()
    change = service.call("DELETE", f"/v1/ranges/{name}?wait={WAIT_S}")
    took = time.perf_counter() - begun
    assert change["job"]["state"] == "succeeded", change
    while service.call("GET", "/v1/ranges")["items"]:
        time.sleep(0.01)
    return took
