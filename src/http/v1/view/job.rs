//! A job, in a list, alone, and what it amounted to.

use std::collections::BTreeMap;

use model::{Failure, HostStats, Job, JobSummary, Reason};

use super::{request::request, time, words};

fn reason(reason: Reason) -> api::Reason {
    api::Reason {
        phase: reason.phase.map(words::phase),
        code: words::reason_code(reason.code),
        message: reason.message,
        last_lines: reason.last_lines,
    }
}

fn stats(stats: BTreeMap<String, HostStats>) -> api::Stats {
    let of_host = |(host, stats): (String, HostStats)| {
        let HostStats { ok, changed, unreachable, failed, skipped, rescued, ignored } = stats;
        (host, api::HostStats { ok, changed, unreachable, failed, skipped, rescued, ignored })
    };
    api::Stats(stats.into_iter().map(of_host).collect())
}

fn failure(failure: Failure) -> api::Failure {
    let Failure { host, play, task, action, unreachable, item, message } = failure;
    api::Failure { host, play, task, action, unreachable, item, message }
}

/// A job; what it amounted to is shown once it has ended.
pub(in crate::http) fn job(job: &Job) -> api::Job {
    let outcome = job.outcome.as_ref().filter(|_| job.state.is_terminal());
    let report = outcome.map(|outcome| &outcome.report);
    api::Job {
        id: job.id.to_string().into(),
        state: words::state(job.state),
        reason: reason(job.reason.clone()),
        request: request(&job.request),
        attempt: job.attempt,
        created_at: time(job.created_at),
        started_at: job.started_at.map(time),
        finished_at: job.finished_at.map(time),
        rc: outcome.and_then(|outcome| outcome.rc),
        stats: report.map_or_else(api::Stats::default, |report| stats(report.stats.clone())),
        failures: report
            .map_or_else(Vec::new, |report| report.failures.iter().cloned().map(failure).collect()),
        failures_left_out: report.map_or(0, |report| report.failures_left_out),
        processes_killed: outcome.map_or(0, |outcome| outcome.processes_killed),
        executor: outcome.and_then(|outcome| outcome.executor).map(words::executor),
        isolation: outcome.and_then(|outcome| outcome.isolation).map(words::isolation),
        protections: outcome.map_or_else(Vec::new, |outcome| outcome.protections.clone()),
        events: job.last_seq,
        warnings: Vec::new(),
        waiting: None,
        progress: None,
    }
}

/// A job in a list: what it amounted to is shown when it is requested by its id.
pub(in crate::http) fn summary(job: JobSummary) -> api::JobSummary {
    api::JobSummary {
        id: job.id.to_string().into(),
        state: words::state(job.state),
        reason: reason(job.reason),
        request: request(&job.request),
        attempt: job.attempt,
        created_at: time(job.created_at),
        started_at: job.started_at.map(time),
        finished_at: job.finished_at.map(time),
        rc: job.rc,
        events: job.last_seq,
    }
}

/// What a job that has ended amounted to.
pub(in crate::http) fn result(job: Job) -> api::JobResult {
    let rc = job.outcome.as_ref().and_then(|outcome| outcome.rc);
    let report = job.outcome.map(|outcome| outcome.report).unwrap_or_default();
    api::JobResult {
        job_id: job.id.to_string().into(),
        state: words::state(job.state),
        rc,
        stats: stats(report.stats),
        failures: report.failures.into_iter().map(failure).collect(),
        failures_left_out: report.failures_left_out,
        results: report.results,
        results_left_out: report.results_left_out,
        custom_stats: api::CustomStats { run: report.custom_stats.run, hosts: report.custom_stats.hosts },
    }
}
