//! Time and identifiers. Other modules of this crate use these functions instead of the system clock or a random
//! generator.

use jiff::Timestamp;
use model::{JobId, PlanId, RangeId, RunId};
use uuid::Uuid;

/// The current time, truncated to milliseconds, the precision of stored times.
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

pub(crate) fn new_range_id() -> RangeId {
    RangeId::from_uuid(Uuid::now_v7())
}

pub(crate) fn new_plan_id() -> PlanId {
    PlanId::from_uuid(Uuid::now_v7())
}
