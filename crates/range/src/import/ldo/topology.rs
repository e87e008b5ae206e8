//! The rule of the orchestrator: a tree with one main jumpbox, each node and each link once.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::body::{Edge, Node};
use crate::{
    document::Role,
    fault::{quote, words},
    graph::{Graph, forest},
    layout::number,
};

words! {
    /// What a topology has wrong.
    TopologyFault {
        /// There is no node.
        Empty = "empty",
        /// Two nodes have the same id.
        DuplicateNode = "duplicate_node",
        /// Two links have the same id.
        DuplicateLinkId = "duplicate_link_id",
        /// A link names a node that does not exist.
        UnknownNode = "unknown_node",
        /// A link connects a node with itself.
        SelfLink = "self_link",
        /// Two nodes are linked twice, in one direction or both.
        DuplicateLink = "duplicate_link",
        /// Links form a cycle.
        Cycle = "cycle",
        /// Nodes are not connected with the others.
        Disconnected = "disconnected",
        /// No node is the main jumpbox.
        NoMainJumpbox = "no_main_jumpbox",
        /// More than one node is the main jumpbox.
        SeveralMainJumpboxes = "several_main_jumpboxes",
    }
}

/// A fault of the topology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LdoFault {
    /// What is wrong.
    pub code: TopologyFault,
    /// The ids of the nodes or links concerned.
    pub ids: Vec<String>,
    /// The same as text.
    pub message: String,
}

/// The pairs of nodes that are linked, if the topology is a tree with one main jumpbox.
pub(super) fn check(nodes: &[Node], edges: &[Edge]) -> Result<Vec<(u32, u32)>, Vec<LdoFault>> {
    let mut faults = Vec::new();
    let mut add = |code: TopologyFault, ids: Vec<&str>, message: String| {
        let ids = ids.into_iter().map(str::to_owned).collect();
        faults.push(LdoFault { code, ids, message });
    };
    if nodes.is_empty() {
        add(TopologyFault::Empty, Vec::new(), "there are no nodes".to_owned());
    }
    let mut places: HashMap<&str, u32> = HashMap::with_capacity(nodes.len());
    for node in nodes {
        // A node counts once, by its first place.
        let next = number(places.len());
        if places.contains_key(node.id.as_str()) {
            add(
                TopologyFault::DuplicateNode,
                vec![&node.id],
                format!("two nodes have the id `{}`", quote(&node.id)),
            );
        }
        places.entry(&node.id).or_insert(next);
    }
    let main: Vec<&str> =
        nodes.iter().filter(|node| node.role == Role::Jumpbox).map(|node| node.id.as_str()).collect();
    match main.as_slice() {
        [_] => {}
        [] => add(TopologyFault::NoMainJumpbox, Vec::new(), "no node has the role `jumpbox_main`".to_owned()),
        several => {
            let message = format!("several nodes have the role `jumpbox_main`: {}", several.join(", "));
            add(TopologyFault::SeveralMainJumpboxes, several.to_vec(), message);
        }
    }
    let mut link_ids = HashSet::new();
    let (mut pairs, mut seen) = (Vec::with_capacity(edges.len()), HashSet::new());
    for edge in edges {
        if let Some(id) = edge.id.as_deref().filter(|id| !link_ids.insert(*id)) {
            add(TopologyFault::DuplicateLinkId, vec![id], format!("two links have the id `{}`", quote(id)));
        }
        let (source, target) = (edge.source.as_str(), edge.target.as_str());
        for end in [source, target] {
            if !places.contains_key(end) {
                let message = format!("a link names the unknown node `{}`", quote(end));
                add(TopologyFault::UnknownNode, vec![end], message);
            }
        }
        let (Some(a), Some(b)) = (places.get(source), places.get(target)) else { continue };
        if a == b {
            add(TopologyFault::SelfLink, vec![source], format!("`{}` is linked with itself", quote(source)));
        } else if !seen.insert((a.min(b), a.max(b))) {
            let message = format!("`{}` and `{}` are linked twice", quote(source), quote(target));
            add(TopologyFault::DuplicateLink, vec![source, target], message);
        } else {
            pairs.push((*a, *b));
        }
    }
    let mut ids = vec![""; places.len()];
    places.iter().for_each(|(id, place)| ids[*place as usize] = id);
    let (kept, closing) = forest(places.len(), &pairs);
    let kept: Vec<(u32, u32)> = kept.into_iter().map(|place| pairs[place]).collect();
    let graph = Graph::undirected(places.len(), &kept);
    for (a, b) in closing.into_iter().take(MAX_CIRCLES).map(|place| pairs[place]) {
        let cycle: Vec<&str> = graph.path(a, b).into_iter().map(|node| ids[node as usize]).collect();
        let message = format!("links form a cycle: {}", cycle.join(", "));
        add(TopologyFault::Cycle, cycle, message);
    }
    let parts = graph.parts();
    let first = main.first().and_then(|id| places.get(id)).map_or(0, |place| *place as usize);
    let lost: Vec<&str> =
        parts.iter().zip(&ids).filter(|(part, _)| **part != parts[first]).map(|(_, id)| *id).collect();
    if !lost.is_empty() {
        let message = format!("nodes are not connected with `{}`: {}", ids[first], lost.join(", "));
        add(TopologyFault::Disconnected, lost, message);
    }
    if faults.is_empty() { Ok(pairs) } else { Err(faults) }
}

/// The most cycles that are reported.
const MAX_CIRCLES: usize = 10;
