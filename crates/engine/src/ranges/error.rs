//! Why an operation on a range fails.

use model::{JobId, RangeState};
use range::{Faults, plan::Destroyed};
use store::HeldLease;

use crate::{error::JobError, keyring::error::KeyError};

/// Why an operation on a range fails.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The document, or the values of its variables, have faults.
    #[error("the range document is invalid")]
    Invalid(Faults),
    /// The range does not exist.
    #[error("unknown range `{0}`")]
    Unknown(String),
    /// Another range has the name.
    #[error("the name `{0}` is used by another range")]
    NameTaken(String),
    /// The name or the platform of a range can't change.
    #[error(
        "the {what} of range `{range}` is `{from}` and can't change to `{to}`: destroy the range and create it again"
    )]
    Fixed {
        /// The field.
        what: &'static str,
        /// The range.
        range: String,
        /// The current value.
        from: String,
        /// The value of the document.
        to: String,
    },
    /// A job carries out a plan of the range.
    #[error("job `{0}` is changing the range: wait for its end, or cancel it")]
    Busy(JobId),
    /// The plan is not the one that the caller expects, because something has changed since.
    #[error("the plan has changed: its digest is `{found}`, and not `{expected}`")]
    Changed {
        /// The digest that the caller expects.
        expected: String,
        /// The digest of the plan.
        found: String,
    },
    /// The plan destroys things, and the caller has not confirmed it.
    #[error("the plan destroys {}: confirm it by name", names(.0))]
    Unconfirmed(Vec<Destroyed>),
    /// The platform is not configured.
    #[error("unknown platform `{name}`; known: {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    UnknownPlatform {
        /// The requested platform.
        name: String,
        /// The platforms that exist.
        known: Vec<String>,
    },
    /// The platform failed.
    #[error("platform `{name}`: {source}")]
    Platform {
        /// The platform.
        name: String,
        /// Why.
        source: platform::Error,
    },
    /// An address or a number is used by another range.
    #[error("{} `{}` is used by range `{}`", .0.lease.key.kind, .0.lease.key.value, .0.range)]
    LeaseTaken(Box<HeldLease>),
    /// The state of the range does not allow the action.
    #[error("the range is {state}: {why}")]
    NotAllowed {
        /// The state.
        state: RangeState,
        /// What it would have to be.
        why: &'static str,
    },
    /// The action is not possible for the machines.
    #[error(transparent)]
    Action(range::plan::ActionError),
    /// The range was created without an SSH key.
    #[error("the range `{0}` has no SSH key: destroy the range and create it again")]
    NoKey(String),
    /// A stored document, plan, or state can't be read.
    #[error("the stored {what} of the range can't be read: {source}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The job can't be submitted.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Secrets can't be encrypted or decrypted.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn names(destroyed: &[Destroyed]) -> String {
    destroyed.iter().map(|destroyed| format!("`{}`", destroyed.name)).collect::<Vec<_>>().join(", ")
}
