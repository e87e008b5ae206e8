//! Ranges and plans as they are stored. Documents, recorded states, and plans are JSON that this layer does not read.

use jiff::Timestamp;

use crate::{JobId, JournalPhase, PlanId, RangeId, text_enum};

text_enum! {
    /// What a range is like as a whole.
    RangeState {
        /// A plan is to be carried out, or is being carried out.
        Changing = "changing",
        /// All that its document describes exists.
        Ready = "ready",
        /// A plan ended before all of it was made or removed, and what was made stays.
        Incomplete = "incomplete",
        /// A plan was undone, except for some steps.
        Left = "left",
        /// Nothing of it exists.
        Empty = "empty",
    }
}

/// A range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRange {
    /// Its id.
    pub id: RangeId,
    /// Its name; no other range has it.
    pub name: String,
    /// Its platform.
    pub platform: String,
    /// What it is like.
    pub state: RangeState,
    /// How often it was changed.
    pub version: u64,
    /// The document, as JSON.
    pub document: String,
    /// What exists of it, as JSON, as of the end of its last plan. What a plan that has not ended made is in its journal.
    pub recorded: String,
    /// Its last plan.
    pub plan: PlanId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// When it is to be destroyed.
    pub expires_at: Option<Timestamp>,
}

/// A plan of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlan {
    /// Its id.
    pub id: PlanId,
    /// The range.
    pub range: RangeId,
    /// The job that carries it out.
    pub job: JobId,
    /// Which way it goes.
    pub phase: JournalPhase,
    /// When it was created.
    pub created_at: Timestamp,
    /// The plan, as JSON.
    pub plan: String,
}
