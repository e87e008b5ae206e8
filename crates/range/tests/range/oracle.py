"""Answers questions about graphs with networkx: the question is the argument, the graphs are JSON on standard input."""

import json
import sys

import networkx as nx


def filled(graph, sample):
    graph.add_nodes_from(range(sample["nodes"]))
    graph.add_edges_from(map(tuple, sample["edges"]))
    return graph


def tree(graph):
    try:
        return nx.is_tree(graph)
    except nx.NetworkXPointlessConcept:
        return None


def is_tree(sample):
    multi = filled(nx.MultiGraph(), sample)
    return {"multi": tree(multi), "simple": tree(filled(nx.Graph(), sample)), "parts": nx.number_connected_components(multi)}


def plans(steps):
    graph = nx.DiGraph()
    graph.add_nodes_from(step["id"] for step in steps)
    # A step is an edge from its begin to its end in effect: its duration counts for each step that needs it, and at the end.
    durations = {step["id"]: step["ms"] for step in steps}
    for step in steps:
        graph.add_edge(step["id"], "end", weight=step["ms"])
        for need in step["needs"]:
            graph.add_edge(need, step["id"], weight=durations[need])
    longest = nx.dag_longest_path_length(graph) if steps else 0
    if steps:
        graph.remove_node("end")
    return {"order": list(nx.lexicographical_topological_sort(graph)), "longest": longest}


def cycles(sample):
    graph = filled(nx.MultiDiGraph(), sample)
    try:
        order = list(nx.lexicographical_topological_sort(graph))
    except nx.NetworkXUnfeasible:
        order = None
    parts = [part for part in nx.strongly_connected_components(graph) if len(part) > 1 or any(graph.has_edge(node, node) for node in part)]
    return {"order": order, "parts_with_cycles": len(parts)}


questions = {"is_tree": is_tree, "plans": plans, "cycles": cycles}
json.dump([questions[sys.argv[1]](sample) for sample in json.load(sys.stdin)], sys.stdout)
