//! The graph of a range: machines and networks with their states, from what is recorded and from the last plan.

use std::collections::BTreeMap;

use api::{Graph, GraphEdge, GraphNode, GraphState};
use engine::LastPlan;
use model::StepState;
use range::{
    Recorded,
    document::{Stage, names::UPLINK},
    expand::spec::{MachineSpec, NetworkSpec},
    plan::Work,
};

/// Nodes by their IDs, and edges.
#[derive(Default)]
struct Drawn {
    nodes: BTreeMap<String, GraphNode>,
    edges: Vec<GraphEdge>,
}

/// The graph. Machines and networks that the last plan creates are part of it before they exist.
pub(in crate::http) fn graph(recorded: &Recorded, last: Option<&LastPlan>) -> Graph {
    let mut drawn = Drawn::default();
    for network in recorded.networks.values() {
        drawn.network(network, GraphState::Exists);
    }
    for machine in recorded.machines.values() {
        let state = match machine.stage {
            Stage::Created => GraphState::Exists,
            Stage::Started => GraphState::Started,
            Stage::Ready | Stage::Configured => GraphState::Ready,
        };
        drawn.machine(&machine.spec, state);
    }
    if let Some(last) = last {
        drawn.plan(last);
    }
    Graph { nodes: drawn.nodes.into_values().collect(), edges: drawn.edges }
}

fn machine_id(name: &str) -> String {
    format!("machine/{name}")
}

fn network_id(name: &str) -> String {
    if name == UPLINK { UPLINK.to_owned() } else { format!("network/{name}") }
}

impl Drawn {
    fn network(&mut self, network: &NetworkSpec, state: GraphState) {
        let node = GraphNode {
            id: network_id(&network.name),
            kind: "network".to_owned(),
            label: network.name.clone(),
            instance: network.instance.clone(),
            role: None,
            state,
        };
        self.nodes.insert(node.id.clone(), node);
    }

    fn machine(&mut self, machine: &MachineSpec, state: GraphState) {
        let node = GraphNode {
            id: machine_id(&machine.name),
            kind: "machine".to_owned(),
            label: machine.name.clone(),
            instance: machine.instance.clone(),
            role: Some(machine.role.to_string()),
            state,
        };
        for nic in &machine.nics {
            if nic.network == UPLINK {
                self.uplink();
            }
            self.edges.push(GraphEdge {
                source: node.id.clone(),
                target: network_id(&nic.network),
                address: nic.address.map(|address| address.addr().to_string()),
            });
        }
        self.nodes.insert(node.id.clone(), node);
    }

    fn uplink(&mut self) {
        let node = || GraphNode {
            id: UPLINK.to_owned(),
            kind: UPLINK.to_owned(),
            label: UPLINK.to_owned(),
            instance: String::new(),
            role: None,
            state: GraphState::Exists,
        };
        self.nodes.entry(UPLINK.to_owned()).or_insert_with(node);
    }

    /// What a plan creates, and what its steps about each thing are doing.
    fn plan(&mut self, last: &LastPlan) {
        for (place, step) in last.plan.steps.iter().enumerate() {
            let state = last.journal.as_ref().and_then(|journal| journal.entries.get(place));
            let state = state.map_or(StepState::Pending, |entry| entry.state);
            // What a plan that was undone would have created does not exist.
            if matches!(state, StepState::Undone) {
                continue;
            }
            let id = match &step.work {
                Work::EnsureNetwork { network, .. } => {
                    if !self.nodes.contains_key(&network_id(&network.name)) {
                        self.network(network, GraphState::Planned);
                    }
                    network_id(&network.name)
                }
                Work::EnsureMachine { machine, .. } => {
                    if !self.nodes.contains_key(&machine_id(&machine.name)) {
                        self.machine(machine, GraphState::Planned);
                    }
                    machine_id(&machine.name)
                }
                Work::RemoveNetwork { .. } => network_id(&step.name),
                _ => machine_id(&step.name),
            };
            let shown = match state {
                StepState::Started | StepState::Undoing => GraphState::Changing,
                StepState::Failed | StepState::Unknown | StepState::Left => GraphState::Failed,
                StepState::Pending | StepState::Done | StepState::Undone => continue,
            };
            if let Some(node) = self.nodes.get_mut(&id) {
                node.state = shown;
            }
        }
    }
}
