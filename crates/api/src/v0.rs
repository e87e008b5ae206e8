//! Responses of v0, in the format of the service that it replaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An error
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Detail")]
pub struct Detail {
    /// Error message
    pub detail: String,
}

/// An invalid field
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FieldFault {
    /// `body`, then names and positions with dots between
    pub field: String,
    /// Error message
    pub msg: String,
    /// pydantic's name for the fault
    pub r#type: String,
    /// The given value; `***` instead of a password
    pub input: Value,
    /// Limits that the value violates
    pub ctx: Option<Map<String, Value>>,
}

/// All invalid fields
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Faults")]
pub struct Faults {
    /// One entry for each field
    pub detail: Vec<FieldFault>,
}

/// Output of Ansible
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Log")]
pub struct Log {
    /// Exit code of `ansible-playbook`; 254 if there is none
    pub rc: i32,
    /// Output of Ansible, line by line
    pub log_multiline: Vec<String>,
    /// Why it did not succeed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Result of an action
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Result")]
pub struct Outcome {
    /// Exit code of `ansible-playbook`; 254 if there is none
    pub rc: i32,
    /// Results of the action, one entry for each time it was printed
    pub result: Vec<Value>,
    /// Why it did not succeed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
