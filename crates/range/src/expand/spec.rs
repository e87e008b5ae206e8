//! Concrete networks, machines, routers and tasks: what a plan creates, and what is recorded of it.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::{Allow, Cidr, MachineKind, OnFailure, Ready, Role, Span, Stage};

/// A network of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// The name, unique in the range: `team01-dmz`.
    pub name: String,
    /// The name of the instance; empty for the only one.
    pub instance: String,
    /// The name in the document.
    pub network: String,
    /// The subnet.
    pub cidr: Cidr,
    /// The address of the gateway, if a router is attached.
    pub gateway: Option<IpAddr>,
    /// Nothing passes between it and the uplink.
    pub isolated: bool,
    /// Is it a link between two machines?
    pub link: bool,
}

/// A network interface of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicSpec {
    /// The concrete network, or `uplink`.
    pub network: String,
    /// The address with the prefix of the network; the platform assigns that of the uplink.
    pub address: Option<IpNet>,
}

/// What must be there first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedSpec {
    /// The concrete machine or task.
    pub name: String,
    /// The stage of a machine; `None` for a task.
    pub stage: Option<Stage>,
}

/// A machine of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSpec {
    /// The name, unique in the range: `team01-web`.
    pub name: String,
    /// The name of the instance; empty for the only one.
    pub instance: String,
    /// The name in the document.
    pub machine: String,
    /// What it is made of.
    pub kind: MachineKind,
    /// The template.
    pub template: Option<String>,
    /// What it is there for.
    pub role: Role,
    /// CPU cores, if the document names a number.
    pub cores: Option<u32>,
    /// Memory in MiB, if the document names a number.
    pub memory_mb: Option<u32>,
    /// Disk in GiB, if the document names a number.
    pub disk_gb: Option<u32>,
    /// Its network interfaces, in order.
    pub nics: Vec<NicSpec>,
    /// Where packets go that are for none of its networks.
    pub gateway: Option<IpAddr>,
    /// The machine through which the operator reaches it.
    pub upstream: Option<String>,
    /// Inventory groups of the document.
    pub groups: Vec<String>,
    /// How its readiness is determined, if the document says so.
    pub ready: Option<Ready>,
    /// What must be there before it is created.
    pub needs: Vec<NeedSpec>,
}

/// A route of a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// The network that it leads to.
    pub to: Cidr,
    /// The next router.
    pub via: IpAddr,
}

/// One side of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The name in the document; `any` and `uplink` have no addresses.
    pub name: String,
    /// The addresses.
    pub addresses: Vec<IpNet>,
}

/// A rule with addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// Where the traffic comes from.
    pub from: Side,
    /// Where it goes to.
    pub to: Side,
    /// What may pass.
    pub allow: Vec<Allow>,
}

/// What all routers of an instance let through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// The rules, in the order of the document.
    pub rules: Vec<RuleSpec>,
    /// Networks between which and the uplink nothing passes.
    pub isolated: Vec<Cidr>,
    /// Addresses of the instance: all other ones are outside. These are its networks, merged; of very many scattered networks,
    /// larger ones that contain them.
    #[serde(default)]
    pub inside: Vec<IpNet>,
}

/// What a router does: its routes, and the rules of its instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterSpec {
    /// The concrete machine.
    pub name: String,
    /// The name of the instance; empty for the only one.
    pub instance: String,
    /// Does it translate addresses towards the uplink?
    pub nat: bool,
    /// Networks that other routers lead to.
    pub routes: Vec<RouteSpec>,
    /// The rules, shared by all routers of the instance.
    pub rules: Arc<RuleSet>,
}

crate::fault::words! {
    /// The kind of Ansible content.
    ContentKind {
        /// A bundle.
        Bundle = "bundle",
        /// A playbook.
        Playbook = "playbook",
        /// A scenario.
        Scenario = "scenario",
    }
}

/// A task of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The name, unique in the range: `team01-app`.
    pub name: String,
    /// The name of the instance; empty for the only one.
    pub instance: String,
    /// The name in the document.
    pub task: String,
    /// The kind of content.
    pub kind: ContentKind,
    /// The name of the content.
    pub content: String,
    /// The concrete machines that it runs on, in the order of the document.
    pub machines: Vec<String>,
    /// What must be done before.
    pub needs: Vec<NeedSpec>,
    /// Is it safe to repeat?
    pub idempotent: bool,
    /// Extra variables of the task, with references replaced.
    pub vars: Map<String, Value>,
    /// The variables of the document with their values in this instance, shared by all of its tasks. Of a secret the value is a
    /// fingerprint.
    pub variables: Arc<BTreeMap<String, VariableValue>>,
    /// How long one run may take.
    pub timeout: Option<Span>,
}

/// The value of a variable in an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableValue {
    /// A value that may be shown.
    Value(Value),
    /// What changes when the secret does. The secret itself is never here.
    Secret(String),
}

/// Everything that a range consists of, with names and addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// The name of the range.
    pub name: String,
    /// The platform.
    pub platform: String,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
    /// The lifetime.
    pub ttl: Option<Span>,
    /// Are packets to be sent at the end?
    pub verify: bool,
    /// The names of the instances; one empty name for the only one.
    pub instances: Vec<String>,
    /// All networks, by instance, then in the order of the document.
    pub networks: Vec<Arc<NetworkSpec>>,
    /// All machines, likewise.
    pub machines: Vec<Arc<MachineSpec>>,
    /// What each forwarding machine does.
    pub routers: Vec<Arc<RouterSpec>>,
    /// All tasks.
    pub tasks: Vec<Arc<TaskSpec>>,
}

impl Desired {
    /// Nothing: what is desired of a range that is to be destroyed.
    #[must_use]
    pub fn nothing(name: &str, platform: &str, on_failure: OnFailure) -> Self {
        Self {
            name: name.to_owned(),
            platform: platform.to_owned(),
            on_failure,
            ttl: None,
            verify: false,
            instances: Vec::new(),
            networks: Vec::new(),
            machines: Vec::new(),
            routers: Vec::new(),
            tasks: Vec::new(),
        }
    }
}

/// The concrete name of something: `team01-web`, or `web` in the only instance.
pub(crate) fn concrete(instance: &str, name: &str) -> String {
    if instance.is_empty() { name.to_owned() } else { format!("{instance}-{name}") }
}
