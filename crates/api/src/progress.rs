//! Progress of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words!(Basis, "Source of the estimated number of tasks" {
    /// The last successful run of the same content.
    LastSuccess = "last_success",
    /// Ansible's list of tasks.
    ListTasks = "list_tasks",
    /// The steps of the plan of a range.
    Plan = "plan",
});

/// Progress of a job
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// 100 only if the job succeeded; `null` while unknown
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
    /// Number of finished tasks
    pub tasks_done: u64,
    /// Estimated number of tasks
    pub tasks_total: Option<u64>,
    /// Source of the estimate
    pub basis: Option<Basis>,
    /// Estimated remaining time in seconds
    #[schemars(range(min = 0))]
    pub eta_s: Option<f64>,
}
