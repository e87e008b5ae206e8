//! Events of a plan: collected while it runs, and stored in batches, in order.

use std::sync::Arc;

use model::{Draft, Job, PlanPhaseChange, PlanStepChange, RunId};
use store::Store;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{backoff::Backoff, changes::Changes, clock, error::JobError};

/// Maximum number of events that are stored in one transaction.
const BATCH: usize = 256;

/// Collects events.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    events: UnboundedSender<Draft>,
}

/// Stores what a [`Reporter`] collects.
pub(super) struct Recorder {
    events: UnboundedReceiver<Draft>,
    next: u64,
}

/// A reporter, and the recorder that stores its events after the last event of the attempt.
pub(super) async fn reporter(store: &Store, job: &Job, run: RunId) -> Result<(Reporter, Recorder), JobError> {
    let mut backoff = Backoff::new(job.id);
    let last = loop {
        match store.last_run_seq(run).await {
            Ok(last) => break last,
            Err(error) => backoff.after(error).await?,
        }
    };
    let (sender, receiver) = unbounded_channel();
    Ok((Reporter { events: sender }, Recorder { events: receiver, next: last + 1 }))
}

impl Reporter {
    /// Collects an event of a saga.
    pub(super) fn event(&self, event: &saga::Event, progress: impl FnOnce() -> saga::Progress) {
        let now = clock::now();
        let draft = match event {
            saga::Event::Moved { step, kind, subject, from, to, why } => Draft::own(
                now,
                &PlanStepChange {
                    step: *step,
                    step_kind: kind.clone(),
                    name: subject.clone(),
                    from: *from,
                    to: *to,
                    why: why.clone(),
                    repeats_after_ms: None,
                    job: None,
                },
            ),
            saga::Event::Repeats { step, kind, subject, after, why } => Draft::own(
                now,
                &PlanStepChange {
                    step: *step,
                    step_kind: kind.clone(),
                    name: subject.clone(),
                    from: model::StepState::Started,
                    to: model::StepState::Started,
                    why: Some(why.clone()),
                    repeats_after_ms: u64::try_from(after.as_millis()).ok(),
                    job: None,
                },
            ),
            saga::Event::Phase(phase) => {
                let progress = progress();
                let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
                Draft::own(
                    now,
                    &PlanPhaseChange {
                        phase: *phase,
                        steps: number(progress.total),
                        done: number(progress.done),
                    },
                )
            }
        };
        self.send(draft);
    }

    /// Collects any other event.
    pub(super) fn send(&self, draft: Draft) {
        // The recorder lives as long as the plan runs.
        let _ = self.events.send(draft);
    }
}

impl Recorder {
    /// Stores events until all reporters are dropped.
    pub(super) async fn run(
        mut self,
        store: &Store,
        changes: &Changes,
        job: &Arc<Job>,
        run: RunId,
    ) -> Result<(), JobError> {
        let mut drafts = Vec::new();
        while self.events.recv_many(&mut drafts, BATCH).await > 0 {
            let numbered: Vec<_> = (self.next..).zip(drafts.drain(..)).collect();
            self.next += numbered.len() as u64;
            let mut backoff = Backoff::new(job.id);
            while let Err(error) = store.append_events(job.id, job.fence, run, &numbered).await {
                backoff.after(error).await?;
            }
            changes.publish(job.id);
        }
        Ok(())
    }
}
