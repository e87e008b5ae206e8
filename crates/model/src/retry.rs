//! Retries: which outcomes of a job are retried automatically, and where a new attempt begins.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{HostPattern, JobState, serde_by_text, text_enum};

text_enum! {
    /// The outcomes that can be retried automatically.
    RetryOn {
        /// Its run vanished without an outcome.
        Lost = "lost",
        /// A step failed.
        Failed = "failed",
        /// Terminated at a time limit.
        TimedOut = "timed_out",
    }
}

impl RetryOn {
    /// The state of a job with this end.
    #[must_use]
    pub const fn state(self) -> JobState {
        match self {
            Self::Lost => JobState::Lost,
            Self::Failed => JobState::Failed,
            Self::TimedOut => JobState::TimedOut,
        }
    }
}

/// Why something is no retry policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRetryPolicy {
    /// No retries.
    #[error("a retry needs an end to retry on: use lost, failed, timed_out")]
    OnNothing,
    /// Too few for a retry, or too many.
    #[error("{0} attempts are not allowed: use 2 to 10")]
    Attempts(u32),
}

/// The outcomes after which a job is retried automatically, and the maximum number of attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct RetryPolicy {
    on: Vec<RetryOn>,
    max_attempts: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    on: Vec<RetryOn>,
    max_attempts: u32,
}

impl TryFrom<Unchecked> for RetryPolicy {
    type Error = BadRetryPolicy;

    fn try_from(policy: Unchecked) -> Result<Self, BadRetryPolicy> {
        Self::new(policy.on, policy.max_attempts)
    }
}

impl RetryPolicy {
    /// At most `max_attempts` attempts in all, the first included: 2 to 10.
    ///
    /// # Errors
    /// When there is nothing to retry on, or that number is not allowed.
    pub fn new(mut on: Vec<RetryOn>, max_attempts: u32) -> Result<Self, BadRetryPolicy> {
        on.sort_unstable();
        on.dedup();
        match (on.is_empty(), max_attempts) {
            (true, _) => Err(BadRetryPolicy::OnNothing),
            (false, 2..=10) => Ok(Self { on, max_attempts }),
            (false, _) => Err(BadRetryPolicy::Attempts(max_attempts)),
        }
    }

    /// The outcomes that are retried, each once.
    #[must_use]
    pub fn on(&self) -> &[RetryOn] {
        &self.on
    }

    /// The most attempts, the first included.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Does a job that ended like this, in this attempt (1 for the first), get another one?
    #[must_use]
    pub fn allows(&self, ended: JobState, attempt: u32) -> bool {
        attempt < self.max_attempts && self.on.iter().any(|on| on.state() == ended)
    }
}

/// The longest task name, in characters.
pub const MAX_TASK_CHARACTERS: usize = 1000;

/// An invalid task name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the task name is not usable: use 1 to {MAX_TASK_CHARACTERS} characters and no control characters")]
pub struct BadTaskName;

/// A checked name of a task, as Ansible's `--start-at-task` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskName(String);

impl TaskName {
    /// The name as Ansible takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TaskName {
    type Err = BadTaskName;

    fn from_str(text: &str) -> Result<Self, BadTaskName> {
        let is_fit = !text.trim().is_empty()
            && text.chars().count() <= MAX_TASK_CHARACTERS
            && !text.chars().any(char::is_control);
        if is_fit { Ok(Self(text.to_owned())) } else { Err(BadTaskName) }
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(TaskName);

/// How one attempt differs from the request; the request itself does not change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// Begin at this task; `None` takes the request's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at_task: Option<TaskName>,
    /// Only these hosts; `None` takes the request's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<HostPattern>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_ends_and_a_number_of_attempts() {
        let policy: RetryPolicy =
            serde_json::from_str(r#"{"on":["failed","lost","lost"],"max_attempts":3}"#).expect("a policy");
        assert_eq!(
            serde_json::to_string(&policy).expect("JSON"),
            r#"{"on":["lost","failed"],"max_attempts":3}"#
        );
        for (state, attempt, allowed) in [
            (JobState::Lost, 1, true),
            (JobState::Failed, 2, true),
            (JobState::Failed, 3, false),
            (JobState::TimedOut, 1, false),
            (JobState::Canceled, 1, false),
            (JobState::Succeeded, 1, false),
        ] {
            assert_eq!(policy.allows(state, attempt), allowed, "{state} {attempt}");
        }
        assert_eq!(RetryPolicy::new(Vec::new(), 2), Err(BadRetryPolicy::OnNothing));
        for bad in [0, 1, 11, u32::MAX] {
            assert_eq!(RetryPolicy::new(vec![RetryOn::Lost], bad), Err(BadRetryPolicy::Attempts(bad)));
        }
        assert!(serde_json::from_str::<RetryPolicy>(r#"{"on":["lost"],"max_attempts":1}"#).is_err());
        assert!(serde_json::from_str::<RetryPolicy>(r#"{"on":["canceled"],"max_attempts":2}"#).is_err());
    }

    #[test]
    fn a_task_name_is_one_line() {
        let long = "é".repeat(MAX_TASK_CHARACTERS);
        for fine in ["Install nginx | {{ item }} -v", &long] {
            assert!(fine.parse::<TaskName>().is_ok(), "{fine}");
        }
        for bad in ["", "  ", "a\nb", "\0", &format!("{long}x")] {
            assert_eq!(bad.parse::<TaskName>(), Err(BadTaskName), "{bad:?}");
        }
    }
}
