"""The plan of a large range, beside networkx, which only checks that the topology is a tree and orders the steps."""

import json
import pathlib
import subprocess

from bench.rounds import interleaved, ratios, summary
from bench.site import ROOT

PROGRAM = ROOT / "target/release/examples/plan"
PYTHON = ROOT / ".venv-networkx/bin/python"
PEER = pathlib.Path(__file__).with_name("networkx_peer.py")


def lines(_site, options):
    """`plan`, `plan_memory`, `plan_networkx`: each value is the median of five plans in a process of its own."""
    graph = subprocess.run([PROGRAM, "graph"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
    found = interleaved({
        "own": lambda: measured([PROGRAM, "time", "5"], b""),
        "peer": lambda: measured([PYTHON, PEER, "5"], graph),
    }, options.rounds(15))
    own, peer = ([value["total_ms"] for value in found[name]] for name in ("own", "peer"))
    memory, peer_memory = (summary([value["memory_mb"] for value in found[name]]) for name in ("own", "peer"))
    parts = {"form and checks": "check_ms", "names and addresses": "expand_ms", "steps and digest": "plan_ms"}
    parts = {title: summary([value[part] for value in found["own"]])["median"] for title, part in parts.items()}
    return {
        "plan": summary(own) | {"peer": summary(peer), "unit": "ms", "each": parts},
        "plan_memory": memory | {"peer": peer_memory, "unit": "MB"},
        "plan_networkx": summary(ratios(own, peer)) | {"own": summary(own), "peer": summary(peer), "unit": "ms"},
    }


def measured(words, graph):
    done = subprocess.run(words, check=True, input=graph, stdout=subprocess.PIPE)
    return json.loads(done.stdout)
