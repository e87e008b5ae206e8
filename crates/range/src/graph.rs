//! Directed graphs as adjacency lists: orders, cycles and connected parts, in time linear in nodes and edges.
//!
//! Nodes are numbers; whatever is undecided goes by the smaller number, so the result is always the same.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// A graph with the nodes `0..len`; parallel edges and edges from a node to itself are kept.
#[derive(Debug, Clone)]
pub struct Graph {
    /// Where the targets of each node begin; one more entry than nodes.
    begins: Vec<usize>,
    targets: Vec<u32>,
}

impl Graph {
    /// A graph from its edges.
    #[must_use]
    pub fn new(len: usize, edges: &[(u32, u32)]) -> Self {
        let mut begins = vec![0; len + 1];
        for (from, _) in edges {
            begins[*from as usize + 1] += 1;
        }
        for node in 0..len {
            begins[node + 1] += begins[node];
        }
        let mut next = begins.clone();
        let mut targets = vec![0; edges.len()];
        for (from, to) in edges {
            let place = &mut next[*from as usize];
            targets[*place] = *to;
            *place += 1;
        }
        Self { begins, targets }
    }

    /// The graph in which each edge leads both ways.
    #[must_use]
    pub fn undirected(len: usize, edges: &[(u32, u32)]) -> Self {
        let both: Vec<(u32, u32)> = edges.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
        Self::new(len, &both)
    }

    /// The number of nodes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.begins.len() - 1
    }

    /// Is there no node?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the edges of a node lead.
    #[must_use]
    pub fn targets(&self, node: usize) -> &[u32] {
        &self.targets[self.begins[node]..self.begins[node + 1]]
    }

    /// The nodes in an order in which no edge leads back, the smaller number first where there is a choice; `None` if there is a
    /// cycle.
    #[must_use]
    pub fn order(&self) -> Option<Vec<u32>> {
        let mut incoming = vec![0_u32; self.len()];
        for target in &self.targets {
            incoming[*target as usize] += 1;
        }
        let free = (0_u32..).zip(&incoming).filter(|(_, count)| **count == 0);
        let mut free: BinaryHeap<Reverse<u32>> = free.map(|(node, _)| Reverse(node)).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(node)) = free.pop() {
            order.push(node);
            for target in self.targets(node as usize) {
                incoming[*target as usize] -= 1;
                if incoming[*target as usize] == 0 {
                    free.push(Reverse(*target));
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }

    /// One cycle for each part of the graph whose nodes all reach each other: the nodes in order, beginning with the smallest.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<u32>> {
        let parts = self.strong_parts();
        let mut members = vec![Vec::new(); parts.iter().max().map_or(0, |last| last + 1)];
        for (node, part) in (0_u32..).zip(&parts) {
            members[*part].push(node);
        }
        members.sort();
        let is_cycle = |nodes: &Vec<u32>| {
            nodes.len() > 1 || nodes.iter().any(|node| self.targets(*node as usize).contains(node))
        };
        let mut seen = vec![u32::MAX; self.len()];
        members
            .into_iter()
            .filter(is_cycle)
            .map(|nodes| self.cycle_through(nodes[0], &parts, &mut seen))
            .collect()
    }

    /// The shortest cycle through a node, within its part.
    fn cycle_through(&self, first: u32, parts: &[usize], came_from: &mut [u32]) -> Vec<u32> {
        let mut open = VecDeque::from([first]);
        while let Some(node) = open.pop_front() {
            for target in self.targets(node as usize) {
                if *target == first {
                    let mut cycle = vec![node];
                    while let Some(last) = cycle.last().filter(|last| **last != first) {
                        cycle.push(came_from[*last as usize]);
                    }
                    cycle.reverse();
                    return cycle;
                }
                let is_new = came_from[*target as usize] == u32::MAX;
                if is_new && parts[*target as usize] == parts[first as usize] {
                    came_from[*target as usize] = node;
                    open.push_back(*target);
                }
            }
        }
        vec![first]
    }

    /// The strongly connected part of each node (Tarjan), without recursion.
    fn strong_parts(&self) -> Vec<usize> {
        const UNSEEN: usize = usize::MAX;
        let (mut index, mut low) = (vec![UNSEEN; self.len()], vec![0; self.len()]);
        let (mut part, mut parts) = (vec![UNSEEN; self.len()], 0);
        let (mut stack, mut calls, mut count) = (Vec::new(), Vec::new(), 0);
        for root in 0..self.len() {
            if index[root] != UNSEEN {
                continue;
            }
            calls.push((root, 0));
            while let Some((node, edge)) = calls.pop() {
                if edge == 0 {
                    (index[node], low[node]) = (count, count);
                    count += 1;
                    stack.push(node);
                }
                let Some(target) = self.targets(node).get(edge).map(|target| *target as usize) else {
                    if low[node] == index[node] {
                        while let Some(member) = stack.pop() {
                            part[member] = parts;
                            if member == node {
                                break;
                            }
                        }
                        parts += 1;
                    }
                    if let Some((parent, _)) = calls.last() {
                        low[*parent] = low[*parent].min(low[node]);
                    }
                    continue;
                };
                calls.push((node, edge + 1));
                if index[target] == UNSEEN {
                    calls.push((target, 0));
                } else if part[target] == UNSEEN {
                    low[node] = low[node].min(index[target]);
                }
            }
        }
        part
    }

    /// The connected part of each node, numbered from 0 in the order of their smallest nodes. For graphs whose edges lead both ways.
    #[must_use]
    pub fn parts(&self) -> Vec<u32> {
        let mut parts = vec![u32::MAX; self.len()];
        let (mut count, mut open) = (0, Vec::new());
        for root in 0..self.len() {
            if parts[root] != u32::MAX {
                continue;
            }
            open.push(root);
            parts[root] = count;
            while let Some(node) = open.pop() {
                for target in self.targets(node) {
                    if parts[*target as usize] == u32::MAX {
                        parts[*target as usize] = count;
                        open.push(*target as usize);
                    }
                }
            }
            count += 1;
        }
        parts
    }
}

