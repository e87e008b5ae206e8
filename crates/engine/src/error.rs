//! Errors that several handles share: those of content, and those of jobs.
//!
//! A handle whose errors are its own has them beside it: `KeyError`, `AuditError`, `TokenError`, `ProxmoxError`,
//! `ResumeError`.

use content::catalog;
use model::{JobId, JobState, ProjectName, Refusal};
use store::Full;

use crate::{audit::AuditError, keyring::error::KeyError};

/// Why content cannot be listed, found or inspected.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The content that was asked for cannot be used.
    #[error(transparent)]
    Content(#[from] catalog::Error),
    /// There is no such project.
    #[error("unknown project `{name}`{}", known_projects(.known))]
    UnknownProject {
        /// What was asked for.
        name: ProjectName,
        /// Those that there are.
        known: Vec<ProjectName>,
    },
    /// A limit ended an inspection.
    #[error("{why}")]
    InspectionEnded {
        /// Whether that limit is its time.
        is_time: bool,
        /// What happened, and what helps.
        why: String,
    },
    /// No inspection could begin in time.
    #[error("too many inspections are waiting")]
    TooManyInspections,
    /// The audit does not take the record without which nothing is done.
    #[error("the audit cannot be written")]
    Audit(#[from] AuditError),
    /// A file could not be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// An internal task ended without an answer.
    #[error("an internal task failed")]
    Task(#[from] tokio::task::JoinError),
}

/// Why something cannot be done with a job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Its content cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// There is no such job.
    #[error("unknown job `{0}`")]
    UnknownJob(JobId),
    /// The job's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The job has not ended.
    #[error("job `{job}` is {state}: only a finished job can be deleted")]
    NotEnded {
        /// The job.
        job: JobId,
        /// Where it is.
        state: JobState,
    },
    /// No more jobs may wait.
    #[error("{}", match .0 {
        Full::OfCaller => "as many jobs of this caller wait as may",
        Full::InAll => "as many jobs wait as may",
    })]
    QueueFull(Full),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request, which is job `{0}`")]
    KeyUsed(JobId),
    /// The job had secret variables, and they are wiped.
    #[error(
        "the secret variables of job `{0}` were deleted when it finished, so it cannot run again\nhint: submit a new job, with \
         its `secret_vars`"
    )]
    SecretsGone(JobId),
    /// The job left no such file, or it is not kept any more.
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
    /// Secrets cannot be sealed or opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A file could not be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// An internal task ended without an answer.
    #[error("an internal task failed")]
    Task(#[from] tokio::task::JoinError),
}

impl JobError {
    /// Whether the claim under which something was to be done is over, or the job is not as the writer knew it.
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
