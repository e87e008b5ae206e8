"""Machines as network namespaces, made and removed by the local platform, beside `ip -batch` doing the same."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from bench.rounds import down_over_up, interleaved, over
from bench.site import ROOT

PROGRAM = ROOT / "target/release/examples/namespaces"
# Each round has its own network and mount namespaces, so it sees and changes nothing of this machine. The kernel removes
# namespaces in the background: a round waits until those of the round before are removed.
APART = ["unshare", "--net", "--mount", "--propagation", "private"]
MACHINES, MEMBERS, SIDE = 1000, 20, 33
AT_ONCE = 4


def lines(_site, options):
    """`namespaces`, `namespaces_grid`, each with its removal."""
    if os.geteuid() != 0:
        print("not measured: namespaces need root", file=sys.stderr)
        return {}
    found = {}
    for name, size, make in [("namespaces", MACHINES, bus), ("namespaces_grid", "grid", grid)]:
        with tempfile.TemporaryDirectory() as scratch:
            write_batches(pathlib.Path(scratch), *make())
            rounds = interleaved({
                "own": lambda: own(size),
                "peer": lambda: peer(pathlib.Path(scratch)),
            }, options.rounds(5))
        (up, down), (up_by_batch, down_by_batch) = (
            ([value[key] for value in rounds[way]] for key in ("up_ms", "down_ms")) for way in ("own", "peer")
        )
        found[name] = over(up, up_by_batch) | {"unit": "ms"}
        found[f"{name}_down"] = down_over_up(down, up, {"`ip -batch`": down_by_batch}, "ms")
    return found


def own(size):
    script = f"mount -t tmpfs tmpfs /run && exec {PROGRAM} /run/bench {size} {AT_ONCE}"
    done = subprocess.run([*APART, "sh", "-c", script], check=True, stdout=subprocess.PIPE)
    settle()
    found = json.loads(done.stdout)
    assert found["is_whole"] and found["is_empty"], found
    return found


def peer(scratch):
    """One batch for all links, and one within each namespace; the way that is fastest with the program `ip`."""
    script = f"""
        set -e
        mount -t tmpfs tmpfs /run
        now() {{ date +%s%N; }}
        begun=$(now)
        ip -batch {scratch}/links
        for batch in {scratch}/machines/*; do ip -n "${{batch##*/}}" -batch "$batch"; done
        up=$(now)
        ip -batch {scratch}/remove
        printf '{{"up_ms": %s, "down_ms": %s}}' $(((up - begun) / 1000)) $((($(now) - up) / 1000))
    """
    done = subprocess.run([*APART, "bash", "-c", script], check=True, stdout=subprocess.PIPE)
    settle()
    return {key: value / 1000 for key, value in json.loads(done.stdout).items()}


def settle():
    """Waits until removed namespaces no longer exist: the kernel removes them in order."""
    subprocess.run(["unshare", "--net", "true"], check=True)
    time.sleep(2)


def bus():
    """Networks, and machines with their addresses and gateway, as `crates/platform/examples/namespaces.rs` makes them."""
    ways = [("a", 100), ("b", 110)]
    segments = -(-MACHINES // MEMBERS)
    networks = [f"{letter}{segment}" for letter, _ in ways for segment in range(segments)]
    machines = []
    for at in range(MACHINES):
        segment, host = divmod(at, MEMBERS)
        nics = [(f"{letter}{segment}", f"10.{second}.{segment}.{host + 10}/24") for letter, second in ways]
        machines.append((f"m{at}", nics, f"10.100.{segment}.1"))
    return networks, machines


def grid():
    networks, nics = [], [[] for _ in range(SIDE * SIDE)]

    def link(a, b):
        number = len(networks)
        third, base = number // 64, number % 64 * 4
        networks.append(f"l{number}")
        for end, host in [(a, 1), (b, 2)]:
            nics[end].append((f"l{number}", f"10.{120 + third // 256}.{third % 256}.{base + host}/30"))

    for at in range(SIDE * SIDE):
        if at % SIDE + 1 < SIDE:
            link(at, at + 1)
        if at // SIDE + 1 < SIDE:
            link(at, at + SIDE)
    return networks, [(f"m{at}", own, None) for at, own in enumerate(nics)]


def write_batches(scratch, networks, machines):
    (scratch / "machines").mkdir()
    links = [f"link add {name} type bridge\nlink set {name} up" for name in networks]
    for name, nics, gateway in machines:
        links.append(f"netns add {name}")
        inside = ["link set lo up"]
        for at, (network, address) in enumerate(nics):
            links.append(f"link add {name}-{at} master {network} up type veth peer name eth{at} netns {name}")
            inside += [f"address add {address} dev eth{at}", f"link set eth{at} up"]
        if gateway:
            inside.append(f"route add default via {gateway}")
        (scratch / "machines" / name).write_text("\n".join(inside) + "\n")
    (scratch / "links").write_text("\n".join(links) + "\n")
    remove = [f"netns delete {name}" for name, _, _ in machines] + [f"link delete {name}" for name in networks]
    (scratch / "remove").write_text("\n".join(remove) + "\n")
