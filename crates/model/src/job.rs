//! A job: something asked for and kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Code, ContentRef, ExtraVars, HostPattern, Inventories, Isolation, JobId, JobState, Labels, Outcome,
    ProjectName, Reason, Resources, Resume, RetryPolicy, RunId, SecretValue, SecretVars, Step, Tags,
    TaskName,
};

/// A number that is no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no priority: use -100 to 100")]
pub struct BadPriority(i8);

/// How urgent a job is: -100 to 100, 0 for most. A point is worth [`Priority::POINT_MS`] of waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i8", into = "i8")]
pub struct Priority(i8);

impl Priority {
    /// The waiting that one point stands for, in milliseconds: a minute. Hence a job of priority 0 that has waited
    /// for an hour goes before one of priority 50 that just came, and nothing waits indefinitely.
    pub const POINT_MS: i64 = 60_000;

    /// The number.
    #[must_use]
    pub const fn get(self) -> i8 {
        self.0
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl TryFrom<i8> for Priority {
    type Error = BadPriority;

    fn try_from(number: i8) -> Result<Self, BadPriority> {
        if (-100..=100).contains(&number) { Ok(Self(number)) } else { Err(BadPriority(number)) }
    }
}

impl From<Priority> for i8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

/// What a job was asked to do; checked, and kept as long as the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// What to run.
    #[serde(flatten)]
    pub content: ContentRef,
    /// In which project; `None` for the content of `paths.playbooks`. Stands beside the content, so that the beginning of
    /// the JSON says what is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Against which inventories.
    pub inventory: Inventories,
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
    /// How urgent it is.
    #[serde(default, skip_serializing_if = "Priority::is_default")]
    pub priority: Priority,
    /// To find it by.
    #[serde(default, skip_serializing_if = "is_empty_map")]
    pub labels: Labels,
    /// What it must have for itself: of two jobs with the same one, only one runs.
    #[serde(default, skip_serializing_if = "is_empty_list")]
    pub resources: Resources,
    /// When to try again without being asked; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Begin at this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at_task: Option<TaskName>,
    /// What runs before, one after the other in the same private directory; the first that fails ends the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Step>,
    /// Variables whose values are never shown; none of the others has the name of one. Kept without the values, which
    /// [`Job::secrets`] has.
    #[serde(default, skip_serializing_if = "SecretVars::is_empty")]
    pub secret_vars: SecretVars,
    /// How far its runs are kept apart, at least; `None` leaves it to the node that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

impl JobRequest {
    /// A request that says nothing beyond what to run against which inventory.
    #[must_use]
    pub fn new(content: ContentRef, inventory: impl Into<Inventories>) -> Self {
        Self {
            content,
            project: None,
            inventory: inventory.into(),
            limit: None,
            tags: None,
            skip_tags: None,
            extra_vars: ExtraVars::default(),
            check: false,
            diff: false,
            verbosity: 0,
            forks: None,
            timeout_s: None,
            priority: Priority::default(),
            labels: Labels::default(),
            resources: Resources::default(),
            retry: None,
            start_at_task: None,
            before: Vec::new(),
            secret_vars: SecretVars::default(),
            isolation: None,
        }
    }

    /// How many steps the job has, the content itself included.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.before.len() + 1
    }

    /// Has one of its steps a secret variable?
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.secret_sets().any(|vars| !vars.is_empty())
    }

    /// The values of all secret variables, in the order of the steps; `None` when one of them is not here.
    #[must_use]
    pub fn expose_secrets(&self) -> Option<SecretValue> {
        let sets = self.secret_sets().map(|vars| vars.expose().map(|values| values.expose().clone()));
        sets.collect::<Option<Vec<Value>>>().map(|sets| SecretValue::new(Value::Array(sets)))
    }

