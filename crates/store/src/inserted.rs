//! What became of a job that was to be stored.

use model::JobId;

use crate::turns::FullQueue;

/// The result of storing a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored.
    New,
    /// Not stored: this job was requested before, with the same key and the same body.
    Same(JobId),
    /// Not stored: the key belongs to this job, which was requested with a different body.
    Conflict(JobId),
    /// Not stored: the limit of queued jobs is reached.
    Full(FullQueue),
}
