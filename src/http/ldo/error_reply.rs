//! Error responses in the format of FastAPI, which the orchestrator uses.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use engine::{JobError, RangeError};
use model::JobId;
use range::{
    Fault, Faults,
    import::ldo::{LdoFault, Refused, TopologyFault},
};
use serde_json::{Value, json};

use crate::http::{body::BadBody, document_body::Unreadable, v0};

/// The text of the orchestrator for a topology that it rejects.
const TOPOLOGY: &str = "Invalid topology: No Master Jumpbox found or graph is disconnected.";

/// An error response.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {detail}")]
pub(in crate::http) struct ErrorReply {
    status: StatusCode,
    /// A message, or the invalid fields of a 422 response.
    detail: Value,
    /// Everything that is wrong with a topology.
    errors: Vec<Value>,
    /// The job that failed, or that prevents the change.
    job: Option<JobId>,
}

impl ErrorReply {
    pub(super) fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), job: None }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Range not found")
    }

    /// The response to every path while the API is disabled.
    pub(super) fn disabled() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(super) fn failed(job: JobId, reason: &str) -> Self {
        Self { job: Some(job), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, reason) }
    }

    fn busy(job: JobId) -> Self {
        let detail = format!("job {job} is changing the range");
        Self { job: Some(job), ..Self::new(StatusCode::CONFLICT, detail) }
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request of the orchestrator's API failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// The ID in a path is invalid.
    pub(super) fn bad_id(text: &str) -> Self {
        let fault = json!({
            "type": "uuid_parsing", "loc": ["path", "range_id"], "msg": "Input should be a valid UUID",
            "input": text.chars().take(100).collect::<String>(),
        });
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, vec![fault])
    }
}

impl ResponseError for ErrorReply {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(job) = self.job {
            response.insert_header((v0::JOB_HEADER, job.to_string()));
        }
        response.json(api::ldo::Error { detail: self.detail.clone(), errors: self.errors.clone() })
    }
}

impl From<Refused> for ErrorReply {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Form(faults) => invalid(&faults),
            Refused::Topology(faults) => topology(&faults),
        }
    }
}

fn topology(faults: &[LdoFault]) -> ErrorReply {
    // What the orchestrator accepted by mistake has no text of its own.
    let is_known = |fault: &LdoFault| {
        !matches!(
            fault.code,
            TopologyFault::DuplicateNode
                | TopologyFault::DuplicateLinkId
                | TopologyFault::UnknownNode
                | TopologyFault::DuplicateLink
                | TopologyFault::SeveralMainJumpboxes
        )
    };
    let detail = match faults.iter().all(is_known) {
        true => TOPOLOGY.to_owned(),
        false => {
            let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            format!("Invalid topology: {}", messages.join("; "))
        }
    };
    let errors = faults
        .iter()
        .map(|fault| json!({"code": fault.code, "ids": fault.ids, "message": fault.message}))
        .collect();
    ErrorReply { errors, ..ErrorReply::new(StatusCode::BAD_REQUEST, detail) }
}

/// Fields with a wrong form, each with its place.
fn invalid(faults: &Faults) -> ErrorReply {
    let field = |fault: &Fault| {
        json!({
            "type": fault.code,
            "loc": place(&fault.path),
            "msg": match &fault.hint {
                Some(hint) => format!("{}: {hint}", fault.message),
                None => fault.message.clone(),
            },
        })
    };
    ErrorReply::new(StatusCode::UNPROCESSABLE_ENTITY, faults.list().iter().map(field).collect::<Vec<_>>())
}

/// `nodes[0].role` as `["body", "nodes", 0, "role"]`.
fn place(path: &str) -> Vec<Value> {
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    let parts = parts.map(|part| part.parse::<u64>().map_or_else(|_| part.into(), Value::from));
    std::iter::once("body".into()).chain(parts).collect()
}

impl From<Unreadable> for ErrorReply {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Text(faults) => invalid(&faults),
            Unreadable::Body(error) => {
                let status = match error {
                    BadBody::ContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    BadBody::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                    BadBody::Late => StatusCode::REQUEST_TIMEOUT,
                    BadBody::NoRoom => StatusCode::TOO_MANY_REQUESTS,
                    _ => StatusCode::BAD_REQUEST,
                };
                Self::new(status, error.to_string())
            }
        }
    }
}

impl From<RangeError> for ErrorReply {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Unknown(_) => Self::not_found(),
            RangeError::Busy(job) => Self::busy(job),
            // The graph is right, and the platform can't have it.
            RangeError::Invalid(faults) => {
                let message =
                    |fault: &Fault| json!({"code": fault.code, "ids": [], "message": fault.to_string()});
                let errors = faults.list().iter().map(message).collect();
                Self {
                    errors,
                    ..Self::new(StatusCode::BAD_REQUEST, "The platform cannot provide this range")
                }
            }
            RangeError::Job(JobError::QueueFull { .. }) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
            }
            RangeError::UnknownPlatform { .. } | RangeError::Platform { .. } | RangeError::LeaseTaken(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            error => Self::internal(&error),
        }
    }
}

impl From<JobError> for ErrorReply {
    fn from(error: JobError) -> Self {
        Self::internal(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lists_of_names_and_numbers() {
        assert_eq!(json!(place("nodes[12].role")), json!(["body", "nodes", 12, "role"]));
        assert_eq!(json!(place("")), json!(["body"]));
    }
}
