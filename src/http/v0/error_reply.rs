//! Error responses of v0, in the format of FastAPI: `{"detail": ...}`.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use model::JobId;
use serde_json::{Value, json};

use super::reply::JOB_HEADER;

/// An error response, before it is serialized.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {detail}")]
pub(in crate::http) struct ErrorReply {
    status: StatusCode,
    /// A string, or the faults of a 422 response.
    detail: Value,
    /// The methods that are allowed, for 405.
    allow: Option<String>,
    /// The job that continues without a response.
    job: Option<JobId>,
    /// `Retry-After` in seconds; 0 omits the header.
    retry_after: u16,
    /// Whether the connection is closed, because the rest of the request is not read.
    closes: bool,
}

impl ErrorReply {
    pub(in crate::http) fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self { status, detail: detail.into(), allow: None, job: None, retry_after: 0, closes: false }
    }

    /// The response of FastAPI to a method that a path does not support.
    pub(in crate::http) fn wrong_method(allow: String) -> Self {
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") }
    }

    /// The detail.
    #[cfg(test)]
    pub(super) fn into_detail(self) -> Value {
        self.detail
    }

    pub(super) const fn retry_after(mut self, seconds: u16) -> Self {
        self.retry_after = seconds;
        self
    }

    pub(super) const fn close(mut self) -> Self {
        self.closes = true;
        self
    }

    pub(super) const fn job(mut self, job: JobId) -> Self {
        self.job = Some(job);
        self
    }

    /// An internal error. The cause is logged.
    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a v0 request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

impl ResponseError for ErrorReply {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(methods) = &self.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        if let Some(job) = self.job {
            response.insert_header((JOB_HEADER, job.to_string()));
        }
        if self.retry_after > 0 {
            response.insert_header((header::RETRY_AFTER, u64::from(self.retry_after)));
        }
        if self.closes {
            response.force_close();
        }
        response.json(json!({ "detail": self.detail }))
    }
}
