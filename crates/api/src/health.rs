//! Health and readiness of the service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words!(HealthStatus, "The service is alive" {
    /// The service responds.
    Ok = "ok",
});

words!(ReadyStatus, "Whether the service can run jobs" {
    /// Jobs can run.
    Ready = "ready",
    /// A check failed.
    NotReady = "not_ready",
});

words!(CheckStatus, "Outcome of a check" {
    /// No problem.
    Ok = "ok",
    /// Works, but the configuration should be changed.
    Warn = "warn",
    /// Does not work.
    Fail = "fail",
});

/// The service is alive
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Always `ok`
    pub status: HealthStatus,
}

/// A check
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Check {
    /// Name of the check
    pub name: String,
    /// Outcome of the check
    pub status: CheckStatus,
    /// Details
    pub detail: String,
    /// Suggested fix
    pub hint: Option<String>,
}

/// Whether the service can run jobs
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Overall status
    pub status: ReadyStatus,
    /// Checks; absent for unauthenticated clients
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
}
