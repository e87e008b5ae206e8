//! The progress of a job, and its estimated remaining time.
//!
//! The total number of tasks is an estimate: either that of the last successful run of the same content, or the
//! number of tasks that Ansible lists. The source stays the same for the whole attempt, so that the percentage
//! never decreases. The first request for a running job starts the listing, which takes seconds. No request waits
//! for it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use model::{
    Job, JobId, JobRequest, JobState, JournalPhase, JournalRecord, PlaybookWork, RangeWork, StepState, Work,
    timing::Timing,
};
use range::Plan;
use serde::Serialize;
use serde_json::Value;
use store::{LastSuccess, Store};

use crate::{
    catalog::inspections::{Inspections, OnBehalf},
    clock,
    error::JobError,
    events::handle::Events,
};

/// The variable that selects an action, in the `generic` playbook and in bundles for machines.
const ACTION: &str = "proxmox_vm_action";
/// Number of recent successful runs that are compared with a request.
const COMPARED_RUNS: u32 = 8;
/// Maximum number of cached estimates; the oldest are removed first.
const MAX_GUESSES: usize = 256;

/// The source of the estimated number of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The last successful run of the same content.
    LastSuccess,
    /// The tasks that Ansible lists.
    ListTasks,
    /// The steps of a plan of a range.
    Plan,
}

/// The progress of a job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JobProgress {
    /// 0 to 100; 100 only after the job has succeeded. `None` while unknown.
    pub percent: Option<u8>,
    /// Number of tasks that have ended.
    pub tasks_done: u64,
    /// Estimated total number of tasks.
    pub tasks_total: Option<u64>,
    /// The source of that estimate.
    pub basis: Option<Basis>,
    /// Estimated remaining time in seconds.
    pub eta_s: Option<f64>,
}

/// The estimate for an attempt.
#[derive(Debug, Clone, Copy)]
enum Estimate {
    /// Ansible is listing the tasks.
    Pending,
    /// No estimate is possible.
    Unknown,
    /// As in the last successful run.
    Like(LastSuccess),
    /// The number of listed tasks.
    Listed(u64),
}

/// Estimates by job and claim.
#[derive(Debug, Default)]
struct Estimates(Mutex<VecDeque<((JobId, u64), Estimate)>>);

impl Estimates {
    fn get(&self, key: (JobId, u64)) -> Option<Estimate> {
        let estimates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        estimates.iter().rev().find(|(known, _)| *known == key).map(|(_, estimate)| *estimate)
    }

    /// Stores an estimate unless there already is one; returns the one that applies.
    fn keep(&self, key: (JobId, u64), estimate: Estimate) -> (Estimate, bool) {
        let mut estimates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = estimates.iter().find(|(known, _)| *known == key) {
            return (*known, false);
        }
        if estimates.len() == MAX_GUESSES {
            estimates.pop_front();
        }
        estimates.push_back((key, estimate));
        (estimate, true)
    }

    fn settle(&self, key: (JobId, u64), estimate: Estimate) {
        let mut estimates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = estimates.iter_mut().find(|(known, _)| *known == key) {
            *known = estimate;
        }
    }
}

/// Estimates the progress of jobs; clones share the estimates.
#[derive(Debug, Clone)]
pub struct Progress {
    store: Store,
    events: Events,
    inspections: Inspections,
    estimates: Arc<Estimates>,
}

impl Progress {
    pub(crate) fn new(store: Store, events: Events, inspections: Inspections) -> Self {
        Self { store, events, inspections, estimates: Arc::default() }
    }

