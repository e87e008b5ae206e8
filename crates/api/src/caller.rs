//! The caller of a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words!(CallerRole, "The role of a caller" {
    /// Read-only access.
    Viewer = "viewer",
    /// Can also run jobs.
    Operator = "operator",
    /// Full access.
    Admin = "admin",
});

/// The caller of a request
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caller {
    /// The name in logs and in the audit log; `null` if authentication is disabled
    pub name: Option<String>,
    /// The role
    pub role: CallerRole,
    /// The version of the service
    pub version: String,
}
