//! The one place where what failed becomes a status code of v1.

use actix_web::http::StatusCode;
use ansible::catalog;
use model::ContentKind;

use super::{
    body::BadBody,
    problem::{Fault, Problem},
};

/// Why a number is refused; the number itself may be a secret.
const NUMBER_LOST: &str = "this number cannot be kept exactly: integers must be from -9223372036854775808 to \
                           18446744073709551615, and fractions within double precision; send it as a string";

/// After how many seconds an inspection may be asked for again when too many waited.
const INSPECTION_RETRY_S: u16 = 10;

/// After how many seconds a job may be sent again when the queue was full.
pub(super) const QUEUE_RETRY_S: u16 = 10;

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Content(error) => error.into(),
            engine::Error::UnknownProject { .. } => {
                Self::from_text(StatusCode::NOT_FOUND, "unknown_project", &error.to_string())
            }
            engine::Error::UnknownJob(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown_job", error.to_string())
                    .hint("GET /v1/jobs lists the jobs")
            }
            engine::Error::Refused(refusal) => {
                Self::new(StatusCode::CONFLICT, "wrong_state", refusal.to_string())
            }
            engine::Error::NotEnded { .. } => {
                Self::new(StatusCode::CONFLICT, "not_finished", error.to_string())
                    .hint("POST /v1/jobs/{id}/cancel ends it")
            }
            engine::Error::QueueFull(_) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", error.to_string())
                    .hint("wait until jobs have ended, or cancel queued jobs; `limits.queued_per_client` and `limits.queued` set the limits")
                    .retry_after(QUEUE_RETRY_S)
            }
            engine::Error::KeyUsed(_) => {
                Self::new(StatusCode::CONFLICT, "idempotency_key_used", error.to_string())
                    .hint("use a new key for a new request")
            }
            engine::Error::UnknownArtifact { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown_artifact", error.to_string()).hint(
                    "GET /v1/jobs/{id}/artifacts lists the artifacts; settings limit how long they are kept",
                )
            }
            engine::Error::ArtifactElsewhere { .. } => {
                Self::new(StatusCode::CONFLICT, "artifact_elsewhere", error.to_string())
                    .hint("send the request to that node")
            }
            engine::Error::SecretsGone(_) => {
                Self::from_text(StatusCode::CONFLICT, "secrets_gone", &error.to_string())
            }
            engine::Error::InspectionEnded { is_time: true, why } => {
                Self::from_text(StatusCode::GATEWAY_TIMEOUT, "inspection_timeout", &why)
            }
            engine::Error::InspectionEnded { is_time: false, why } => {
                Self::from_text(StatusCode::UNPROCESSABLE_ENTITY, "inspection_limit", &why)
            }
            engine::Error::TooManyInspections => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "inspections_busy", error.to_string())
                    .hint("send the request again later")
                    .retry_after(INSPECTION_RETRY_S)
            }
            engine::Error::Audit(error) => {
                tracing::error!(%error, "content was not inspected: it would not be in the audit");
                let detail = "content may not be inspected: the audit cannot be written";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "audit_unavailable", detail).hint(
                    "is there room for the store, and does it answer? The service's log has the cause",
                )
            }
            engine::Error::Keys(error) => Self::internal(&error),
            engine::Error::Store(error) => Self::internal(&error),
            engine::Error::Io(error) => Self::internal(&error),
            engine::Error::Task(error) => Self::internal(&error),
        }
    }
}

impl From<catalog::Error> for Problem {
    fn from(error: catalog::Error) -> Self {
        match &error {
            catalog::Error::NotFound { kind, .. } => {
                Self::from_text(StatusCode::NOT_FOUND, unknown(*kind), &error.to_string())
            }
            catalog::Error::LeavesRoot { .. } => {
                Self::from_text(StatusCode::BAD_REQUEST, "leaves_root", &error.to_string())
            }
            catalog::Error::Io { .. } => Self::internal(&error),
        }
    }
}

const fn unknown(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::Playbook => "unknown_playbook",
        ContentKind::Bundle => "unknown_bundle",
        ContentKind::Scenario => "unknown_scenario",
        ContentKind::Inventory => "unknown_inventory",
    }
}

impl From<BadBody> for Problem {
    fn from(error: BadBody) -> Self {
        let text = error.to_string();
        match error {
            BadBody::ContentType(_) => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text)
                    .hint("with curl: `--json '{...}'`, or `-H 'content-type: application/json'` before `-d`")
            }
            BadBody::TooLong { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", text)
                .hint("`server.body_limit_bytes` sets the limit"),
            BadBody::Broken(_) => Self::new(StatusCode::BAD_REQUEST, "broken_body", text),
            BadBody::Late => Self::new(StatusCode::REQUEST_TIMEOUT, "slow_body", text).close(),
            BadBody::NoRoom => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_bodies", text).retry_after(1).close()
            }
            BadBody::TooManyValues { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_values", text)
            }
            BadBody::NotUtf8 => Self::new(StatusCode::BAD_REQUEST, "malformed_json", text),
            BadBody::Json { .. } => Self::new(StatusCode::BAD_REQUEST, "malformed_json", text),
            BadBody::Numbers { fields, read } => match *read {
                // Numbers too large for a fraction have an error of their own, in which only numbers are wrong.
                Err(error) if fields.is_empty() => error.into(),
                _ => Self::invalid(
                    fields.into_iter().map(|field| Fault::new(field, "out_of_range", NUMBER_LOST)).collect(),
                ),
            },
        }
    }
}
