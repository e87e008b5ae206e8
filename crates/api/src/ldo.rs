//! Requests and responses in the format of the Local Deployments Orchestrator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Metadata of a range
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LdoMetadata")]
pub struct Metadata {
    /// ID of the range, chosen by the client
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Name of the range
    pub name: String,
    /// Who created it
    #[serde(default)]
    pub created_by: Option<String>,
}

/// Graph of a range
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LdoGraph")]
pub struct Graph {
    /// Metadata of the range
    pub range_metadata: Metadata,
    /// Nodes with `id`, `label`, `template_id`, `role` (`jumpbox_main`, `jumpbox_local`, or `service`), and optionally `resources` (`cores`, `memory`), `position`, and `vmid`
    pub nodes: Vec<Map<String, Value>>,
    /// Links with `source` and `target`, and optionally `id` and `connection_type` (`vlan_bridge` or `direct_link`)
    pub links: Vec<Map<String, Value>>,
}

/// A range that was accepted or deleted
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LdoStatus")]
pub struct Status {
    /// ID of the range
    pub range_id: String,
    /// `accepted`, `deleted`, or `deleting`
    pub status: String,
    /// Message
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A range, as it was sent, with its status
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LdoRange")]
pub struct Range {
    /// Metadata of the range
    pub metadata: Value,
    /// Nodes
    pub nodes: Value,
    /// Links
    pub links: Value,
    /// `provisioning`, `running`, or `failed`
    pub status: String,
    /// Why it failed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An error
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LdoError")]
pub struct Error {
    /// A message; with 422, a list of invalid fields with `type`, `loc`, and `msg`
    pub detail: Value,
    /// Everything that is wrong with a topology: `code`, `ids` of nodes or links, and `message`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Value>,
}

/// Whether the API is available
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LdoOnline")]
pub struct Online {
    /// Message
    pub message: String,
    /// `Mock` if the platform is simulated, otherwise `Production`
    pub mode: String,
}
