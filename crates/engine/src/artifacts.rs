//! Lists, opens, and removes the files that a job's run produced. They are stored on the node that ran it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use content::snapshots::artifacts::{self, Artifact, OmittedFile};
use model::{ArtifactsKept, EventKind, JobId};
use store::{EventQuery, Store};
use tokio::task::spawn_blocking;

use crate::error::JobError;

/// The artifacts of a job.
#[derive(Debug, Clone)]
pub struct JobArtifacts {
    /// The node that stores them; `None` when the job produced none.
    pub node: Option<String>,
    /// Whether that is this node.
    pub is_here: bool,
    /// How many files there are.
    pub files: u64,
    /// The files, if they are here.
    pub artifacts: Vec<Artifact>,
    /// Files that were not kept.
    pub left_out: Vec<OmittedFile>,
}

/// The artifacts of the jobs that ran on this node; clones are cheap.
#[derive(Debug, Clone)]
pub struct Artifacts {
    store: Store,
    /// Contains one directory per job.
    directory: Arc<Path>,
    node: Arc<str>,
}

impl Artifacts {
    pub(crate) const fn new(store: Store, directory: Arc<Path>, node: Arc<str>) -> Self {
        Self { store, directory, node }
    }

    /// The directory of a job's artifacts on the node that ran it.
    pub(crate) fn of_job(&self, job: JobId) -> PathBuf {
        self.directory.join(job.to_string())
    }

    /// The artifacts of a job's last attempt.
    ///
    /// # Errors
    /// When there is no such job, or the artifacts cannot be read.
    pub async fn list(&self, job: JobId) -> Result<JobArtifacts, JobError> {
        self.check_exists(job).await?;
        let directory = self.of_job(job);
        let here = spawn_blocking(move || artifacts::list(&directory)).await??;
        if !here.artifacts.is_empty() || !here.left_out.is_empty() {
            return Ok(JobArtifacts {
                node: Some(self.node.to_string()),
                is_here: true,
                files: here.artifacts.len() as u64,
                artifacts: here.artifacts,
                left_out: here.left_out,
            });
        }
        let query =
            EventQuery { kind: Some(EventKind::ARTIFACTS), ..EventQuery::after(0, u32::from(u16::MAX)) };
        let event = self.store.events(job, &query).await?.into_iter().next_back();
        let kept = event.and_then(|event| event.draft.read::<ArtifactsKept>());
        // Artifacts of this node that are no longer on disk have been removed.
        let elsewhere = kept.filter(|kept| *kept.node != *self.node);
        Ok(JobArtifacts {
            is_here: elsewhere.is_none(),
            files: elsewhere.as_ref().map_or(0, |kept| kept.files),
            node: elsewhere.map(|kept| kept.node),
            artifacts: Vec::new(),
            left_out: Vec::new(),
        })
    }

    /// Opens an artifact of a job.
    ///
    /// # Errors
    /// When this node has no artifact at that path.
    pub async fn open(&self, job: JobId, path: String) -> Result<(Artifact, File), JobError> {
        let all = self.list(job).await?;
        if let (Some(node), false) = (all.node, all.is_here) {
            return Err(JobError::ArtifactElsewhere { job, node });
        }
        let directory = self.of_job(job);
        let (name, wanted) = (path.clone(), path);
        let found = spawn_blocking(move || artifacts::open(&directory, &wanted)).await??;
        found.ok_or(JobError::UnknownArtifact { job, path: name })
    }

    /// Removes the artifacts of a job.
    pub(crate) async fn remove(&self, job: JobId) {
        let directory = self.of_job(job);
        match spawn_blocking(move || artifacts::remove(&directory)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(job.id = %job, %error, "the artifacts of a job cannot be removed")
            }
            Err(error) => tracing::error!(job.id = %job, %error, "the artifacts of a job were not removed"),
        }
    }

    /// Removes artifacts beyond the limits; returns the number of jobs that were affected.
    pub(crate) async fn prune(&self, age: Option<Duration>, bytes: Option<u64>) -> Result<usize, JobError> {
        let directory = Arc::clone(&self.directory);
        Ok(spawn_blocking(move || artifacts::prune(&directory, age, bytes)).await??)
    }

    /// Removes artifacts of jobs that another node deleted while this node was not running.
    pub(crate) async fn sweep(&self) {
        let jobs = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let jobs: Vec<JobId> = jobs.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        for job in jobs {
            if matches!(self.store.job(job).await, Ok(None)) {
                self.remove(job).await;
            }
        }
    }

    async fn check_exists(&self, job: JobId) -> Result<(), JobError> {
        self.store.job(job).await?.map(drop).ok_or(JobError::UnknownJob(job))
    }
}
