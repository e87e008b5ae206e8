//! Failures of operations on ranges as problems.

use engine::RangeError;

use super::range_faults::invalid_document;
use crate::http::problem::{FaultCode, Problem, ProblemCode, fault};

impl From<RangeError> for Problem {
    fn from(error: RangeError) -> Self {
        let text = error.to_string();
        match error {
            RangeError::Invalid(faults) => invalid_document(&faults),
            RangeError::Unknown(_) => {
                Self::new(ProblemCode::UnknownRange, text).hint("GET /v1/ranges lists the ranges")
            }
            RangeError::NameTaken(name) => Self::new(ProblemCode::RangeExists, text)
                .hint(format!("PUT /v1/ranges/{name} changes the existing range")),
            RangeError::Fixed { .. } => Self::from_text(ProblemCode::WrongState, &text),
            RangeError::Busy(job) => Self::new(ProblemCode::RangeBusy, text)
                .job(job)
                .hint(format!("GET /v1/jobs/{job}?wait=60 waits, and POST /v1/jobs/{job}/cancel cancels")),
            RangeError::Changed { .. } => Self::new(ProblemCode::PlanChanged, text)
                .hint("POST /v1/ranges/{id}/plan returns the new plan"),
            RangeError::Unconfirmed(destroyed) => {
                let names = destroyed.into_iter().map(|destroyed| destroyed.name).collect();
                Self::new(ProblemCode::ConfirmationRequired, text).names(names).hint(
                    "send the names in `confirm`, in the body or as a parameter joined by commas; `*` stands for all",
                )
            }
            // The settings had the platform when the range was created.
            RangeError::UnknownPlatform { .. } => Self::new(ProblemCode::PlatformUnavailable, text)
                .hint("GET /v1/platforms lists the platforms of the settings"),
            RangeError::Platform { source: platform::Error::NotSupported { .. }, .. } => {
                Self::new(ProblemCode::NotSupported, text)
            }
            RangeError::Platform { .. } => Self::from_text(ProblemCode::PlatformUnavailable, &text),
            RangeError::LeaseTaken(_) => Self::new(ProblemCode::PoolExhausted, text),
            RangeError::NotAllowed { .. } | RangeError::NoKey(_) | RangeError::Action(_) => {
                Self::new(ProblemCode::WrongState, text)
            }
            RangeError::Job(error) => error.into(),
            RangeError::Unreadable { .. } | RangeError::Key(_) | RangeError::Store(_) => {
                Self::internal(&error)
            }
        }
    }
}

/// The problem of a request with a document: its platform is a field like any other.
pub(super) fn of_document(error: RangeError) -> Problem {
    match error {
        RangeError::UnknownPlatform { name, known } => {
            let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("the settings have no platform `{}`", name.escape_debug());
            let fault = api::Fault {
                hint: Some(if known.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("use one of {known}")
                }),
                ..fault("platform", FaultCode::UnknownName, message)
            };
            Problem::faults(ProblemCode::InvalidDocument, vec![fault])
        }
        error => error.into(),
    }
}
