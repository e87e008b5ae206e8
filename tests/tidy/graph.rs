//! Circles in a directed graph.

use std::collections::{BTreeMap, BTreeSet};

/// The nodes that each node depends on.
pub(crate) type Graph<T> = BTreeMap<T, BTreeSet<T>>;

/// Sets of nodes that reach each other (strongly connected components of more than one node), by Kosaraju's algorithm.
pub(crate) fn circles<T: Ord + Clone>(graph: &Graph<T>) -> Vec<BTreeSet<T>> {
    let mut reversed: Graph<T> = Graph::new();
    for (from, to) in graph {
        for to in to {
            reversed.entry(to.clone()).or_default().insert(from.clone());
        }
    }
    let mut seen = BTreeSet::new();
    let mut finished = Vec::new();
    for node in graph.keys().chain(reversed.keys()) {
        visit(graph, node, &mut seen, &mut finished);
    }
    let mut assigned = BTreeSet::new();
    let mut circles = Vec::new();
    for node in finished.iter().rev() {
        let mut members = Vec::new();
        visit(&reversed, node, &mut assigned, &mut members);
        if members.len() > 1 {
            circles.push(members.into_iter().collect());
        }
    }
    circles
}

/// Adds all that are reached from a node and are not seen yet, a node after those that it depends on.
fn visit<T: Ord + Clone>(graph: &Graph<T>, node: &T, seen: &mut BTreeSet<T>, finished: &mut Vec<T>) {
    if !seen.insert(node.clone()) {
        return;
    }
    for next in graph.get(node).into_iter().flatten() {
        visit(graph, next, seen, finished);
    }
    finished.push(node.clone());
}

#[test]
fn circles_are_found_and_chains_are_none() {
    let graph = |edges: &[(&'static str, &'static str)]| {
        let mut graph: Graph<&str> = Graph::new();
        for (from, to) in edges {
            graph.entry(*from).or_default().insert(*to);
        }
        graph
    };
    assert_eq!(circles(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), Vec::<BTreeSet<&str>>::new());
    let found = circles(&graph(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "f"), ("f", "e")]));
    assert_eq!(found, [BTreeSet::from(["e", "f"]), BTreeSet::from(["b", "c"])]);
}
