//! A job: something that was requested, and is stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Actor, Code, Encrypted, JobId, JobRequest, JobState, Outcome, Reason, Resource, Resume, RunId};

/// One try at a job's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Its run.
    pub run: RunId,
    /// How it ended; `None` while it is running.
    pub outcome: Option<Outcome>,
}

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Where it is in its life.
    pub state: JobState,
    /// Why it is there.
    pub reason: Reason,
    /// The request.
    pub request: JobRequest,
    /// Who submitted it.
    pub submitted_by: Actor,
    /// The job that submitted it as a part of its work, and that ends after it.
    pub parent: Option<JobId>,
    /// How many attempts were begun; 0 before the first.
    pub attempt: u32,
    /// The fencing token: every claim increments it, and writes of older holders are rejected.
    pub fence: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it came into the queue: when it was accepted, or queued again for its last retry.
    pub queued_at: Timestamp,
    /// When the current attempt began; `None` while it waits.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The run of the current attempt; while it waits for another, that of the attempt before.
    pub run: Option<RunId>,
    /// The node that holds it while a run is active.
    pub node: Option<String>,
    /// When the node's lease expires unless it is renewed.
    pub lease_until: Option<Timestamp>,
    /// How the current or next attempt differs from the request.
    pub resume: Option<Resume>,
    /// How the current attempt ended; [`Attempt::outcome`] has those of the ones before.
    pub outcome: Option<Outcome>,
    /// How many tasks the current attempt has begun.
    pub tasks: u64,
    /// The number of its last event.
    pub last_seq: u64,
    /// The thing that it acts for: it may use resources which that thing holds, see [`Holder`](crate::Holder).
    pub acts_for: Option<Resource>,
    /// The encrypted values of its secret variables; `None` if it has none, or if they were deleted because it has ended.
    pub secrets: Option<Encrypted>,
}

impl Job {
    /// Does its own policy want another attempt after an end in this state?
    #[must_use]
    pub fn runs_again_after(&self, end: JobState) -> bool {
        self.request.retry.as_ref().is_some_and(|policy| policy.allows(end, self.attempt))
    }

    /// Did it have secret variables whose values were deleted? Then it cannot run again.
    #[must_use]
    pub fn lacks_secrets(&self) -> bool {
        self.secrets.is_none() && self.request.work.has_secrets()
    }
}

impl Job {
    /// A new, queued job.
    #[must_use]
    pub fn asked_for(id: JobId, request: JobRequest, now: Timestamp) -> Self {
        Self {
            id,
            state: JobState::Queued,
            reason: Reason::new(None, Code::Waiting, "waits for a free slot"),
            request,
            submitted_by: Actor::default(),
            parent: None,
            attempt: 0,
            fence: 0,
            created_at: now,
            queued_at: now,
            started_at: None,
            finished_at: None,
            run: None,
            node: None,
            lease_until: None,
            resume: None,
            outcome: None,
            tasks: 0,
            last_seq: 1,
            acts_for: None,
            secrets: None,
        }
    }
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSummary {
    /// Its name.
    pub id: JobId,
    /// Where it is in its life.
    pub state: JobState,
    /// Why it is there, without the last lines.
    pub reason: Reason,
    /// The request.
    pub request: JobRequest,
    /// Who submitted it.
    pub submitted_by: Actor,
    /// The job that submitted it as a part of its work, and that ends after it.
    pub parent: Option<JobId>,
    /// How many attempts were begun; 0 before the first.
    pub attempt: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the current attempt began; `None` while it waits.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The exit code of its last run, once it has ended.
    pub rc: Option<i32>,
    /// The number of its last event.
    pub last_seq: u64,
}
