//! Is the service alive, and can it work?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words!(HealthStatus, "The service is alive" {
    /// It answers.
    Ok = "ok",
});

words!(ReadyStatus, "Can the service work?" {
    /// Jobs can run.
    Ready = "ready",
    /// Something does not work.
    NotReady = "not_ready",
});

words!(CheckStatus, "How a check came out" {
    /// As it should be.
    Ok = "ok",
    /// It works, but should be different.
    Warn = "warn",
    /// Something does not work.
    Fail = "fail",
});

/// The service is alive
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Always `ok`
    pub status: HealthStatus,
}

/// One thing that was checked
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Check {
    /// What was checked
    pub name: String,
    /// How it came out
    pub status: CheckStatus,
    /// What was found
    pub detail: String,
    /// What to do
    pub hint: Option<String>,
}

/// Can the service work?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether it can
    pub status: ReadyStatus,
    /// What was checked; absent for callers who are not authenticated
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
}
