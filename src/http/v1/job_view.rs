//! A job and its result as v1 shows them.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use model::{
    Actor, CustomStats, Detail, Executor, Failure, HostStats, Isolation, Job, JobId, JobRequest, JobState,
    JobSummary, Outcome, PlaybookDetail, Reason, time_text,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// A job.
#[derive(Debug, Serialize)]
pub(super) struct JobView<'a> {
    id: JobId,
    state: JobState,
    reason: &'a Reason,
    request: &'a JobRequest,
    submitted_by: &'a Actor,
    parent: Option<JobId>,
    attempt: u32,
    #[serde(serialize_with = "time_text::serialize")]
    created_at: Timestamp,
    #[serde(serialize_with = "time_text::serialize_option")]
    started_at: Option<Timestamp>,
    #[serde(serialize_with = "time_text::serialize_option")]
    finished_at: Option<Timestamp>,
    rc: Option<i32>,
    stats: Cow<'a, BTreeMap<String, HostStats>>,
    failures: &'a [Failure],
    failures_left_out: u64,
    processes_killed: u32,
    executor: Option<Executor>,
    isolation: Option<Isolation>,
    protections: &'a [String],
    events: u64,
}

impl<'a> From<&'a Job> for JobView<'a> {
    fn from(job: &'a Job) -> Self {
        let outcome = job.outcome.as_ref().filter(|_| job.state.is_terminal());
        let detail = outcome.map(playbook_detail);
        let report = detail.map(|detail| &detail.report);
        Self {
            id: job.id,
            state: job.state,
            reason: &job.reason,
            request: &job.request,
            submitted_by: &job.submitted_by,
            parent: job.parent,
            attempt: job.attempt,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            rc: detail.and_then(|detail| detail.rc),
            stats: report.map_or_else(Cow::default, |report| Cow::Borrowed(&report.stats)),
            failures: report.map_or(&[], |report| &report.failures),
            failures_left_out: report.map_or(0, |report| report.failures_left_out),
            processes_killed: detail.map_or(0, |detail| detail.processes_killed),
            executor: detail.and_then(|detail| detail.executor),
            isolation: detail.and_then(|detail| detail.isolation),
            protections: detail.map_or(&[], |detail| &detail.protections),
            events: job.last_seq,
        }
    }
}

fn playbook_detail(outcome: &Outcome) -> &PlaybookDetail {
    let Detail::Playbook(detail) = &outcome.detail;
    detail
}

/// A job in a list: what it amounted to is told when it is asked for by its id.
#[derive(Debug, Serialize)]
pub(super) struct SummaryView<'a> {
    id: JobId,
    state: JobState,
    reason: &'a Reason,
    request: &'a JobRequest,
    submitted_by: &'a Actor,
    parent: Option<JobId>,
    attempt: u32,
    #[serde(serialize_with = "time_text::serialize")]
    created_at: Timestamp,
    #[serde(serialize_with = "time_text::serialize_option")]
    started_at: Option<Timestamp>,
    #[serde(serialize_with = "time_text::serialize_option")]
    finished_at: Option<Timestamp>,
    rc: Option<i32>,
    events: u64,
}

impl<'a> From<&'a JobSummary> for SummaryView<'a> {
    fn from(job: &'a JobSummary) -> Self {
        Self {
            id: job.id,
            state: job.state,
            reason: &job.reason,
            request: &job.request,
            submitted_by: &job.submitted_by,
            parent: job.parent,
            attempt: job.attempt,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            rc: job.rc,
            events: job.last_seq,
        }
    }
}

/// What a job that has ended amounted to.
#[derive(Debug, Serialize)]
pub(super) struct ResultView<'a> {
    job_id: JobId,
    state: JobState,
    rc: Option<i32>,
    stats: Cow<'a, BTreeMap<String, HostStats>>,
    failures: &'a [Failure],
    failures_left_out: u64,
    results: Cow<'a, Map<String, Value>>,
    results_left_out: u64,
    custom_stats: Cow<'a, CustomStats>,
}

impl<'a> From<&'a Job> for ResultView<'a> {
    fn from(job: &'a Job) -> Self {
        let view = JobView::from(job);
        let report = job.outcome.as_ref().map(|outcome| &playbook_detail(outcome).report);
        Self {
            job_id: view.id,
            state: view.state,
            rc: view.rc,
            stats: view.stats,
            failures: view.failures,
            failures_left_out: view.failures_left_out,
            results: report.map_or_else(Cow::default, |report| Cow::Borrowed(&report.results)),
            results_left_out: report.map_or(0, |report| report.results_left_out),
            custom_stats: report.map_or_else(Cow::default, |report| Cow::Borrowed(&report.custom_stats)),
        }
    }
}
