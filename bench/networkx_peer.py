"""Reads links and needs from standard input, and measures networkx: is it a tree, and in which order come the steps?

Building its graphs counts, as it does for a plan; reading the JSON does not.
"""

import json
import statistics
import sys
import time

import networkx


def once(given):
    begun = time.perf_counter()
    machines = networkx.Graph()
    machines.add_nodes_from(range(given["machines"]))
    machines.add_edges_from(given["links"])
    steps = networkx.DiGraph()
    steps.add_nodes_from(range(given["steps"]))
    steps.add_edges_from(given["needs"])
    assert networkx.is_tree(machines)
    assert len(list(networkx.topological_sort(steps))) == given["steps"]
    return (time.perf_counter() - begun) * 1000


def most_memory():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


given = json.load(sys.stdin)
print(json.dumps({"total_ms": statistics.median(once(given) for _ in range(int(sys.argv[1]))), "memory_mb": most_memory()}))