/// There is no answer for a graph without nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a topology without machines is not a tree")]
pub struct NoNodes;

/// Is the undirected graph a tree, as `networkx.is_tree` answers for a `MultiGraph`: connected, with one edge less than nodes? Edges
/// from a node to itself and parallel edges count. For the answer of a simple `Graph`, pass each pair once.
///
/// # Errors
/// If there is no node; networkx raises `NetworkXPointlessConcept`.
pub fn is_tree(len: usize, edges: &[(u32, u32)]) -> Result<bool, NoNodes> {
    if len == 0 {
        return Err(NoNodes);
    }
    Ok(edges.len() == len - 1 && Graph::undirected(len, edges).parts().iter().all(|part| *part == 0))
}

/// Divides edges between different nodes: by their places, those that form a forest, and those that close a cycle in it.
#[must_use]
pub fn forest(len: usize, edges: &[(u32, u32)]) -> (Vec<usize>, Vec<usize>) {
    let mut above: Vec<usize> = (0..len).collect();
    let mut top = |mut node: usize, join: Option<usize>| {
        while above[node] != node {
            above[node] = above[above[node]];
            node = above[node];
        }
        if let Some(join) = join {
            above[node] = join;
        }
        node
    };
    (0..edges.len()).partition(|place| {
        let (a, b) = edges[*place];
        let (a, b) = (top(a as usize, None), top(b as usize, None));
        if a != b {
            top(a.max(b), Some(a.min(b)));
        }
        a != b
    })
}

impl Graph {
    /// The path from one node to another one in a forest whose edges lead both ways; only the target if there is none.
    #[must_use]
    pub fn path(&self, from: u32, to: u32) -> Vec<u32> {
        let mut came_from = vec![u32::MAX; self.len()];
        came_from[from as usize] = from;
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for target in self.targets(node as usize) {
                if came_from[*target as usize] == u32::MAX {
                    came_from[*target as usize] = node;
                    open.push(*target);
                }
            }
        }
        let mut path = vec![to];
        while let Some(last) =
            path.last().filter(|last| **last != from && came_from[**last as usize] != u32::MAX)
        {
            path.push(came_from[*last as usize]);
        }
        path.reverse();
        path
    }
}
