//! The door for time and identifiers: the only place of this floor that asks the system for either.

use jiff::Timestamp;
use model::{JobId, RunId};
use uuid::Uuid;

/// The time now, to the millisecond: finer than that nothing is kept.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

pub(crate) fn new_job_id() -> JobId {
    JobId::from_uuid(Uuid::now_v7())
}

pub(crate) fn new_run_id() -> RunId {
    RunId::from_uuid(Uuid::now_v7())
}
