//! A range as a graph for a page: machines and networks, what connects them, and how far each is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    document::{MachineKind, Role, Stage, names::UPLINK},
    expand::spec::Desired,
    plan::{
        Plan, Recorded,
        step::{Step, StepKind},
    },
};

/// A range as a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RangeGraph {
    /// Networks, then machines; each by its concrete name.
    pub nodes: Vec<Node>,
    /// Network interfaces: which machine is attached to which network.
    pub edges: Vec<Edge>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A network.
    Network,
    /// A machine.
    Machine,
    /// The outside.
    Uplink,
}

/// A network or a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Unique in the graph: `network/NAME`, `machine/NAME`, or `uplink`.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// The concrete name.
    pub name: String,
    /// The name of the instance; empty for the only one.
    pub instance: String,
    /// How far it is: `absent`, `created`, `started`, `ready`, or `configured`.
    pub state: &'static str,
    /// Does the document have it? Otherwise it is to be removed.
    pub desired: bool,
    /// The step of the current plan that works on it, or will, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<NodeStep>,
    /// Of a network: its subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr: Option<String>,
    /// Of a network: is it a link between two machines?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub link: bool,
    /// Of a machine: what it is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_kind: Option<MachineKind>,
    /// Of a machine: what it is there for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// A step of the current plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStep {
    /// Its number in the plan.
    pub id: u32,
    /// Its kind.
    pub kind: StepKind,
    /// How far it has come, as in the journal.
    pub state: String,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The machine, by the ID of its node.
    pub from: String,
    /// The network, by the ID of its node.
    pub to: String,
    /// Its place among those of the machine, from 0.
    pub nic: usize,
    /// Its address with the prefix of the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The graph of a range; `plan` is the current plan with the state of each step in the journal.
#[must_use]
pub fn range_graph(
    desired: &Desired,
    recorded: &Recorded,
    plan: Option<(&Plan, &BTreeMap<u32, String>)>,
) -> RangeGraph {
    let steps = Steps::new(plan);
    let mut graph = RangeGraph::default();
    let networks: BTreeMap<&str, _> =
        desired.networks.iter().map(|network| (network.name.as_str(), network)).collect();
    let machines: BTreeMap<&str, _> =
        desired.machines.iter().map(|machine| (machine.name.as_str(), machine)).collect();
    let gone_networks =
        recorded.networks.values().filter(|network| !networks.contains_key(network.name.as_str()));
    let gone_machines = recorded
        .machines
        .values()
        .map(|machine| &machine.spec)
        .filter(|machine| !machines.contains_key(machine.name.as_str()));
    for network in desired.networks.iter().chain(gone_networks) {
        let exists = recorded.networks.contains_key(&network.name);
        graph.nodes.push(Node {
            id: format!("network/{}", network.name),
            kind: NodeKind::Network,
            name: network.name.clone(),
            instance: network.instance.clone(),
            state: if exists { Stage::Created.as_str() } else { ABSENT },
            desired: networks.contains_key(network.name.as_str()),
            step: steps.of_network(&network.name),
            cidr: Some(network.cidr.to_string()),
            link: network.link,
            machine_kind: None,
            role: None,
        });
    }
    let mut has_uplink = false;
    for machine in desired.machines.iter().chain(gone_machines) {
        let id = format!("machine/{}", machine.name);
        for (nic, spec) in machine.nics.iter().enumerate() {
            let is_uplink = spec.network == UPLINK;
            has_uplink |= is_uplink;
            graph.edges.push(Edge {
                from: id.clone(),
                to: if is_uplink { UPLINK.to_owned() } else { format!("network/{}", spec.network) },
                nic,
                address: spec.address.map(|address| address.to_string()),
            });
        }
        graph.nodes.push(Node {
            id,
            kind: NodeKind::Machine,
            name: machine.name.clone(),
            instance: machine.instance.clone(),
            state: state_of(desired, recorded, &machine.name),
            desired: machines.contains_key(machine.name.as_str()),
            step: steps.of_machine(&machine.name),
            cidr: None,
            link: false,
            machine_kind: Some(machine.kind),
            role: Some(machine.role),
        });
    }
    if has_uplink {
        graph.nodes.push(Node {
            id: UPLINK.to_owned(),
            kind: NodeKind::Uplink,
            name: UPLINK.to_owned(),
            instance: String::new(),
            state: Stage::Ready.as_str(),
            desired: true,
            step: None,
            cidr: None,
            link: false,
            machine_kind: None,
            role: None,
        });
    }
    graph
}

