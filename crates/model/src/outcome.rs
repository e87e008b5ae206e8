//! The outcome of an attempt: the same for every kind of work, with a detail by kind.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::{Ending, Executor, Isolation, RangeDetail, Reason, Report};

/// How an attempt ended. In JSON, the fields of the detail are among the others, after `reason`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome<D = Detail> {
    /// How it ended.
    pub ending: Ending,
    /// Why.
    pub reason: Reason,
    /// The result of the work.
    #[serde(flatten)]
    pub detail: D,
    /// When the work was begun; `None` when it never was.
    pub started_at: Option<Timestamp>,
    /// When everything was over, and cleaned up.
    pub finished_at: Timestamp,
}

/// The outcome of a run of Ansible, as the supervisor writes it.
pub type PlaybookOutcome = Outcome<PlaybookDetail>;

/// The result of the work of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "almost all values are playbooks")]
pub enum Detail {
    /// A run of Ansible.
    Playbook(PlaybookDetail),
    /// The execution of a plan of a range.
    Range(RangeDetail),
}

/// The result of a run of Ansible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaybookDetail {
    /// The exit code of ansible-playbook; `None` when it never ran or was killed.
    pub rc: Option<i32>,
    /// The step it ended in, from 1.
    #[serde(default = "first")]
    pub step: u32,
    /// The executor; `None` if Ansible never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<Executor>,
    /// How it was isolated; `None` when it never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The protections that isolated it, by name: parts of its sandbox, and control groups that enforced its limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<String>,
    /// The result of that step.
    pub report: Report,
    /// How many events there were to be kept: those of ansible-runner and the supervisor's own.
    #[serde(default)]
    pub emitted: u64,
    /// How many events the spool holds.
    pub events: u64,
    /// How many processes Rangehand terminated: at a limit, at a cancellation, or left behind by the playbook.
    pub processes_killed: u32,
}

const fn first() -> u32 {
    1
}

impl Default for PlaybookDetail {
    /// Of a run that never reached Ansible, or of which nothing more is known.
    fn default() -> Self {
        Self {
            rc: None,
            step: first(),
            executor: None,
            isolation: None,
            protections: Vec::new(),
            report: Report::default(),
            emitted: 0,
            events: 0,
            processes_killed: 0,
        }
    }
}

impl<D> Outcome<D> {
    /// The outcome of work that was never begun, or of which nothing more is known.
    #[must_use]
    pub const fn not_begun(ending: Ending, reason: Reason, now: Timestamp, detail: D) -> Self {
        Self { ending, reason, detail, started_at: None, finished_at: now }
    }
}

impl PlaybookOutcome {
    /// The outcome of a run that never reached Ansible.
    #[must_use]
    pub fn without_run(ending: Ending, reason: Reason, now: Timestamp) -> Self {
        Self::not_begun(ending, reason, now, PlaybookDetail::default())
    }
}

impl From<PlaybookOutcome> for Outcome {
    fn from(outcome: PlaybookOutcome) -> Self {
        let Outcome { ending, reason, detail, started_at, finished_at } = outcome;
        Self { ending, reason, detail: Detail::Playbook(detail), started_at, finished_at }
    }
}

impl Detail {
    /// What a run of Ansible amounted to; `None` for another kind of work.
    #[must_use]
    pub const fn as_playbook(&self) -> Option<&PlaybookDetail> {
        match self {
            Self::Playbook(detail) => Some(detail),
            Self::Range(_) => None,
        }
    }

    /// How far a plan of a range came; `None` for another kind of work.
    #[must_use]
    pub const fn as_range(&self) -> Option<&RangeDetail> {
        match self {
            Self::Range(detail) => Some(detail),
            Self::Playbook(_) => None,
        }
    }

    /// The exit code of the program that did the work, where there was one.
    #[must_use]
    pub const fn rc(&self) -> Option<i32> {
        match self {
            Self::Playbook(detail) => detail.rc,
            Self::Range(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Detail {
    /// Not derived as untagged, for an error that names the member that is wrong. Only the detail of a plan has `steps`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = if value.get("steps").is_some() {
            serde_json::from_value(value).map(Self::Range)
        } else {
            serde_json::from_value(value).map(Self::Playbook)
        };
        read.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the version before `detail` wrote it, and an older one that knew no step, executor or emitted events.
    const WRITTEN: &str = r#"{"ending":"failed","reason":{"phase":"run","code":"task_failed","message":"no","last_lines":["a"]},"rc":2,"step":3,"executor":"warm","report":{"stats":{"a":{"ok":1,"changed":0,"unreachable":0,"failed":1,"skipped":0,"rescued":0,"ignored":0}},"failures":[],"failures_left_out":0,"results":{"x":[1.5,18446744073709551615,-3]},"results_left_out":0},"emitted":9,"events":9,"processes_killed":1,"started_at":"2025-01-02T03:04:05.678Z","finished_at":"2025-01-02T03:04:06Z"}"#;
    const OLDER: &str = r#"{"ending":"lost","reason":{"phase":"run","code":"supervisor_gone","message":"no"},"rc":null,"report":{"stats":{},"failures":[],"results":{}},"events":0,"processes_killed":0,"started_at":null,"finished_at":"2025-01-02T03:04:06Z"}"#;

    #[test]
    fn outcomes_of_earlier_versions_are_read_and_written_to_the_byte() {
        let outcome: Outcome = serde_json::from_str(WRITTEN).expect("an outcome");
        assert_eq!(serde_json::to_string(&outcome).expect("JSON"), WRITTEN);
        let of_supervisor: PlaybookOutcome = serde_json::from_str(WRITTEN).expect("an outcome");
        assert_eq!(serde_json::to_string(&of_supervisor).expect("JSON"), WRITTEN);
        assert_eq!(Outcome::from(of_supervisor), outcome);

        let older: Outcome = serde_json::from_str(OLDER).expect("an outcome");
        assert_eq!(older.detail.as_playbook(), Some(&PlaybookDetail::default()));
    }

    #[test]
    fn the_outcome_of_a_plan_is_read_as_it_is_written() {
        let detail = Detail::Range(RangeDetail { steps: 3, done: 2, ..RangeDetail::default() });
        let older: Outcome = serde_json::from_str(OLDER).expect("an outcome");
        let outcome = Outcome { detail, ..older };
        let written = serde_json::to_string(&outcome).expect("JSON");
        assert_eq!(serde_json::from_str::<Outcome>(&written).expect("an outcome"), outcome);
    }

    #[test]
    fn an_outcome_that_cannot_be_read_names_what_is_wrong() {
        let bad = WRITTEN.replace(r#""processes_killed":1"#, r#""processes_killed":"one""#);
        let error = serde_json::from_str::<Outcome>(&bad).expect_err("a text").to_string();
        assert!(error.contains(r#"invalid type: string "one", expected u32"#), "{error}");
        let error = serde_json::from_str::<Outcome>(&WRITTEN.replace("report", "rapport")).expect_err("none");
        assert!(error.to_string().contains("missing field `report`"), "{error}");
    }
}
