//! Removes snapshots that no run needs, and expired artifacts.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use content::snapshots;
use tokio::task::spawn_blocking;

use super::{
    error::TaskError,
    keep::Keep,
    task::{About, Task},
};
use crate::artifacts::Artifacts;

/// Removes snapshots and artifacts.
#[derive(Debug)]
pub(crate) struct PruneFiles {
    artifacts: Artifacts,
    /// The directory of snapshots.
    snapshots: PathBuf,
    keep: Keep,
    /// Whether artifacts of jobs that are no longer in the store have been removed.
    is_swept: AtomicBool,
}

impl PruneFiles {
    pub(crate) const fn new(artifacts: Artifacts, snapshots: PathBuf, keep: Keep) -> Self {
        Self { artifacts, snapshots, keep, is_swept: AtomicBool::new(false) }
    }
}

impl Task for PruneFiles {
    const ABOUT: About = About {
        name: "prune_files",
        summary: "Removes unused snapshots, and artifacts that the retention policy doesn't keep",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        if !self.is_swept.swap(true, Relaxed) {
            self.artifacts.sweep().await;
        }
        let directory = self.snapshots.clone();
        let pruned = spawn_blocking(move || snapshots::prune(&directory)).await;
        let unused = pruned.map_err(std::io::Error::other)??;
        let artifacts = self.artifacts.prune(self.keep.artifacts_age, self.keep.artifacts_bytes).await?;
        if unused + artifacts > 0 {
            tracing::info!(
                snapshots = unused,
                artifacts,
                "removed snapshots and artifacts that are not kept"
            );
        }
        Ok((unused + artifacts) as u64)
    }
}
