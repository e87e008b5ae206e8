//! The domain types of Rangehand, and the rules that need only values.
//!
//! This floor knows no files, no network, no clock and no randomness; times and identifiers come in as
//! arguments. Types that two other layers need are here, because those layers do not know each other.

pub mod access;
pub mod actor;
pub mod audit;
pub mod encrypted;
pub mod event;
pub mod extra_vars;
pub mod host_pattern;
pub mod ids;
pub mod inventories;
pub mod isolation;
pub mod job;
pub mod job_request;
pub mod job_state;
pub mod journal;
pub mod labels;
pub mod lease;
pub mod names;
pub mod numbers;
pub mod outcome;
pub mod own_event;
pub mod priority;
pub mod range_work;
pub mod redact;
pub mod report;
pub mod resource;
pub mod retry;
pub mod run;
pub mod secret_vars;
pub mod step;
pub mod stored_range;
pub mod tags;
pub mod time_text;
pub mod timing;
pub mod vm_status;
pub mod work;

pub use access::{Role, Token};
pub use actor::Actor;
pub use audit::{AuditDraft, AuditKind, AuditRecord};
pub use encrypted::{Encrypted, SecretOwner};
pub use event::{Counted, Draft, Event, EventKind};
pub use extra_vars::ExtraVars;
pub use host_pattern::HostPattern;
pub use ids::{JobId, PlanId, RangeId, RunId};
pub use inventories::{Inventories, InventoryOrigin};
pub use isolation::Isolation;
pub use job::{Attempt, Job, JobSummary};
pub use job_request::JobRequest;
pub use job_state::{JobState, Move, Refusal};
pub use journal::{JournalChange, JournalEntry, JournalPhase, JournalRecord, StepMove, StepState};
pub use labels::Labels;
pub use lease::{LeaseKey, LeaseKind, RangeLease};
pub use names::{ContentKind, ContentName, ContentRef, ProjectName};
pub use outcome::{Detail, Outcome, PlaybookDetail, PlaybookOutcome};
pub use own_event::{
    ArtifactsKept, Complaint, Oversized, Payload, PlanPhaseChange, PlanStepChange, StateChange, StepStart,
    Unreadable, Warning, WarningCode,
};
pub use priority::Priority;
pub use range_work::{FailedPlanStep, LeftPlanStep, RangeDetail, RangeGoal, RangeWork};
pub use redact::Redactor;
pub use report::{CustomStats, Failure, HostStats, Report};
pub use resource::{Holder, LockMode, Resource, ResourceLock, Resources};
pub use retry::{Resume, RetryOn, RetryPolicy, TaskName};
pub use run::{Code, Ending, Executor, Phase, Reason};
pub use secret_vars::{SecretValue, SecretVars};
pub use step::{Find, Step, Take};
pub use stored_range::{RangeState, StoredPlan, StoredRange};
pub use tags::Tags;
pub use work::{PlaybookWork, Work, WorkKind};

/// Implements serde for a type by the text of `Display` and `FromStr`.
macro_rules! serde_by_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_by_text;

/// Declares an enum whose variants have one fixed text each, for JSON, the database and messages.
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text used in JSON and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::UnknownWord {
                        word: text.to_owned(),
                        allowed: Self::ALL.iter().map(|value| value.as_str()).collect(),
                    }
                })
            }
        }

        $crate::serde_by_text!($name);
    };
}
pub(crate) use text_enum;

/// A word that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{word}`: use {}", .allowed.join(", "))]
pub struct UnknownWord {
    /// The given value.
    pub word: String,
    /// The allowed values.
    pub allowed: Vec<&'static str>,
}
