//! Replies of v0, in the format of the service that it replaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is wrong
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Detail")]
pub struct Detail {
    /// What is wrong
    pub detail: String,
}

/// A field that is wrong
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FieldFault {
    /// `body`, then names and positions with dots between
    pub field: String,
    /// What is wrong with it
    pub msg: String,
    /// pydantic's word for the fault
    pub r#type: String,
    /// What was given; `***` instead of a password
    pub input: Value,
    /// The limits that the value breaks
    pub ctx: Option<Map<String, Value>>,
}

/// All fields that are wrong
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Faults")]
pub struct Faults {
    /// One entry for each of them
    pub detail: Vec<FieldFault>,
}

/// What Ansible printed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Log")]
pub struct Log {
    /// Exit code of `ansible-playbook`; 254 when there is none
    pub rc: i32,
    /// What Ansible printed, line by line
    pub log_multiline: Vec<String>,
    /// Why it did not succeed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What an action gave
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "V0Result")]
pub struct Outcome {
    /// Exit code of `ansible-playbook`; 254 when there is none
    pub rc: i32,
    /// What the action gave, one entry for each time it was printed
    pub result: Vec<Value>,
    /// Why it did not succeed
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
