//! What became of a job that was to be stored.

use model::JobId;

use crate::turns::Full;

/// What became of a job that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored.
    New,
    /// Not stored: this job was asked for before, under the same key and with the same body.
    Same(JobId),
    /// Not stored: the key is that of this job, which was asked for with another body.
    Conflict(JobId),
    /// Not stored: no more jobs may wait.
    Full(Full),
}
