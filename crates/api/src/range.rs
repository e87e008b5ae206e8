//! Ranges: requests, and what is recorded and observed of a range.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Job, JobId, Plan, PlanSummary, Time, words::words};

words!(RangeState, "State of a range" {
    /// A plan is to be carried out, or is being carried out.
    Changing = "changing",
    /// All that its document describes exists.
    Ready = "ready",
    /// A plan ended before all of it was created or removed, and what was created stays.
    Incomplete = "incomplete",
    /// A plan was undone, except for some steps.
    Left = "left",
    /// Nothing of it exists.
    Empty = "empty",
});

/// Values of variables of the document
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RangeValues {
    /// For all instances
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub all: Map<String, Value>,
    /// For single instances, by their names
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub instances: BTreeMap<String, Map<String, Value>>,
}

/// A range document, and how it is to be applied. A body that has no field `document` is the document itself
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("additionalProperties" = false))]
pub struct NewRange {
    /// The range document: docs/range-document.md
    pub document: Map<String, Value>,
    /// Values of variables that are not of type `secret`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<RangeValues>,
    /// Values of variables of type `secret`. They are encrypted, and never returned
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_values: Option<RangeValues>,
    /// Digest of a plan. The request is rejected if the plan would be a different one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Names of the machines and networks that the plan can remove with their data
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirm: Vec<String>,
}

/// A range
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// ID of the range
    pub id: String,
    /// Its name, which no other range has
    pub name: String,
    /// What the range is for
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its platform
    pub platform: String,
    /// State of the range
    pub state: RangeState,
    /// How often it was changed
    pub version: u64,
    /// Number of machines that exist
    pub machines: usize,
    /// Number of networks and links that exist
    pub networks: usize,
    /// ID of its last plan
    pub plan: String,
    /// Job of its last plan; absent in lists
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// When it was created
    pub created_at: Time,
    /// When it was changed
    pub updated_at: Time,
    /// When it will be destroyed; `null` if it has no lifetime
    pub expires_at: Option<Time>,
    /// The document; absent in lists
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Map<String, Value>>,
}

/// Ranges, oldest first
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RangePage {
    /// The ranges of this page
    pub items: Vec<Range>,
    /// The `after` of the next page; `null` on the last one
    pub next: Option<String>,
}

/// A change of a range that was accepted
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RangeChange {
    /// The range
    pub range: Range,
    /// Job that carries out the plan; `null` if there is nothing to do
    pub job: Option<Box<Job>>,
    /// What the plan does; `GET /v1/ranges/{id}/plan` returns all of it
    pub plan: PlanSummary,
}

/// A change that was accepted; with `dry_run`, the plan of it
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ChangeOrPlan {
    /// The change
    Change(Box<RangeChange>),
    /// The plan
    Plan(Box<Plan>),
}

/// A network interface of a machine
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeNic {
    /// The network, or `uplink`
    pub network: String,
    /// Address with prefix; `null` if the platform assigns it
    pub address: Option<String>,
}

words!(MachineStage, "How far a machine has come" {
    /// It exists.
    Created = "created",
    /// It is started.
    Started = "started",
    /// It can be used.
    Ready = "ready",
    /// All its tasks have run.
    Configured = "configured",
});

/// A machine of a range
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeMachine {
    /// Its name in the range
    pub name: String,
    /// Name of the instance; empty for the only one
    pub instance: String,
    /// Its name in the document
    pub machine: String,
    /// `guest` or `namespace`
    pub kind: String,
    /// Template that it was created from
    pub template: Option<String>,
    /// What it is there for
    pub role: String,
    /// How far it has come
    pub stage: MachineStage,
    /// Network interfaces, in order
    pub networks: Vec<RangeNic>,
    /// Where packets go that are for none of its networks
    pub gateway: Option<String>,
    /// Machine through which it is reached
    pub upstream: Option<String>,
    /// Inventory groups of the document
    pub groups: Vec<String>,
    /// CPU cores; `null` if the template determines them
    pub cores: Option<u32>,
    /// Memory in MiB; `null` if the template determines it
    pub memory_mb: Option<u32>,
    /// Disk in GiB; `null` if the template determines it
    pub disk_gb: Option<u32>,
    /// Names of its snapshots
    pub snapshots: Vec<String>,
}

/// Machines of a range
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeMachines {
    /// All machines, by name
    pub items: Vec<RangeMachine>,
}

/// A network of a range
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeNetwork {
    /// Its name in the range
    pub name: String,
    /// Name of the instance; empty for the only one
    pub instance: String,
    /// Its name in the document
    pub network: String,
    /// The subnet
    pub cidr: String,
    /// Address of the gateway, if a router is attached
    pub gateway: Option<String>,
    /// Whether nothing passes between it and the uplink
    pub isolated: bool,
    /// Whether it is a link between two machines
    pub link: bool,
    /// Machines that are attached
    pub machines: Vec<String>,
}

/// Networks of a range
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeNetworks {
    /// All networks, by name
    pub items: Vec<RangeNetwork>,
}

words!(Verdict, "Whether, and how, one machine reaches another one" {
    /// Everything passes, without a router.
    Direct = "direct",
    /// What rules allow passes.
    Allowed = "allowed",
    /// Nothing passes.
    Refused = "refused",
});

