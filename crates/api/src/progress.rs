//! How far a job has come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words!(Basis, "What the number of tasks is guessed from" {
    /// The last good run of the same content.
    LastSuccess = "last_success",
    /// What Ansible lists.
    ListTasks = "list_tasks",
});

/// How far a job has come
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// 100 only when the job has ended well; `null` while it is not known
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
    /// How many tasks have ended
    pub tasks_done: u64,
    /// As far as can be guessed
    pub tasks_total: Option<u64>,
    /// What the total is guessed from
    pub basis: Option<Basis>,
    /// Seconds left, as far as can be guessed
    #[schemars(range(min = 0))]
    pub eta_s: Option<f64>,
}
