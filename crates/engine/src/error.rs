//! Errors that several handles share: those of content and those of jobs.
//!
//! An error that only one handle returns is defined next to it: `KeyError`, `AuditError`, `TokenError`,
//! `ProxmoxError`, `ResumeError`.

use content::catalog;
use model::{InvalidTransition, JobId, JobState, ProjectName};
use store::FullQueue;

use crate::{audit::AuditError, keyring::error::KeyError};

/// Why content cannot be listed, located, or inspected.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The requested content cannot be used.
    #[error(transparent)]
    Content(#[from] catalog::Error),
    /// The project does not exist.
    #[error("unknown project `{name}`{}", known_projects(.known))]
    UnknownProject {
        /// The requested project.
        name: ProjectName,
        /// The projects that exist.
        known: Vec<ProjectName>,
    },
    /// A limit ended an inspection.
    #[error("{why}")]
    InspectionEnded {
        /// Whether it was the time limit.
        is_time: bool,
        /// The cause, and a hint.
        why: String,
    },
    /// No turn for an inspection became free in time.
    #[error("too many inspections are waiting")]
    TooManyInspections,
    /// The entry that must precede the action cannot be written to the audit log.
    #[error("the audit cannot be written")]
    Audit(#[from] AuditError),
    /// A file could not be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// An internal task panicked or was aborted.
    #[error("an internal task failed")]
    Task(#[from] tokio::task::JoinError),
}

/// Why an operation on a job fails.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The content of the job cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The job does not exist.
    #[error("unknown job `{0}`")]
    UnknownJob(JobId),
    /// The state of the job does not allow the operation.
    #[error(transparent)]
    Refused(#[from] InvalidTransition),
    /// The job has not ended.
    #[error("job `{job}` is {state}: only a finished job can be deleted")]
    NotEnded {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
    },
    /// The queue is full.
    #[error("{}", match .0 {
        FullQueue::OfCaller => "as many jobs of this caller wait as may",
        FullQueue::InAll => "as many jobs wait as may",
    })]
    QueueFull(FullQueue),
    /// The idempotency key was used for a different request.
    #[error("this idempotency key was used for another request, which is job `{0}`")]
    KeyUsed(JobId),
    /// The job had secret variables, which have been deleted.
    #[error(
        "the secret variables of job `{0}` were deleted when it finished, so it cannot run again\nhint: submit a new job, with \
         its `secret_vars`"
    )]
    SecretsGone(JobId),
    /// The job produced no such file, or it is no longer kept.
    #[error("job `{job}` has no artifact `{path}`")]
    UnknownArtifact {
        /// The job.
        job: JobId,
        /// The path.
        path: String,
    },
    /// The job's artifacts are on another node.
    #[error("the artifacts of job `{job}` are on node `{node}`")]
    ArtifactElsewhere {
        /// The job.
        job: JobId,
        /// The node that ran it.
        node: String,
    },
    /// Secrets cannot be encrypted or decrypted.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A file could not be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// An internal task panicked or was aborted.
    #[error("an internal task failed")]
    Task(#[from] tokio::task::JoinError),
}

impl JobError {
    /// Whether the claim has ended, or the job was changed by another writer.
    pub(crate) const fn is_stale(&self) -> bool {
        matches!(self, Self::Store(store::Error::Stale { .. }))
    }
}

fn known_projects(known: &[ProjectName]) -> String {
    if known.is_empty() {
        return "\nhint: the settings name none: `projects.NAME.root`".to_owned();
    }
    let names: Vec<_> = known.iter().map(ProjectName::as_str).collect();
    format!("\nhint: there is `{}`", names.join("`, `"))
}
