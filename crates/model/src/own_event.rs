//! The data of Rangehand's own events, as types: the writer of an event and its reader share one of these.
//!
//! Events of Ansible are not here: their data is what Ansible reports, and has no type.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    Draft, EventKind, HostPattern, JobId, JobState, JournalPhase, Phase, Reason, StepState, Tags, text_enum,
};

/// The data of events of one kind.
pub trait Payload: Serialize + DeserializeOwned {
    /// That kind.
    const KIND: EventKind;
}

impl Draft {
    /// An event of Rangehand's own.
    #[must_use]
    pub fn own<P: Payload>(time: Timestamp, payload: &P) -> Self {
        // A payload is a struct with string keys, which can always be serialized to JSON.
        Self::new(time, P::KIND, serde_json::to_value(payload).unwrap_or_default())
    }

    /// The data of an event of this kind; `None` of another kind, or when the data has another form.
    #[must_use]
    pub fn read<P: Payload>(&self) -> Option<P> {
        if self.kind != P::KIND {
            return None;
        }
        P::deserialize(&self.data).ok()
    }

    /// A warning with its code, its message for people, and an object with more by its code. The job shows it among
    /// its `warnings`.
    #[must_use]
    pub fn warning(time: Timestamp, code: WarningCode, message: impl Into<String>, more: Value) -> Self {
        let more = if let Value::Object(more) = more { more } else { Map::new() };
        Self::own(time, &Warning { code: code.to_string(), message: message.into(), more })
    }
}

/// A job moved to another state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// The state before; `None` for a new job.
    pub from: Option<JobState>,
    /// The state since then.
    pub to: JobState,
    /// Why.
    pub reason: Reason,
}

/// The next of several steps begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepStart {
    /// Its number, from 1.
    pub step: u32,
    /// How many steps there are.
    pub of: usize,
    /// The path of its playbook below the root.
    pub playbook: String,
    /// Only these hosts.
    pub limit: Option<HostPattern>,
    /// Only tasks with these tags.
    pub tags: Option<Tags>,
}

text_enum! {
    /// What a warning is about; stable, for programs.
    WarningCode {
        /// Files of the content are not seen by the run.
        ContentLeftOut = "content_left_out",
        /// A file that the run wrote is not among its artifacts.
        ArtifactLeftOut = "artifact_left_out",
        /// A file is not kept for later runs, because another run wrote it, too.
        PersistentOvertaken = "persistent_overtaken",
        /// Files that the run wrote into its content could not be kept.
        ArtifactsLost = "artifacts_lost",
        /// Files that the run left outside of its content were removed with its sandbox.
        FilesRemoved = "files_removed",
        /// The run failed, and a message names paths that its sandbox does not show.
        OutsideSandbox = "outside_sandbox",
        /// The platform of a range could not connect to machines.
        MachineUnreachable = "machine_unreachable",
        /// The directory of the run could not be removed.
        NotCleanedUp = "not_cleaned_up",
        /// The usual executor was not available.
        ExecutorFallback = "executor_fallback",
        /// A prompt was not answered.
        PromptUnanswered = "prompt_unanswered",
        /// A setting of the user does not hold in a run.
        SettingOverridden = "setting_overridden",
        /// Background processes were terminated with the run.
        ProcessesEnded = "processes_ended",
    }
}

/// Something about a run that did not stop it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about: one of [`WarningCode`], or of a newer version.
    pub code: String,
    /// For people.
    pub message: String,
    /// More, by the code.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A message of Ansible outside of its tasks: an event of the kind `warning` without a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Where in the life of the run.
    pub phase: Phase,
    /// For people.
    pub message: String,
}

/// The run left files in its content, and they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactsKept {
    /// On which node.
    pub node: String,
    /// How many files.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
}

/// An event of ansible-runner that was larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oversized {
    /// Its size.
    pub bytes: u64,
}

/// An event of ansible-runner that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its size.
    pub bytes: u64,
}

/// A step of the plan of a range changed its state, or a call of it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStepChange {
    /// Its place in the plan, from 0.
    pub step: u32,
    /// Its kind, such as `machine.ensure`.
    pub step_kind: String,
    /// The machine, network, or task that it is about.
    pub name: String,
    /// The state before.
    pub from: StepState,
    /// The state since then; the same while a call is repeated.
    pub to: StepState,
    /// Why it failed, is unknown, or is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The time until a call is repeated, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats_after_ms: Option<u64>,
    /// The job that runs the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// The plan of a range goes another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPhaseChange {
    /// The direction, or that the plan has ended.
    pub phase: JournalPhase,
    /// The number of steps of the plan.
    pub steps: u32,
    /// The number of steps that are done.
    pub done: u32,
}

macro_rules! payloads {
    ($($payload:ident: $kind:ident),+ $(,)?) => {
        $(impl Payload for $payload { const KIND: EventKind = EventKind::$kind; })+
    };
}

payloads! {
    StateChange: JOB_STATE,
    StepStart: STEP,
    PlanStepChange: PLAN_STEP,
    PlanPhaseChange: PLAN_PHASE,
    Warning: WARNING,
    Complaint: WARNING,
    ArtifactsKept: ARTIFACTS,
    Oversized: OVERSIZED,
    Unreadable: UNREADABLE,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use serde_json::json;

    fn written(draft: &Draft) -> String {
        draft.data.to_string()
    }

    #[test]
    fn data_of_own_events_has_the_form_that_earlier_versions_wrote() {
        let now = Timestamp::UNIX_EPOCH;
        let reason = Reason::new(None, Code::Waiting, "waits");
        let change = StateChange { from: None, to: JobState::Queued, reason };
        let draft = Draft::own(now, &change);
        assert_eq!(
            written(&draft),
            r#"{"from":null,"to":"queued","reason":{"phase":null,"code":"waiting","message":"waits","last_lines":[]}}"#
        );
        assert_eq!(draft.read(), Some(change));

        let step =
            StepStart { step: 1, of: 2, playbook: "a.yml".to_owned(), limit: "web".parse().ok(), tags: None };
        let draft = Draft::own(now, &step);
        assert_eq!(written(&draft), r#"{"step":1,"of":2,"playbook":"a.yml","limit":"web","tags":null}"#);
        assert_eq!(draft.read(), Some(step));

        let draft =
            Draft::warning(now, WarningCode::ProcessesEnded, "two", json!({"processes": 2, "names": []}));
        assert_eq!(written(&draft), r#"{"code":"processes_ended","message":"two","processes":2,"names":[]}"#);
        assert_eq!(draft.read::<Warning>().map(|warning| warning.more.len()), Some(2));

        let kept = ArtifactsKept { node: "n".to_owned(), files: 1, bytes: 2 };
        assert_eq!(written(&Draft::own(now, &kept)), r#"{"node":"n","files":1,"bytes":2}"#);
        assert_eq!(written(&Draft::own(now, &Oversized { bytes: 3 })), r#"{"bytes":3}"#);
    }

    #[test]
    fn only_data_of_the_kind_and_of_its_form_is_read() {
        let now = Timestamp::UNIX_EPOCH;
        let complaint = Draft::own(now, &Complaint { phase: Phase::Run, message: "no".to_owned() });
        assert_eq!(written(&complaint), r#"{"phase":"run","message":"no"}"#);
        assert_eq!(complaint.read::<Warning>(), None);
        assert_eq!(complaint.read::<StateChange>(), None);
        let odd = Draft::new(now, EventKind::JOB_STATE, json!({"to": "elsewhere"}));
        assert_eq!(odd.read::<StateChange>(), None);
    }
}
