//! What `kind: tree` demands: links only, each pair of machines once, connected, one link less than machines, one main jumpbox.

use std::collections::HashMap;

use crate::{
    Faults,
    document::{Document, Name, Role, names::UPLINK},
    fault::{At, FaultCode},
    graph::{Graph, forest},
    layout::number,
};

const ROOT: At<'_> = At::Root;
/// The most cycles that are shown with their path.
const MAX_PATHS: usize = 10;

/// Records every way in which the topology is not a tree.
pub fn check(document: &Document, faults: &mut Faults) {
    if !document.networks.is_empty() {
        let message = "a tree consists of links and has no networks";
        faults
            .add(&ROOT.field("networks"), FaultCode::NotAllowed, message)
            .hint("use `links`, or `kind: free`");
    }
    for (name, machine) in &document.machines {
        let (machines, networks) = (ROOT.field("machines"), "networks");
        let at = machines.field(name.as_str());
        for (place, nic) in machine.networks.iter().enumerate().filter(|(_, nic)| nic.name.as_str() != UPLINK)
        {
            let message =
                format!("`{name}` is attached to `{}`; in a tree only `uplink` is allowed", nic.name);
            faults.add(&at.field(networks).item(place), FaultCode::NotAllowed, message).hint("use `links`");
        }
    }
    jumpboxes(document, faults);
    if document.machines.is_empty() {
        faults.add(&ROOT.field("machines"), FaultCode::NotATree, "a topology without machines is not a tree");
        return;
    }
    let edges = pairs(document, faults);
    cycles(document, &edges, faults);
    connected(document, &edges, faults);
}

fn jumpboxes(document: &Document, faults: &mut Faults) {
    let jumpboxes: Vec<&str> = document
        .machines
        .iter()
        .filter(|(_, machine)| machine.role == Role::Jumpbox)
        .map(|(name, _)| name.as_str())
        .collect();
    let message = match jumpboxes.as_slice() {
        [_] => return,
        [] => "no machine has the role `jumpbox`".to_owned(),
        several => format!("{} machines have the role `jumpbox`: {}", several.len(), several.join(", ")),
    };
    faults.add(&ROOT.field("machines"), FaultCode::Jumpbox, message).hint("give it to exactly one machine");
}

/// The pairs of machines that are linked, each once, with the place of their link; links to unknown machines, which the checks of
/// references report, and links of a machine with itself are left out.
fn pairs(document: &Document, faults: &mut Faults) -> Vec<((u32, u32), usize)> {
    let mut first: HashMap<(u32, u32), usize> = HashMap::new();
    let mut pairs = Vec::with_capacity(document.links.len());
    let links = ROOT.field("links");
    for (place, link) in document.links.iter().enumerate() {
        let [a, b] = link.between.0.each_ref().map(|end| document.machines.get_index_of(end).map(number));
        let (Some(a), Some(b)) = (a, b) else { continue };
        if a == b {
            continue;
        }
        let pair = (a.min(b), a.max(b));
        if let Some(other) = first.insert(pair, place) {
            let [a, b] = &link.between.0;
            let message = format!("`{a}` and `{b}` are linked twice, by links {other} and {place}");
            faults.add(&links.item(place), FaultCode::NotATree, message).hint("remove one of the two");
        } else {
            pairs.push((pair, place));
        }
    }
    pairs
}

fn name(document: &Document, machine: u32) -> &str {
    document.machines.get_index(machine as usize).map_or("", |(name, _)| Name::as_str(name))
}

/// Every link that connects what other links connect already closes a cycle.
fn cycles(document: &Document, pairs: &[((u32, u32), usize)], faults: &mut Faults) {
    let edges: Vec<(u32, u32)> = pairs.iter().map(|(pair, _)| *pair).collect();
    let (kept, closing) = forest(document.machines.len(), &edges);
    if closing.is_empty() {
        return;
    }
    let kept: Vec<(u32, u32)> = kept.into_iter().map(|place| edges[place]).collect();
    let graph = Graph::undirected(document.machines.len(), &kept);
    let links = ROOT.field("links");
    for (shown, ((a, b), place)) in closing.into_iter().map(|place| pairs[place]).enumerate() {
        // The path of each cycle costs a search; after some, the link alone is named.
        let message = if shown < MAX_PATHS {
            let path: Vec<&str> = graph.path(a, b).into_iter().map(|node| name(document, node)).collect();
            format!("the link closes a cycle: {} -> {}", path.join(" -> "), name(document, a))
        } else {
            format!("the link between `{}` and `{}` closes a cycle", name(document, a), name(document, b))
        };
        faults.add(&links.item(place), FaultCode::NotATree, message).hint("remove one link of the cycle");
    }
}

/// Every machine is connected with the main jumpbox, or with the first machine where there is none.
fn connected(document: &Document, pairs: &[((u32, u32), usize)], faults: &mut Faults) {
    let edges: Vec<(u32, u32)> = pairs.iter().map(|(pair, _)| *pair).collect();
    let parts = Graph::undirected(document.machines.len(), &edges).parts();
    let main = document.machines.values().position(|machine| machine.role == Role::Jumpbox).unwrap_or(0);
    let lost: Vec<&str> = (0..)
        .zip(&parts)
        .filter(|(_, part)| **part != parts[main])
        .map(|(node, _)| name(document, node))
        .collect();
    if let Some(first) = lost.first() {
        let others = if lost.len() > 1 { format!(" and {} more", lost.len() - 1) } else { String::new() };
        let message =
            format!("`{first}`{others} cannot be reached from `{}` by links", name(document, number(main)));
        faults
            .add(&ROOT.field("links"), FaultCode::NotATree, message)
            .hint(format!("link these: {}", shown(&lost)));
    }
}

fn shown(names: &[&str]) -> String {
    let first: Vec<&str> = names.iter().take(20).copied().collect();
    format!("{}{}", first.join(", "), if names.len() > 20 { ", ..." } else { "" })
}
