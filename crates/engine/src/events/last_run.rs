//! The events of a job's last run, one by one, in batches of limited size.

use model::{Event, EventKind, Job, JobState, StateChange};
use store::EventQuery;

use super::handle::Events;
use crate::error::JobError;

/// Number of events held in memory.
const PAGE: u32 = 200;

impl Events {
    /// Calls `visit` for each event since the job's last claim; never when it was never claimed. If the job is
    /// still running, this covers the events up to its current state.
    pub(crate) async fn each_of_last_run(
        &self,
        job: &Job,
        mut visit: impl FnMut(&Event),
    ) -> Result<(), JobError> {
        let Some(mut after) = self.last_claim(job).await? else { return Ok(()) };
        loop {
            let query = EventQuery { until: Some(job.last_seq), ..EventQuery::after(after, PAGE) };
            let page = self.store().events(job.id, &query).await?;
            page.iter().for_each(&mut visit);
            match page.last() {
                Some(last) => after = last.seq,
                None => return Ok(()),
            }
        }
    }

    /// The number of the event of the job's last claim; `None` if it was never claimed.
    pub(crate) async fn last_claim(&self, job: &Job) -> Result<Option<u64>, JobError> {
        let (mut claim, mut after) = (None, 0);
        loop {
            let kind = Some(EventKind::JOB_STATE);
            let query = EventQuery { kind, until: Some(job.last_seq), ..EventQuery::after(after, PAGE) };
            let moves = self.store().events(job.id, &query).await?;
            let Some(last) = moves.last() else { return Ok(claim) };
            after = last.seq;
            claim = moves.iter().rev().find(|event| is_claim(event)).map(|event| event.seq).or(claim);
        }
    }
}

fn is_claim(event: &Event) -> bool {
    event.draft.read::<StateChange>().is_some_and(|change| change.to == JobState::Running)
}
