//! Problem documents (RFC 9457): what v1 answers when it cannot do what was asked.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;

use super::request_id;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fault {
    /// Where it is: the field, with dots between levels; the parameter of a query; empty for the whole body.
    pub field: String,
    /// For programs.
    pub code: &'static str,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: cut(field.into(), MAX_FIELD), code, message: cut(message.into(), MAX_TEXT) }
    }
}

/// The most faults that a response lists; a request with more is not read on.
pub(crate) const MAX_FAULTS: usize = 100;
/// The longest field of a fault, and the longest text, in characters: values of the request are quoted in them.
const MAX_FIELD: usize = 200;
const MAX_TEXT: usize = 1_000;

/// At most so many characters; what is left out is marked.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A problem, before it is written down.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub(crate) struct Problem {
    status: StatusCode,
    /// Stable, for programs.
    code: &'static str,
    /// For people: this very case.
    detail: String,
    /// What helps, where something does.
    hint: Option<String>,
    /// What is wrong with which field.
    errors: Vec<Fault>,
    /// The methods that are allowed, for 405.
    allow: Option<String>,
    /// After how many seconds to try again; 0 says nothing of it.
    retry_after: u16,
    /// Whether the connection ends with it, because the rest of the request is not read.
    closes: bool,
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    request_id: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: cut(detail.into(), MAX_TEXT),
            hint: None,
            errors: Vec::new(),
            allow: None,
            retry_after: 0,
            closes: false,
        }
    }

    /// Splits a text of ours into what failed and what helps.
    pub(crate) fn from_text(status: StatusCode, code: &'static str, text: &str) -> Self {
        match text.split_once("\nhint: ") {
            Some((detail, hint)) => Self::new(status, code, detail).hint(hint),
            None => Self::new(status, code, text),
        }
    }

    /// Fields that are wrong; never empty.
    pub(crate) fn faults(status: StatusCode, code: &'static str, mut errors: Vec<Fault>) -> Self {
        let is_all = errors.len() <= MAX_FAULTS;
        errors.truncate(MAX_FAULTS);
        let detail = match errors.as_slice() {
            [only] if only.field.is_empty() => only.message.clone(),
            [only] => format!("`{}`: {}", only.field, only.message),
            several if is_all => format!("{} fields are wrong", several.len()),
            several => format!("more than {} fields are wrong: the first are listed", several.len()),
        };
        Self { errors, ..Self::new(status, code, detail) }
    }

    pub(crate) fn invalid(errors: Vec<Fault>) -> Self {
        Self::faults(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", errors)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn close(mut self) -> Self {
        self.closes = true;
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u16) -> Self {
        self.retry_after = seconds;
        self
    }

    /// A method that is none of those that are allowed.
    pub(crate) fn wrong_method(allowed: impl Into<String>) -> Self {
        let allowed = allowed.into();
        let detail = format!("this resource has no such method: use {allowed}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        Self { allow: Some(allowed), ..problem }
    }

    /// What was ours to do and failed; the cause goes to the log, not to the caller.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        let mut causes = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            causes.push_str(": ");
            causes.push_str(&next.to_string());
            source = next.source();
        }
        tracing::error!(error = causes, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "the service failed to answer")
            .hint("the service's log has the cause under this request id")
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let document = Document {
            r#type: format!("urn:rangehand:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            hint: self.hint.as_deref(),
            errors: &self.errors,
            request_id: request_id::current(),
        };
        let text = serde_json::to_string(&document).unwrap_or_default();
        let mut response = HttpResponse::build(self.status);
        if let Some(methods) = &self.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        if self.closes {
            response.force_close();
        }
        if self.retry_after > 0 {
            response.insert_header((header::RETRY_AFTER, u64::from(self.retry_after)));
        }
        response.insert_header((header::CONTENT_TYPE, "application/problem+json")).body(text)
    }
}
