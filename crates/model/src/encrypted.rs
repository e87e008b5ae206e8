//! Secrets as they are stored: encrypted, and bound to the job or range that they belong to.

use std::fmt;

use crate::{JobId, RangeId};

/// Encrypted secrets, with the name of the key. Only the key can decrypt them, and only for their owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted(pub String);

/// The job or range that secrets belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretOwner {
    /// A job.
    Job(JobId),
    /// A range.
    Range(RangeId),
}

impl From<JobId> for SecretOwner {
    fn from(job: JobId) -> Self {
        Self::Job(job)
    }
}

impl From<RangeId> for SecretOwner {
    fn from(range: RangeId) -> Self {
        Self::Range(range)
    }
}

impl fmt::Display for SecretOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(job) => write!(f, "job {job}"),
            Self::Range(range) => write!(f, "range {range}"),
        }
    }
}