    /// Brings back what [`Self::expose_secrets`] gave.
    pub fn give_back_secrets(&mut self, secrets: &SecretValue) {
        let sets = self.before.iter_mut().map(|step| &mut step.secret_vars).chain([&mut self.secret_vars]);
        for (vars, values) in sets.zip(secrets.expose().as_array().into_iter().flatten()) {
            vars.give_back(&SecretValue::new(values.clone()));
        }
    }

    fn secret_sets(&self) -> impl Iterator<Item = &SecretVars> {
        self.before.iter().map(|step| &step.secret_vars).chain([&self.secret_vars])
    }
}

/// The secrets of a job as they are kept: encrypted, with the name of the key. Only the key can decrypt them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub String);

fn is_empty_map(labels: &Labels) -> bool {
    labels.is_empty()
}

fn is_empty_list(resources: &Resources) -> bool {
    resources.is_empty()
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
    /// When it came into the queue: when it was accepted, or queued again for its last retry.
    pub queued_at: Timestamp,
    /// When the current attempt began; `None` while it waits.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The run of the current attempt; while it waits for another, that of the attempt before.
    pub run: Option<RunId>,
    /// The node that holds it while a run is at work.
    pub node: Option<String>,
    /// Until when the node holds it unless it says more.
    pub lease_until: Option<Timestamp>,
    /// What the current or coming attempt does otherwise than the request says.
    pub resume: Option<Resume>,
    /// How the current attempt ended; [`Attempt::outcome`] has those of the ones before.
    pub outcome: Option<Outcome>,
    /// How many tasks the current attempt has begun.
    pub tasks: u64,
    /// The number of its last event.
    pub last_seq: u64,
    /// The values of its secret variables, sealed; `None` when it has none, or they are wiped because it has ended.
    pub secrets: Option<Sealed>,
}

impl Job {
    /// Does its own policy want another attempt after an end in this state?
    #[must_use]
    pub fn runs_again_after(&self, end: JobState) -> bool {
        self.request.retry.as_ref().is_some_and(|policy| policy.allows(end, self.attempt))
    }

    /// Had it secret variables whose values are wiped? Then it cannot run again.
    #[must_use]
    pub fn lacks_secrets(&self) -> bool {
        self.secrets.is_none() && self.request.has_secrets()
    }
}

impl Job {
    /// A job that has just been asked for, and waits.
    #[must_use]
    pub fn asked_for(id: JobId, request: JobRequest, now: Timestamp) -> Self {
        Self {
            id,
            state: JobState::Queued,
            reason: Reason::new(None, Code::Waiting, "waits for a free place"),
            request,
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
            secrets: None,
        }
    }
}

/// What a list shows of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSummary {
    /// Its name.
    pub id: JobId,
    /// Where it is in its life.
    pub state: JobState,
    /// Why it is there, without the last lines.
    pub reason: Reason,
    /// What it was asked to do.
    pub request: JobRequest,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_what_is_not_usual_and_reads_it_back() {
        let plain = r#"{"playbook":"ping","inventory":"hosts.yml","check":false,"diff":false,"verbosity":0}"#;
        let request: JobRequest = serde_json::from_str(plain).expect("a request");
        assert_eq!(serde_json::to_string(&request).expect("JSON"), plain);

        let full = plain
            .replace('}', r#","priority":-7,"labels":{"team":"red"},"resources":["vm:pve1/1000"],"#)
            + r#""retry":{"on":["lost"],"max_attempts":2},"start_at_task":"Install"}"#;
        let request: JobRequest = serde_json::from_str(&full).expect("a request");
        assert_eq!(request.priority.get(), -7);
        assert_eq!(serde_json::to_string(&request).expect("JSON"), full);
        assert!(serde_json::from_str::<JobRequest>(&full.replace("-7", "101")).is_err());
    }

    #[test]
    fn priorities_have_ends() {
        for (number, is_fine) in [(-128, false), (-101, false), (-100, true), (100, true), (101, false)] {
            assert_eq!(Priority::try_from(number).is_ok(), is_fine, "{number}");
        }
    }
}
