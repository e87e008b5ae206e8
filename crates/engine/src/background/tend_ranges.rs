//! Destroys ranges whose time is over, deletes what is recorded of destroyed ranges, and submits jobs that a crash prevented.

use std::time::Duration;

use model::Actor;
use store::Store;

use super::{
    error::TaskError,
    task::{About, Task},
};
use crate::{
    clock,
    jobs::submit::Submitter,
    ranges::{error::RangeError, handle::Ranges},
};

/// Maximum number of ranges per activation.
const BATCH: u32 = 100;
/// A plan is stored before its job: after this time, the job will not be submitted any more.
const SUBMITTED_AFTER: Duration = Duration::from_secs(30);

/// Destroys, deletes, and continues ranges.
#[derive(Debug)]
pub(crate) struct TendRanges {
    pub(crate) store: Store,
    pub(crate) ranges: Ranges,
}

impl Task for TendRanges {
    const ABOUT: About = About {
        name: "tend_ranges",
        summary: "Destroys ranges whose lifetime is over, and deletes destroyed ranges",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        let now = clock::now();
        let mut done = 0;
        let by = Submitter { actor: Actor::Service, mark: None };
        for range in self.store.expired_ranges(now, BATCH).await? {
            match self.ranges.destroy(&range, None, &by).await {
                Ok(_) => {
                    tracing::info!(range.id = %range.id, range.name = range.name, "the lifetime of a range is over");
                    done += 1;
                }
                // The plan in progress ends first.
                Err(RangeError::Busy(_)) => {}
                Err(error) => {
                    tracing::warn!(range.id = %range.id, %error, "a range can't be destroyed; trying again later")
                }
            }
        }
        let before = now.checked_sub(SUBMITTED_AFTER).unwrap_or(now);
        for range in self.store.ranges_without_job(before, BATCH).await? {
            match self.ranges.submit_again(&range, &by).await {
                Ok(()) => done += 1,
                Err(error) => {
                    tracing::warn!(range.id = %range.id, %error, "the job of a plan can't be submitted; trying again later")
                }
            }
        }
        Ok(done + self.store.delete_destroyed_ranges(BATCH).await?)
    }
}
