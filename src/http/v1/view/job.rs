//! Jobs, job summaries, and results.

use std::collections::BTreeMap;

use model::{
    Actor, Detail, FailedPlanStep, Failure, HostStats, Job, JobSummary, LeftPlanStep, RangeDetail, Reason,
};

use super::{request::request, time::time, words};

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

fn range_result(detail: &RangeDetail) -> api::RangeResult {
    let failed = |step: &FailedPlanStep| api::FailedPlanStep {
        step: step.step,
        kind: step.kind.clone(),
        name: step.name.clone(),
        why: step.why.clone(),
    };
    let left = |step: &LeftPlanStep| api::LeftPlanStep {
        step: step.step,
        kind: step.kind.clone(),
        name: step.name.clone(),
        why: step.why.clone(),
        remedy: step.remedy.clone(),
    };
    api::RangeResult {
        steps: detail.steps,
        done: detail.done,
        failed: detail.failed.iter().map(failed).collect(),
        left: detail.left.iter().map(left).collect(),
    }
}

fn actor(actor: Actor) -> api::Actor {
    let (kind, name) = match actor {
        Actor::Caller { name } => (api::ActorKind::Caller, name),
        Actor::Schedule { name } => (api::ActorKind::Schedule, Some(name)),
        Actor::Service => (api::ActorKind::Service, None),
    };
    api::Actor { kind, name }
}

/// A job, with its outcome once it has ended.
pub(in crate::http) fn job(job: &Job) -> api::Job {
    let outcome = job.outcome.as_ref().filter(|_| job.state.is_terminal());
    let range = outcome.and_then(|outcome| outcome.detail.as_range()).map(range_result);
    let detail = outcome.and_then(|outcome| outcome.detail.as_playbook());
    let report = detail.map(|detail| &detail.report);
    api::Job {
        id: job.id.to_string().into(),
        state: words::state(job.state),
        reason: reason(job.reason.clone()),
        request: request(&job.request),
        submitted_by: actor(job.submitted_by.clone()),
        parent: job.parent.map(|parent| parent.to_string().into()),
        attempt: job.attempt,
        created_at: time(job.created_at),
        started_at: job.started_at.map(time),
        finished_at: job.finished_at.map(time),
        rc: detail.and_then(|detail| detail.rc),
        stats: report.map_or_else(api::Stats::default, |report| stats(report.stats.clone())),
        failures: report
            .map_or_else(Vec::new, |report| report.failures.iter().cloned().map(failure).collect()),
        failures_omitted: report.map_or(0, |report| report.failures_omitted),
        processes_killed: detail.map_or(0, |detail| detail.processes_killed),
        executor: detail.and_then(|detail| detail.executor).map(words::executor),
        isolation: detail.and_then(|detail| detail.isolation).map(words::isolation),
        protections: detail.map_or_else(Vec::new, |detail| detail.protections.clone()),
        range,
        events: job.last_seq,
        warnings: Vec::new(),
        waiting: None,
        progress: None,
    }
}

/// A job in a list, without the details that it has when it is requested by its ID.
pub(in crate::http) fn summary(job: JobSummary) -> api::JobSummary {
    api::JobSummary {
        id: job.id.to_string().into(),
        state: words::state(job.state),
        reason: reason(job.reason),
        request: request(&job.request),
        submitted_by: actor(job.submitted_by.clone()),
        parent: job.parent.map(|parent| parent.to_string().into()),
        attempt: job.attempt,
        created_at: time(job.created_at),
        started_at: job.started_at.map(time),
        finished_at: job.finished_at.map(time),
        rc: job.rc,
        events: job.last_seq,
    }
}

/// The result of a job that has ended.
pub(in crate::http) fn result(job: Job) -> api::JobResult {
    let rc = job.outcome.as_ref().and_then(|outcome| outcome.detail.rc());
    let report = job.outcome.and_then(|outcome| match outcome.detail {
        Detail::Playbook(detail) => Some(detail.report),
        Detail::Range(_) => None,
    });
    let report = report.unwrap_or_default();
    api::JobResult {
        job_id: job.id.to_string().into(),
        state: words::state(job.state),
        rc,
        stats: stats(report.stats),
        failures: report.failures.into_iter().map(failure).collect(),
        failures_omitted: report.failures_omitted,
        results: report.results,
        results_omitted: report.results_omitted,
        custom_stats: api::CustomStats { run: report.custom_stats.run, hosts: report.custom_stats.hosts },
    }
}
