//! Problem documents (RFC 9457), the error responses of v1.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
pub(crate) use api::{Fault, FaultCode, ProblemCode};
use model::JobId;

use super::current_request;

/// A fault of a request: in a field, with dots between levels; in a query parameter; or, with an empty name, in the
/// whole body.
pub(crate) fn fault(field: impl Into<String>, code: FaultCode, message: impl Into<String>) -> Fault {
    Fault { field: cut(field.into(), MAX_FIELD), code, message: cut(message.into(), MAX_TEXT), hint: None }
}

/// Maximum number of faults in a response. Validation stops when a request has more.
pub(crate) const MAX_FAULTS: usize = 100;
/// Maximum length of a fault's field and message, in characters. They quote values of the request.
const MAX_FIELD: usize = 200;
const MAX_TEXT: usize = 1_000;

/// Truncates a string to this number of characters, and marks the omission.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A problem, before it is serialized.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub(crate) struct Problem {
    code: ProblemCode,
    /// A description of this occurrence.
    detail: Box<str>,
    /// A suggestion for a fix, if there is one.
    hint: Option<Box<str>>,
    /// The faults, by field.
    errors: Vec<Fault>,
    /// The job that prevents the change.
    job: Option<JobId>,
    /// The names of what would be removed.
    names: Box<[String]>,
    /// The methods that are allowed, for 405.
    allow: Option<String>,
    /// `Retry-After` in seconds; 0 omits the header.
    retry_after: u16,
    /// Whether the connection is closed, because the rest of the request is not read.
    closes: bool,
}

impl Problem {
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: cut(detail.into(), MAX_TEXT).into(),
            hint: None,
            errors: Vec::new(),
            job: None,
            names: Box::default(),
            allow: None,
            retry_after: 0,
            closes: false,
        }
    }

    /// Splits an error text of Rangehand into its detail and its hint.
    pub(crate) fn from_text(code: ProblemCode, text: &str) -> Self {
        match text.split_once("\nhint: ") {
            Some((detail, hint)) => Self::new(code, detail).hint(hint),
            None => Self::new(code, text),
        }
    }

    /// Creates a problem from faults, of which there is at least one.
    pub(crate) fn faults(code: ProblemCode, mut errors: Vec<Fault>) -> Self {
        let is_all = errors.len() <= MAX_FAULTS;
        errors.truncate(MAX_FAULTS);
        let detail = match errors.as_slice() {
            [only] if only.field.is_empty() => only.message.clone(),
            [only] => format!("`{}`: {}", only.field, only.message),
            several if is_all => format!("{} fields are wrong", several.len()),
            several => format!("more than {} fields are wrong: the first are listed", several.len()),
        };
        Self { errors, ..Self::new(code, detail) }
    }

    pub(crate) fn invalid(errors: Vec<Fault>) -> Self {
        Self::faults(ProblemCode::InvalidRequest, errors)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Names the job that prevents the change.
    pub(crate) fn job(mut self, job: JobId) -> Self {
        self.job = Some(job);
        self
    }

    /// Lists what would be removed.
    pub(crate) fn names(mut self, names: Vec<String>) -> Self {
        self.names = names.into();
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

    /// The method is not allowed.
    pub(crate) fn wrong_method(allowed: impl Into<String>) -> Self {
        let allowed = allowed.into();
        let detail = format!("this resource has no such method: use {allowed}");
        let problem = Self::new(ProblemCode::MethodNotAllowed, detail);
        Self { allow: Some(allowed), ..problem }
    }

    /// An internal error. The cause is logged, and not sent to the client.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        let mut causes = cause.to_string();
        let mut source = cause.source();
        while let Some(next) = source {
            causes.push_str(": ");
            causes.push_str(&next.to_string());
            source = next.source();
        }
        tracing::error!(error = causes, "a request failed");
        Self::new(ProblemCode::InternalError, "the service failed to answer")
            .hint("the service's log has the cause under this request id")
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        // A test checks that every code has a valid status.
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let document = api::Problem {
            r#type: format!("urn:rangehand:problem:{}", self.code),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: self.code,
            detail: self.detail.to_string(),
            hint: self.hint.as_deref().map(str::to_owned),
            errors: self.errors.clone(),
            job: self.job.map(|job| job.to_string().into()),
            names: self.names.to_vec(),
            request_id: current_request::current(),
        };
        let text = serde_json::to_string(&document).unwrap_or_default();
        let mut response = HttpResponse::build(status);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_own_name() {
        for code in ProblemCode::ALL {
            let problem = Problem::new(*code, "x");
            assert_eq!(problem.status_code().as_u16(), code.status(), "{code}");
            assert!(problem.status_code().canonical_reason().is_some(), "{code}");
        }
    }
}