const ABSENT: &str = "absent";

/// A machine is configured once its rules are set and all of its tasks have succeeded on it.
fn state_of(desired: &Desired, recorded: &Recorded, name: &str) -> &'static str {
    let Some(machine) = recorded.machines.get(name) else { return ABSENT };
    if machine.stage != Stage::Ready {
        return machine.stage.as_str();
    }
    let is_done = |task: &&std::sync::Arc<crate::expand::spec::TaskSpec>| {
        recorded.tasks.get(&task.name).is_some_and(|recorded| recorded.done_on.contains(name))
    };
    let mut tasks = desired.tasks.iter().filter(|task| task.machines.iter().any(|machine| machine == name));
    let has_rules =
        !desired.routers.iter().any(|router| router.name == name) || recorded.routers.contains_key(name);
    let is_configured = has_rules && tasks.all(|task| is_done(&task));
    if is_configured { Stage::Configured.as_str() } else { Stage::Ready.as_str() }
}

/// The steps of the current plan by what they work on.
struct Steps<'a> {
    networks: BTreeMap<&'a str, NodeStep>,
    machines: BTreeMap<&'a str, NodeStep>,
}

impl<'a> Steps<'a> {
    fn new(plan: Option<(&'a Plan, &BTreeMap<u32, String>)>) -> Self {
        let mut steps = Self { networks: BTreeMap::new(), machines: BTreeMap::new() };
        let Some((plan, states)) = plan else { return steps };
        for step in &plan.steps {
            let state = states.get(&step.id).map_or("pending", String::as_str);
            let shown = || NodeStep { id: step.id, kind: step.kind, state: state.to_owned() };
            match step.kind {
                StepKind::NetworkEnsure | StepKind::NetworkRemove => {
                    keep(&mut steps.networks, &step.name, shown())
                }
                StepKind::MachineEnsure
                | StepKind::MachineStart
                | StepKind::MachineStop
                | StepKind::MachineWait
                | StepKind::MachineRemove
                | StepKind::RulesEnsure
                | StepKind::RulesRemove
                | StepKind::SnapshotTake
                | StepKind::SnapshotRevert
                | StepKind::SnapshotRemove => keep(&mut steps.machines, &step.name, shown()),
                StepKind::Playbook => {
                    for machine in machines_of(step) {
                        keep(&mut steps.machines, machine, shown());
                    }
                }
                StepKind::TaskForget | StepKind::Verify => {}
            }
        }
        steps
    }

    fn of_network(&self, name: &str) -> Option<NodeStep> {
        self.networks.get(name).cloned()
    }

    fn of_machine(&self, name: &str) -> Option<NodeStep> {
        self.machines.get(name).cloned()
    }
}

fn machines_of(step: &Step) -> BTreeSet<&str> {
    match &step.work {
        crate::plan::Work::RunTask { machines, .. } => machines.iter().map(String::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

/// Of several steps the most telling one: one that is not over, else one that did not succeed, else the last one.
fn keep<'a>(steps: &mut BTreeMap<&'a str, NodeStep>, name: &'a str, step: NodeStep) {
    let rank = |state: &str| match state {
        "started" | "undoing" => 4,
        "failed" | "left" | "unknown" => 3,
        "pending" => 2,
        _ => 1,
    };
    let is_better = steps.get(name).is_none_or(|known| match rank(&step.state).cmp(&rank(&known.state)) {
        std::cmp::Ordering::Greater => true,
        // The first one that waits, and the last one that is over.
        std::cmp::Ordering::Equal => rank(&step.state) != 2,
        std::cmp::Ordering::Less => false,
    });
    if is_better {
        steps.insert(name, step);
    }
}