/// Whether one machine reaches another one
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReachabilityRow {
    /// Machine that sends
    pub from: String,
    /// Machine that receives, or `uplink`
    pub to: String,
    /// Whether anything passes
    pub verdict: Verdict,
    /// Network on which the target is addressed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// What passes: `any`, `icmp`, `tcp/22`, and so on
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// Who reaches whom in one instance, as the document implies. Machines of different instances don't reach each other
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reachability {
    /// Pairs of different machines, and each machine with the uplink
    pub items: Vec<ReachabilityRow>,
    /// Instances in which packets proved it since their last change
    pub verified: Vec<String>,
}

words!(DriftKind, "What differs between the records and the platform" {
    /// A recorded network does not exist.
    NetworkMissing = "network_missing",
    /// A network has another subnet.
    NetworkSubnet = "network_subnet",
    /// A network with the mark of the range is not recorded.
    NetworkUnknown = "network_unknown",
    /// A recorded machine does not exist.
    MachineMissing = "machine_missing",
    /// A machine lost its files.
    MachineDamaged = "machine_damaged",
    /// A machine does not run, though it was started.
    MachineStopped = "machine_stopped",
    /// A machine runs, though it was stopped.
    MachineRunning = "machine_running",
    /// A machine is of another kind.
    MachineKind = "machine_kind",
    /// A machine with the mark of the range is not recorded.
    MachineUnknown = "machine_unknown",
    /// A network interface is attached to no network of the range, or does not exist.
    NicDetached = "nic_detached",
    /// A network interface is attached to another network.
    NicMoved = "nic_moved",
    /// A machine has network interfaces that are not recorded.
    NicUnknown = "nic_unknown",
    /// A network interface has other addresses.
    Address = "address",
    /// The rules of a router were removed.
    RulesMissing = "rules_missing",
    /// The rules or routes of a router were changed.
    RulesChanged = "rules_changed",
    /// A snapshot was removed.
    SnapshotMissing = "snapshot_missing",
    /// An interrupted call left something.
    Leftover = "leftover",
});

/// A difference between the records and the platform
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What differs
    pub kind: DriftKind,
    /// The network or machine; a description for a leftover
    pub name: String,
    /// Name of the instance; empty for the only one, and where it is not known
    pub instance: String,
    /// What is recorded
    pub recorded: String,
    /// What the platform has
    pub observed: String,
    /// What `repair` does about it
    pub repair: String,
}

/// How the observed range differs from the recorded one
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// When the platform was queried
    pub observed_at: Time,
    /// Differences; empty if there is none
    pub items: Vec<Difference>,
}

words!(GraphState, "State of a machine or network in the graph" {
    /// It does not exist yet.
    Planned = "planned",
    /// A step about it is being carried out or undone.
    Changing = "changing",
    /// A step about it failed, or could not be undone.
    Failed = "failed",
    /// It exists; a machine is not started.
    Exists = "exists",
    /// The machine is started.
    Started = "started",
    /// The machine can be used.
    Ready = "ready",
});

/// A node of the graph of a range
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GraphNode {
    /// ID, unique in the graph
    pub id: String,
    /// `machine`, `network`, or `uplink`
    pub kind: String,
    /// Name in the range
    pub label: String,
    /// Name of the instance; empty for the only one
    pub instance: String,
    /// Role of a machine
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// State
    pub state: GraphState,
}

/// An edge: a machine is attached to a network
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GraphEdge {
    /// ID of the machine
    pub source: String,
    /// ID of the network
    pub target: String,
    /// Address of the machine in the network
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Machines and networks as a graph
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Graph {
    /// Machines, networks, and the uplink
    pub nodes: Vec<GraphNode>,
    /// Attachments
    pub edges: Vec<GraphEdge>,
}

/// A platform
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platform {
    /// Its name in the settings, which documents use
    pub name: String,
    /// Its kind, such as `simulated` or `local`
    pub kind: String,
}

/// All platforms of the settings
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platforms {
    /// All platforms, by name
    pub items: Vec<Platform>,
}

/// A platform, and what it accepts and provides
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlatformDetail {
    /// Its name in the settings, which documents use
    pub name: String,
    /// Its kind, such as `simulated` or `local`
    pub kind: String,
    /// Product and version, such as `Proxmox VE 9.0.10`; null where there is none
    pub version: Option<String>,
    /// Whether it takes snapshots of guests
    pub snapshots: bool,
    /// Whether it sets routes and rules of routers itself; otherwise a playbook does
    pub rules: bool,
    /// Whether ranges can be connected to the outside
    pub uplink: bool,
    /// What it accepts: names and kinds of machines, templates, limits, and the pool of subnets
    pub accepts: Map<String, Value>,
    /// Subnets that others use and that ranges can't use
    pub subnets_in_use: Vec<String>,
    /// What platforms of this kind can do and this one can't, such as guests, an uplink, or privileges of an API token
    pub missing: Vec<MissingFeature>,
}

/// Something that doesn't work on a platform
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingFeature {
    /// What doesn't work, and why
    pub what: String,
    /// What the operator can do about it
    pub hint: String,
}
