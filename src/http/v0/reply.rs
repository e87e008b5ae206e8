//! The answer to a v0 call: `{"rc", "log_multiline"}`, 200 when all went well and 500 otherwise.

use actix_web::{HttpResponse, http::StatusCode};
use model::{Job, JobState};
use serde_json::json;

use super::python;

/// Names the job behind a v0 call.
pub(super) const JOB_HEADER: &str = "X-Rangehand-Job";

/// ansible-runner's own code for a run that was ended or never ran.
const NO_EXIT_CODE: i32 = 254;

/// The log of a job that has ended, line by line.
pub(super) fn log(job: &Job, text: &str) -> HttpResponse {
    let rc = job.outcome.as_ref().and_then(|outcome| outcome.rc).unwrap_or(NO_EXIT_CODE);
    let lines = python::split_lines(text.trim());
    let mut body = json!({ "rc": rc, "log_multiline": lines });
    let succeeded = job.state == JobState::Succeeded;
    if !succeeded {
        body["error"] = json!(job.reason.message);
    }
    let status = if succeeded { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    HttpResponse::build(status).insert_header((JOB_HEADER, job.id.to_string())).json(body)
}
