//! Background tasks: loops of the service, and what each did last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Time, words::words};

words!(ActivationCause, "What activated a background task" {
    /// The start of the service.
    Start = "start",
    /// Its timer.
    Timer = "timer",
    /// An event of this service, or of another node.
    Nudge = "nudge",
});

/// An activation of a background task that ended
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Activation {
    /// What activated the task
    pub activated_by: ActivationCause,
    /// When it began
    pub started_at: Time,
    /// How long it took
    #[schemars(range(min = 0))]
    pub duration_s: f64,
    /// How many items it processed; `null` when it failed
    pub items: Option<u64>,
    /// Why it failed; `null` when it succeeded
    pub error: Option<String>,
}

/// A background task
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackgroundTask {
    /// Its name, as in the metrics
    pub name: String,
    /// What it does
    pub summary: String,
    /// How long after one activation the timer activates it again
    #[schemars(range(min = 0))]
    pub period_s: f64,
    /// How many activations ended since the start of the service
    pub activations: u64,
    /// How many of them failed
    pub failures: u64,
    /// Since when an activation is running; `null` when none is
    pub running_since: Option<Time>,
    /// The last activation that ended; `null` before the first one ends
    pub last: Option<Activation>,
}

/// The background tasks of the node that replies
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackgroundTasks {
    /// The name of the node
    pub node: String,
    /// Its background tasks, always in the same order
    pub items: Vec<BackgroundTask>,
}
