//! Files that a job's run left: listed, opened, removed. They are on the node that ran it.

use std::fs::File;

use content::snapshots::{
    self,
    artifacts::{self, Artifact, LeftOut},
};
use model::{ArtifactsKept, EventKind, JobId};
use store::EventQuery;
use tokio::task::spawn_blocking;

use crate::{Engine, jobs::Error};

/// The artifacts of a job.
#[derive(Debug, Clone)]
pub struct JobArtifacts {
    /// The node that has them; `None` when the job left none.
    pub node: Option<String>,
    /// Whether that is this node.
    pub is_here: bool,
    /// How many files there are.
    pub files: u64,
    /// The files, if they are here.
    pub artifacts: Vec<Artifact>,
    /// Files that are not kept.
    pub left_out: Vec<LeftOut>,
}

impl Engine {
    /// What the last attempt of a job left.
    ///
    /// # Errors
    /// When there is no such job, or the artifacts cannot be read.
    pub async fn artifacts(&self, job: JobId) -> Result<JobArtifacts, Error> {
        self.job(job).await?;
        let directory = self.artifacts_of(job);
        let here = spawn_blocking(move || artifacts::list(&directory)).await??;
        if !here.artifacts.is_empty() || !here.left_out.is_empty() {
            return Ok(JobArtifacts {
                node: Some(self.options().node.clone()),
                is_here: true,
                files: here.artifacts.len() as u64,
                artifacts: here.artifacts,
                left_out: here.left_out,
            });
        }
        let query =
            EventQuery { kind: Some(EventKind::ARTIFACTS), ..EventQuery::after(0, u32::from(u16::MAX)) };
        let event = self.events(job, &query).await?.into_iter().next_back();
        let kept = event.and_then(|event| event.draft.read::<ArtifactsKept>());
        // Those that were here are removed by now.
        let elsewhere = kept.filter(|kept| kept.node != self.options().node);
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
    /// When there is none of that path on this node.
    pub async fn open_artifact(&self, job: JobId, path: String) -> Result<(Artifact, File), Error> {
        let all = self.artifacts(job).await?;
        if let (Some(node), false) = (all.node, all.is_here) {
            return Err(Error::ArtifactElsewhere { job, node });
        }
        let directory = self.artifacts_of(job);
        let (name, wanted) = (path.clone(), path);
        let found = spawn_blocking(move || artifacts::open(&directory, &wanted)).await??;
        found.ok_or(Error::UnknownArtifact { job, path: name })
    }

    pub(crate) async fn remove_artifacts(&self, job: JobId) {
        let directory = self.artifacts_of(job);
        match spawn_blocking(move || artifacts::remove(&directory)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(job.id = %job, %error, "the artifacts of a job cannot be removed")
            }
            Err(error) => tracing::error!(job.id = %job, %error, "the artifacts of a job were not removed"),
        }
    }

    /// Removes artifacts beyond the limits, those of jobs that are gone, and snapshots that no run needs.
    pub(crate) async fn prune_files(&self) {
        let state = self.options().state.clone();
        let keep = self.options().keep;
        let pruned = spawn_blocking(move || {
            let snapshots = snapshots::prune(&state.join("snapshots"));
            let artifacts =
                artifacts::prune(&state.join("artifacts"), keep.artifacts_age, keep.artifacts_bytes);
            snapshots.and_then(|snapshots| Ok((snapshots, artifacts?)))
        });
        match pruned.await {
            Ok(Ok((snapshots, artifacts))) if snapshots + artifacts > 0 => {
                tracing::info!(snapshots, artifacts, "removed snapshots and artifacts that are not kept");
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "old snapshots and artifacts cannot be removed"),
            Err(error) => tracing::warn!(%error, "old snapshots and artifacts were not removed"),
        }
    }

    /// Artifacts of jobs that another node deleted while this one was away.
    pub(crate) async fn sweep_artifacts(&self) {
        let directory = self.options().state.join("artifacts");
        let jobs = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        let jobs: Vec<JobId> = jobs.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        for job in jobs {
            if matches!(self.store().job(job).await, Ok(None)) {
                self.remove_artifacts(job).await;
            }
        }
    }
}
