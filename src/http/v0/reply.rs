//! Responses of v0: `{"rc", "result"}` or `{"rc", "log_multiline"}`, with status 200 after a success and 500
//! otherwise.

use actix_web::{HttpResponse, http::StatusCode};
use api::v0;
use model::{Find, Job, JobState, Report};
use serde::Serialize;
use serde_json::Value;

use super::python;

/// The header with the ID of the job.
pub(in crate::http) const JOB_HEADER: &str = "X-Rangehand-Job";

/// The exit code that ansible-runner reports for a run that was terminated or never started.
const NO_EXIT_CODE: i32 = 254;

/// The log of a job that has ended, line by line.
pub(super) fn log(job: &Job, text: &str) -> HttpResponse {
    let log_multiline = python::split_lines(text.trim()).into_iter().map(Into::into).collect();
    answer(job, |rc, error| v0::Log { rc, log_multiline, error })
}

/// The results of a job that has ended under this key, or its outcome if it failed.
pub(super) fn results(job: &Job, key: &str) -> HttpResponse {
    let result = match report(job).and_then(|report| report.results.get(key)) {
        Some(Value::Array(values)) => values.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    answer(job, |rc, error| v0::Outcome { rc, result, error })
}

/// `null`.
pub(super) fn null(job: &Job) -> HttpResponse {
    HttpResponse::Ok().insert_header((JOB_HEADER, job.id.to_string())).json(Value::Null)
}

/// Whether a job listed this machine.
pub(super) fn finds(job: &Job, vm_id: &str) -> bool {
    let find = Find { list: "vm_list".into(), by: "vm_id".into(), value: vm_id.into(), take: None };
    job.state == JobState::Succeeded && report(job).is_some_and(|report| find.in_report(report).is_some())
}

fn report(job: &Job) -> Option<&Report> {
    Some(&job.outcome.as_ref()?.detail.as_playbook()?.report)
}

fn answer<T: Serialize>(job: &Job, body: impl FnOnce(i32, Option<String>) -> T) -> HttpResponse {
    let rc = job.outcome.as_ref().and_then(|outcome| outcome.detail.rc()).unwrap_or(NO_EXIT_CODE);
    let succeeded = job.state == JobState::Succeeded;
    let status = if succeeded { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let body = body(rc, (!succeeded).then(|| job.reason.message.clone()));
    HttpResponse::build(status).insert_header((JOB_HEADER, job.id.to_string())).json(body)
}
