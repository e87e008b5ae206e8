//! The graph of the Local Deployments Orchestrator as a range document.
//!
//! Its body is read as leniently as the service that it is from does: unknown fields are ignored, whole numbers may be texts. Its rule
//! is kept, a connected tree with a main jumpbox, and so are the cases that it let pass by mistake refused: two main
//! jumpboxes, links to unknown nodes, duplicate links and duplicate ids. Each fault names the ids.

mod body;
mod names;
mod topology;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

pub use self::topology::{LdoFault, TopologyFault};
use self::{
    body::{Edge, Node},
    names::{MAX_LABEL_BYTES, machine_names, plain_name},
};
use crate::{
    Faults,
    document::{
        Allow, Count, Document, Instances, Link, Machine, MachineKind, Name, Named, Nic, OnFailure, Role,
        Rule, TopologyKind,
        names::{ANY, UPLINK},
        topology::Ends,
    },
};

/// Why a graph is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The body does not have its form.
    #[error("{0}")]
    Form(Faults),
    /// The topology is not a tree with one main jumpbox.
    #[error("invalid topology: {}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))]
    Topology(Vec<LdoFault>),
}

/// A graph as a range document.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The id of the range, a UUID.
    pub id: String,
    /// The name of the range as the client wrote it.
    pub name: String,
    /// Who created it, if the client says so.
    pub created_by: Option<String>,
    /// The machine of each node, by its id, in the order of the nodes.
    pub machines: Vec<(String, Name)>,
    /// The links in the order in which the orchestrator numbers their bridges, as places in the document: by nodes, and for each
    /// node by its neighbors.
    pub bridges: Vec<usize>,
    /// The document, of kind `tree`.
    pub document: Document,
}

/// Reads a graph.
///
/// # Errors
/// If the body does not have its form, or the topology is refused.
pub fn import(body: &Value, platform: &Name) -> Result<Imported, Refused> {
    let mut faults = Faults::default();
    let parts = body::read(body, &mut faults);
    let (id, name, created_by, nodes, edges) = match parts {
        Some(parts) if faults.is_empty() => parts,
        _ => return Err(Refused::Form(faults)),
    };
    let pairs = topology::check(&nodes, &edges).map_err(Refused::Topology)?;
    let names = machine_names(&nodes);
    let document = document(&name, platform, &nodes, &edges, &names);
    let bridges = bridge_order(nodes.len(), &pairs);
    let machines = nodes.into_iter().map(|node| node.id).zip(names).collect();
    Ok(Imported { id, name, created_by, machines, bridges, document })
}

fn document(name: &str, platform: &Name, nodes: &[Node], edges: &[Edge], names: &[Name]) -> Document {
    let of_id: HashMap<&str, &Name> = nodes.iter().map(|node| node.id.as_str()).zip(names).collect();
    let mut machines = Named::with_capacity(nodes.len());
    for (node, name) in nodes.iter().zip(names) {
        let uplink =
            (node.role == Role::Jumpbox).then(|| Nic { name: Name::unchecked(UPLINK), address: None });
        let machine = Machine {
            template: Some(Name::unchecked(&node.template.to_string())),
            kind: MachineKind::Guest,
            role: node.role,
            networks: uplink.into_iter().collect(),
            cores: Some(node.cores),
            memory_mb: Some(node.memory),
            disk_gb: None,
            needs: Vec::new(),
            groups: Vec::new(),
            description: Some(node.label.clone()),
        };
        machines.insert(name.clone(), machine);
    }
    let mut network_names: HashSet<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
    let links = edges.iter().filter_map(|edge| {
        let ends = [(*of_id.get(edge.source.as_str())?).clone(), (*of_id.get(edge.target.as_str())?).clone()];
        let usual = format!("{}-{}", ends[0], ends[1]);
        let mut own = usual.clone();
        // `a-b` and `c` linked, beside `a` and `b-c`.
        let mut count = 1;
        while own.len() > MAX_LABEL_BYTES + 10 || !network_names.insert(own.clone()) {
            count += 1;
            own = format!("link-{}-{count}", &usual[..usual.len().min(MAX_LABEL_BYTES / 2)]);
        }
        let name = (own != usual).then(|| Name::unchecked(&own));
        Some(Link { between: Ends(ends), name, cidr: None })
    });
    let links = links.collect();
    let any = || Name::unchecked(ANY);
    let plain = plain_name(name);
    Document {
        name: Name::unchecked(if plain.is_empty() { "range" } else { &plain }),
        description: Some(name.to_owned()),
        kind: TopologyKind::Tree,
        platform: platform.clone(),
        instances: Instances { count: Count(1), name: None },
        variables: Named::new(),
        networks: Named::new(),
        machines,
        links,
        // The orchestrator filters nothing.
        rules: vec![Rule { from: any(), to: any(), allow: vec![Allow::Any] }],
        ready: Named::new(),
        tasks: Vec::new(),
        verify: false,
        ttl: None,
        on_failure: OnFailure::Rollback,
    }
}

/// Edges as networkx lists those of a graph: by nodes in their order, for each by its neighbors in the order of links, each edge once.
fn bridge_order(nodes: usize, pairs: &[(u32, u32)]) -> Vec<usize> {
    let mut links_of: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (place, (a, b)) in pairs.iter().enumerate() {
        links_of[*a as usize].push(place);
        links_of[*b as usize].push(place);
    }
    let mut seen = vec![false; pairs.len()];
    links_of.into_iter().flatten().filter(|place| !std::mem::replace(&mut seen[*place], true)).collect()
}