    /// The progress of a job; `None` when it is queued, or ended without success.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn of_job(&self, by: &OnBehalf, job: &Job) -> Result<Option<JobProgress>, JobError> {
        if let Some(work) = job.request.work.as_range() {
            return self.of_plan(job, work).await;
        }
        match job.state {
            JobState::Running | JobState::Canceling => {
                let estimate = self.estimate(by, job).await?;
                Ok(Some(of_running(job, estimate, clock::now())))
            }
            JobState::Succeeded => Ok(Some(JobProgress {
                percent: Some(100),
                tasks_done: job.tasks,
                tasks_total: Some(job.tasks),
                basis: None,
                eta_s: Some(0.0),
            })),
            JobState::Queued
            | JobState::Failed
            | JobState::TimedOut
            | JobState::Canceled
            | JobState::Lost => Ok(None),
        }
    }

    /// The progress of a plan of a range.
    async fn of_plan(&self, job: &Job, work: &RangeWork) -> Result<Option<JobProgress>, JobError> {
        if job.state == JobState::Succeeded {
            let detail = job.outcome.as_ref().and_then(|outcome| outcome.detail.as_range());
            let steps = detail.map_or(0, |detail| u64::from(detail.steps));
            let basis = Some(Basis::Plan);
            let (percent, eta_s) = (Some(100), Some(0.0));
            return Ok(Some(JobProgress {
                percent,
                tasks_done: steps,
                tasks_total: Some(steps),
                basis,
                eta_s,
            }));
        }
        if !matches!(job.state, JobState::Running | JobState::Canceling) {
            return Ok(None);
        }
        let (Some(stored), Some(journal)) =
            (self.store.plan(work.plan).await?, self.store.journal(work.plan).await?)
        else {
            return Ok(None);
        };
        let Ok(plan) = serde_json::from_str::<Plan>(&stored.plan) else { return Ok(None) };
        Ok(Some(of_plan(&plan, &journal)))
    }

    /// The durations of the tasks and hosts of a job's last run, up to now.
    ///
    /// # Errors
    /// When the job does not exist.
    pub async fn timing(&self, id: JobId) -> Result<Timing, JobError> {
        let job = self.store.job(id).await?.ok_or(JobError::UnknownJob(id))?;
        let mut timing = Timing::default();
        self.events.each_of_last_run(&job, |event| timing.take(event)).await?;
        Ok(timing)
    }

    async fn estimate(&self, by: &OnBehalf, job: &Job) -> Result<Estimate, JobError> {
        let (estimates, key) = (&self.estimates, (job.id, job.fence));
        if let Some(estimate) = estimates.get(key) {
            return Ok(estimate);
        }
        let last = match job.resume {
            None => self.last_alike(&job.request.work).await?,
            Some(_) => None,
        };
        let (estimate, is_new) = estimates.keep(key, last.map_or(Estimate::Pending, Estimate::Like));
        if is_new && last.is_none() {
            let (progress, by, job) = (self.clone(), by.clone(), job.clone());
            tokio::spawn(async move {
                let listed = progress.listed(&by, &job).await;
                progress.estimates.settle(key, listed.map_or(Estimate::Unknown, Estimate::Listed));
            });
        }
        Ok(estimate)
    }

    /// The last successful run of equivalent work.
    async fn last_alike(&self, work: &Work) -> Result<Option<LastSuccess>, JobError> {
        let Some(work) = work.as_playbook().filter(|work| is_whole(work)) else { return Ok(None) };
        let last = self.store.last_successes(&work.content, COMPARED_RUNS).await?;
        let alike = |(other, _): &(JobRequest, LastSuccess)| {
            other.work.as_playbook().is_some_and(|other| {
                is_whole(other) && other.project == work.project && action(other) == action(work)
            })
        };
        Ok(last.into_iter().find(alike).map(|(_, last)| last))
    }

    /// Number of listed tasks of the attempt; `None` when Ansible cannot list them.
    async fn listed(&self, by: &OnBehalf, job: &Job) -> Option<u64> {
        let work = job.request.work.as_playbook().filter(|work| work.before.is_empty())?;
        let list = match self.inspections.tasks_of_job(by, job).await {
            Ok(list) => list,
            Err(error) => {
                tracing::debug!(job.id = %job.id, %error, "the tasks of a job cannot be listed");
                return None;
            }
        };
        let resumed = job.resume.as_ref().and_then(|resume| resume.start_at_task.as_ref());
        let start = resumed.or(work.start_at_task.as_ref());
        let from = start.and_then(|task| list.position(task)).unwrap_or(0);
        let is_known = !list.is_partial && list.len() > 0;
        is_known.then(|| list.len().saturating_sub(from) as u64)
    }
}

/// Whether the work is all tasks of the content, without a restriction or preceding steps.
fn is_whole(work: &PlaybookWork) -> bool {
    work.before.is_empty() && work.start_at_task.is_none() && work.tags.is_none() && work.skip_tags.is_none()
}

/// The action of a playbook that has many and selects one by a variable.
fn action(work: &PlaybookWork) -> Option<&Value> {
    work.extra_vars.as_map().get(ACTION)
}

