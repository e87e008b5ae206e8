//! What a caller requests of a range, and the result.

use std::fmt;

use jiff::Timestamp;
use model::{Job, StoredRange};
use range::{Plan, Values};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A range document with the values of its variables.
#[derive(Clone)]
pub struct RangeRequest {
    /// The document, as JSON.
    pub document: Value,
    /// The values of its variables, secret ones included. `None` keeps the values of the last request.
    pub values: Option<Values>,
    /// The digest of the plan that the caller expects. The request is rejected if the plan is another one.
    pub digest: Option<String>,
    /// Names of machines and networks that may be destroyed; `*` stands for all.
    pub confirm: Vec<String>,
    /// What the document was imported from, kept for replies in that format.
    pub origin: Option<Value>,
}

impl RangeRequest {
    /// A request for this document, without values.
    #[must_use]
    pub const fn new(document: Value) -> Self {
        Self { document, values: None, digest: None, confirm: Vec::new(), origin: None }
    }
}

impl fmt::Debug for RangeRequest {
    /// Without values: they can be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, values: _, digest, confirm, origin: _ } = self;
        f.debug_struct("RangeRequest")
            .field("document", document)
            .field("digest", digest)
            .field("confirm", confirm)
            .finish_non_exhaustive()
    }
}

/// The document of a range as it is stored: secret values are replaced by fingerprints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredDocument {
    /// The document.
    pub document: Value,
    /// The values of its variables.
    #[serde(default)]
    pub values: Values,
    /// What the document was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Value>,
}

/// A plan that was made and not stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
}

/// A change of a range that was accepted.
#[derive(Debug)]
pub struct Applied {
    /// The range.
    pub range: StoredRange,
    /// The plan.
    pub plan: Plan,
    /// The job that carries it out; `None` if there is nothing to do.
    pub job: Option<Job>,
}

/// What is done with a range as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeAction {
    /// Starts, stops, or verifies machines, or changes their snapshots.
    Machines(range::plan::RangeAction, range::plan::Scope),
    /// Corrects what differs from the document.
    Repair,
    /// Undoes what the last plan created.
    Rollback,
    /// Carries out the steps of the last plan that are missing.
    Resume,
    /// Changes the time at which the range is destroyed; `None` keeps it until it is destroyed by request.
    Extend(Option<Timestamp>),
}
