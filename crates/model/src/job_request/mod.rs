//! The request of a job: its work, and how the work is queued, limited, and repeated.

mod json;

use crate::{Labels, Priority, Resources, RetryPolicy, Work};

/// A checked request, kept as long as its job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRequest {
    /// The work of the job.
    pub work: Work,
    /// Maximum duration of a run in seconds; `None` uses the setting.
    pub timeout_s: Option<u64>,
    /// How urgent it is.
    pub priority: Priority,
    /// To find it by.
    pub labels: Labels,
    /// Resources that it needs while it runs, exclusively or shared.
    pub resources: Resources,
    /// After which outcomes the job is queued again without a request; `None` for never.
    pub retry: Option<RetryPolicy>,
}

impl JobRequest {
    /// A request for this work that specifies nothing else.
    #[must_use]
    pub fn new(work: impl Into<Work>) -> Self {
        Self {
            work: work.into(),
            timeout_s: None,
            priority: Priority::default(),
            labels: Labels::default(),
            resources: Resources::default(),
            retry: None,
        }
    }
}
