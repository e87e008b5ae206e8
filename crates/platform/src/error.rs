//! What a call to a platform can end with, by what the caller can do about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// Nothing was changed; the same call can succeed later. Locks, throttling, an API that is away.
    #[error("{what}")]
    Retry {
        /// What failed.
        what: String,
        /// The earliest time for the next attempt, if the platform named one.
        after: Option<Duration>,
    },
    /// The platform does not do this, and repeating the call does not help.
    #[error("{what}{}", hint.as_deref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
    Refused {
        /// What was refused, and why.
        what: String,
        /// What the operator can do about it.
        hint: Option<String>,
    },
    /// The thing, or the task, does not exist.
    #[error("{what}")]
    Gone {
        /// What does not exist.
        what: String,
    },
    /// The call was sent and there was no answer: it may have been carried out. Observe before anything else.
    #[error("{what}")]
    Unknown {
        /// What was asked.
        what: String,
    },
    /// This platform never does that.
    #[error("{what}")]
    NotSupported {
        /// What is not supported.
        what: String,
    },
}

impl Error {
    /// A refusal without a hint.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), hint: None }
    }

    /// A refusal, and what helps.
    pub fn refused_with(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), hint: Some(hint.into()) }
    }

    /// A failure that is over when the call is repeated later.
    pub fn retry(what: impl Into<String>) -> Self {
        Self::Retry { what: what.into(), after: None }
    }

    /// Something that does not exist.
    pub fn gone(what: impl Into<String>) -> Self {
        Self::Gone { what: what.into() }
    }

    /// May the same call succeed later? After [`Error::Unknown`] it may, once the state was observed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Unknown { .. })
    }
}