fn of_running(job: &Job, estimate: Estimate, now: Timestamp) -> JobProgress {
    // The last task that started is still running.
    let done = job.tasks.saturating_sub(1);
    let (total, basis) = match estimate {
        Estimate::Pending | Estimate::Unknown => (None, None),
        Estimate::Like(last) => (Some(last.tasks), Some(Basis::LastSuccess)),
        Estimate::Listed(tasks) => (Some(tasks), Some(Basis::ListTasks)),
    };
    let elapsed = job.started_at.map(|at| now.duration_since(at).as_secs_f64().max(0.0));
    let left = match (estimate, elapsed) {
        (Estimate::Like(last), Some(elapsed)) => {
            let whole = last.finished_at.duration_since(last.started_at).as_secs_f64();
            // A run that takes longer than the last one is estimated by its pace.
            Some(whole - elapsed).filter(|left| *left > 0.0).or_else(|| by_pace(done, last.tasks, elapsed))
        }
        (Estimate::Listed(tasks), Some(elapsed)) => by_pace(done, tasks, elapsed),
        (Estimate::Pending | Estimate::Unknown, _) | (_, None) => None,
    };
    JobProgress {
        percent: total.map(|total| percent(done, total)),
        tasks_done: done,
        // The total is at least the number of tasks that have started.
        tasks_total: total.map(|total| total.max(job.tasks)),
        basis,
        eta_s: left.map(|left| (left * 10.0).round() / 10.0),
    }
}

/// Steps count by their estimated durations. The remaining time is that of the longest chain of steps that are not done, by the pace
/// of those that are.
fn of_plan(plan: &Plan, journal: &JournalRecord) -> JobProgress {
    let (mut done, mut done_ms, mut all_ms, mut took_ms, mut left_ms) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for (step, entry) in plan.steps.iter().zip(&journal.entries) {
        let estimate = step.estimate.ms.max(1);
        all_ms = all_ms.saturating_add(estimate);
        if entry.state == StepState::Done {
            done += 1;
            done_ms = done_ms.saturating_add(estimate);
            took_ms = took_ms.saturating_add(entry.took_ms.unwrap_or(estimate));
        } else {
            left_ms = left_ms.max(step.remaining_ms);
        }
    }
    let pace = if done_ms > 0 { took_ms as f64 / done_ms as f64 } else { 1.0 };
    let left = left_ms as f64 / 1000.0 * pace;
    JobProgress {
        percent: Some(percent(done_ms, all_ms)),
        tasks_done: done,
        tasks_total: Some(plan.steps.len() as u64),
        basis: Some(Basis::Plan),
        eta_s: (journal.phase == JournalPhase::Forward).then(|| (left * 10.0).round() / 10.0),
    }
}

/// At most 99: a run that executes more tasks than estimated has not ended yet.
fn percent(done: u64, total: u64) -> u8 {
    let percent = done.saturating_mul(100) / total.max(1);
    u8::try_from(percent.min(99)).unwrap_or(99)
}

fn by_pace(done: u64, total: u64, elapsed: f64) -> Option<f64> {
    let left = total.saturating_sub(done) as f64;
    (done > 0).then(|| elapsed / done as f64 * left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_below_100_before_the_end_and_never_goes_back() {
        for total in [0, 1, 3, 7, 300] {
            let shares: Vec<u8> = (0..400).map(|done| percent(done, total)).collect();
            assert!(shares.is_sorted() && shares.iter().all(|share| *share < 100), "{total}");
        }
        assert_eq!((percent(1, 2), percent(0, 2), percent(2, 3)), (50, 0, 66));
        assert_eq!(
            (by_pace(0, 4, 8.0), by_pace(2, 4, 8.0), by_pace(5, 4, 8.0)),
            (None, Some(8.0), Some(0.0))
        );
    }

    #[test]
    fn only_the_youngest_guesses_are_kept_and_each_is_made_once() {
        let estimates = Estimates::default();
        let key = |number: usize| (clock::new_job_id(), number as u64);
        let keys: Vec<_> = (0..=MAX_GUESSES).map(key).collect();
        keys.iter().for_each(|key| assert!(estimates.keep(*key, Estimate::Pending).1));
        assert!(estimates.get(keys[0]).is_none());
        estimates.settle(keys[1], Estimate::Listed(3));
        assert!(matches!(estimates.keep(keys[1], Estimate::Pending), (Estimate::Listed(3), false)));
    }
}
