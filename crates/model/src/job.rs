//! A job: something asked for and kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ContentName, ContentRef, ExtraVars, HostPattern, JobId, JobState, Outcome, Reason, RunId, Tags};

/// What a job was asked to do; checked, and kept as long as the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// What to run.
    #[serde(flatten)]
    pub content: ContentRef,
    /// Against which inventory.
    pub inventory: ContentName,
    /// Only these hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<HostPattern>,
    /// Only tasks with these tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// No tasks with these tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_tags: Option<Tags>,
    /// Variables of the request.
    #[serde(default, skip_serializing_if = "ExtraVars::is_empty")]
    pub extra_vars: ExtraVars,
    /// Ansible's check mode: say what would change, change nothing.
    #[serde(default)]
    pub check: bool,
    /// Ansible's diff mode: show what changes in files.
    #[serde(default)]
    pub diff: bool,
    /// How talkative Ansible is, 0 to 5 (`-vvvvv`).
    #[serde(default)]
    pub verbosity: u8,
    /// How many hosts at once; `None` leaves it to Ansible's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forks: Option<u16>,
    /// The longest the run may take, in seconds; `None` takes the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
}

/// One try at a job's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Its run.
    pub run: RunId,
    /// How it ended; `None` while it is at work.
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
    /// What it was asked to do.
    pub request: JobRequest,
    /// How many attempts were begun; 0 before the first.
    pub attempt: u32,
    /// The claim that may write to it: every claim raises it, older holders are refused.
    pub fence: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the current attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The run of the current attempt.
    pub run: Option<RunId>,
    /// How the last attempt ended.
    pub outcome: Option<Outcome>,
    /// The number of its last event.
    pub last_seq: u64,
}
