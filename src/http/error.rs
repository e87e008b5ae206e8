//! Converts errors to problem documents and status codes of v1.

use content::catalog;
use engine::{CatalogError, JobError, StoreError};
use model::ContentKind;

use super::{
    body::BadBody,
    problem::{FaultCode, Problem, ProblemCode, fault},
};

/// Why a number is rejected. The number itself may be a secret, so it is not quoted.
const NUMBER_LOST: &str = "this number cannot be kept exactly: integers must be from -9223372036854775808 to \
                           18446744073709551615, and fractions within double precision; send it as a string";

/// `Retry-After` in seconds when too many inspections are waiting.
const INSPECTION_RETRY_S: u16 = 10;

/// `Retry-After` in seconds when the queue is full.
pub(super) const QUEUE_RETRY_S: u16 = 10;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Catalog(error) => error.into(),
            JobError::UnknownJob(_) => {
                Self::new(ProblemCode::UnknownJob, error.to_string()).hint("GET /v1/jobs lists the jobs")
            }
            JobError::Refused(refusal) => Self::new(ProblemCode::WrongState, refusal.to_string()),
            JobError::NotEnded { .. } => Self::new(ProblemCode::NotFinished, error.to_string())
                .hint("POST /v1/jobs/{id}/cancel cancels it"),
            JobError::QueueFull(_) => Self::new(ProblemCode::QueueFull, error.to_string())
                .hint("wait until jobs finish, or cancel queued jobs; `limits.queued_per_client` and `limits.queued` set the limits")
                .retry_after(QUEUE_RETRY_S),
            JobError::KeyUsed(_) => Self::new(ProblemCode::IdempotencyKeyUsed, error.to_string())
                .hint("use a new key for a new request"),
            JobError::UnknownArtifact { .. } => Self::new(ProblemCode::UnknownArtifact, error.to_string())
                .hint("GET /v1/jobs/{id}/artifacts lists the artifacts; settings limit how long they are kept"),
            JobError::ArtifactElsewhere { .. } => {
                Self::new(ProblemCode::ArtifactElsewhere, error.to_string()).hint("send the request to that node")
            }
            JobError::SecretsGone(_) => Self::from_text(ProblemCode::SecretsGone, &error.to_string()),
            JobError::Keys(error) => Self::internal(&error),
            JobError::Store(error) => error.into(),
            JobError::Io(error) => Self::internal(&error),
            JobError::Task(error) => Self::internal(&error),
        }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Content(error) => error.into(),
            CatalogError::UnknownProject { .. } => {
                Self::from_text(ProblemCode::UnknownProject, &error.to_string())
            }
            CatalogError::InspectionEnded { is_time: true, why } => {
                Self::from_text(ProblemCode::InspectionTimeout, &why)
            }
            CatalogError::InspectionEnded { is_time: false, why } => {
                Self::from_text(ProblemCode::InspectionLimit, &why)
            }
            CatalogError::TooManyInspections => Self::new(ProblemCode::InspectionsBusy, error.to_string())
                .hint("send the request again later")
                .retry_after(INSPECTION_RETRY_S),
            CatalogError::Audit(error) => {
                tracing::error!(%error, "content was not inspected: it would not be in the audit");
                let detail = "content may not be inspected: the audit cannot be written";
                Self::new(ProblemCode::AuditUnavailable, detail)
                    .hint("is there room for the store, and does it answer? The service's log has the cause")
            }
            CatalogError::Io(error) => Self::internal(&error),
            CatalogError::Task(error) => Self::internal(&error),
        }
    }
}

impl From<catalog::Error> for Problem {
    fn from(error: catalog::Error) -> Self {
        match &error {
            catalog::Error::NotFound { kind, .. } => Self::from_text(unknown(*kind), &error.to_string()),
            catalog::Error::LeavesRoot { .. } => Self::from_text(ProblemCode::LeavesRoot, &error.to_string()),
            catalog::Error::Io { .. } => Self::internal(&error),
        }
    }
}

const fn unknown(kind: ContentKind) -> ProblemCode {
    match kind {
        ContentKind::Playbook => ProblemCode::UnknownPlaybook,
        ContentKind::Bundle => ProblemCode::UnknownBundle,
        ContentKind::Scenario => ProblemCode::UnknownScenario,
        ContentKind::Inventory => ProblemCode::UnknownInventory,
    }
}

impl From<BadBody> for Problem {
    fn from(error: BadBody) -> Self {
        let text = error.to_string();
        match error {
            BadBody::ContentType { .. } => Self::new(ProblemCode::UnsupportedMediaType, text)
                .hint("with curl: `--json '{...}'`, or `-H 'content-type: application/json'` before `-d`"),
            BadBody::TooLong { .. } => {
                Self::new(ProblemCode::BodyTooLong, text).hint("`server.body_limit_bytes` sets the limit")
            }
            BadBody::Broken(_) => Self::new(ProblemCode::BrokenBody, text),
            BadBody::Late => Self::new(ProblemCode::SlowBody, text).close(),
            BadBody::NoRoom => Self::new(ProblemCode::TooManyBodies, text).retry_after(1).close(),
            BadBody::TooManyValues { .. } => Self::new(ProblemCode::TooManyValues, text),
            BadBody::NotUtf8 => Self::new(ProblemCode::MalformedJson, text),
            BadBody::Json { .. } => Self::new(ProblemCode::MalformedJson, text),
            BadBody::Numbers { fields, read } => match *read {
                // Numbers that exceed double precision have a separate error.
                Err(error) if fields.is_empty() => error.into(),
                _ => Self::invalid(
                    fields
                        .into_iter()
                        .map(|field| fault(field, FaultCode::OutOfRange, NUMBER_LOST))
                        .collect(),
                ),
            },
        }
    }
}
