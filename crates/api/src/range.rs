//! Ranges: requests, and what is recorded and observed of a range.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{FieldChange, Job, JobId, PlanSummary, Time, Totals, words::words};

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
    /// What exists of it
    pub totals: Totals,
    /// Its last plan
    pub plan: String,
    /// Job of the last plan
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

/// Ranges by name
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RangePage {
    /// All ranges
    pub items: Vec<Range>,
    /// Always `null`: there is only one page
    pub next: (),
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

/// Who reaches whom in one instance, as the document implies
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reachability {
    /// All pairs of different machines, and each machine with the uplink
    pub rows: Vec<ReachabilityRow>,
    /// Instances in which packets proved it since their last change
    pub verified: Vec<String>,
}

words!(DriftKind, "How the observed state differs from the recorded one" {
    /// It is recorded and does not exist.
    Missing = "missing",
    /// The machine is not running.
    Stopped = "stopped",
    /// It differs in the fields of `changes`.
    Changed = "changed",
    /// It has the mark of the range and is not recorded.
    Unrecorded = "unrecorded",
});

/// A difference
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// `network`, `machine`, or `router`
    pub thing: String,
    /// Its name
    pub name: String,
    /// How it differs
    pub kind: DriftKind,
    /// Explanation
    pub message: String,
    /// Fields that differ; `from` is recorded, `to` is observed
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
}

/// How the observed range differs from the recorded one
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// When the platform was queried
    pub observed_at: Time,
    /// Differences; empty if there is none
    pub items: Vec<Difference>,
}

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
    /// State: `planned`, a stage of a machine, or `exists`
    pub state: String,
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
