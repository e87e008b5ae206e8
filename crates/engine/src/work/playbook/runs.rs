//! The directories of this node's runs, and their cleanup.

use std::sync::Arc;

use ansible::{RunDirectory, Workspace};
use model::RunId;
use process::orphans;
use tokio::task::spawn_blocking;

use crate::options::Directories;

/// The directories of runs; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Runs(Arc<Directories>);

impl Runs {
    pub(crate) fn new(directories: Directories) -> Self {
        Self(Arc::new(directories))
    }

    pub(super) fn directories(&self) -> &Directories {
        &self.0
    }

    /// The directory of a run.
    pub(super) fn directory(&self, run: RunId) -> RunDirectory {
        RunDirectory::new(&self.0.runs, run)
    }

    /// The workspace of a run, with its secrets.
    pub(super) fn workspace(&self, run: RunId) -> Workspace {
        Workspace::new(self.directory(run).private(), &self.0.runtime, &run.short())
    }

    /// Diagnostics about a run whose supervisor left no outcome.
    pub(super) fn diagnostics(&self, run: RunId) -> String {
        let directory = self.directory(run);
        if !directory.path().exists() {
            return "the run has no directory".to_owned();
        }
        let words = directory.last_words();
        let nothing = "its supervisor exited without an outcome";
        if words.is_empty() { nothing.to_owned() } else { format!("{nothing}; it logged: {words}") }
    }

    /// Removes the directory of a run.
    pub(super) fn remove(&self, run: RunId) {
        if let Err(error) = self.directory(run).remove() {
            tracing::error!(run.id = %run, %error, "the directory of the run cannot be removed");
        }
    }

    /// Requests that the supervisor of a run stops it. Before the directory of the run exists, there is no
    /// supervisor; the process that creates the directory checks the job's state afterwards.
    pub(super) fn ask_to_stop(&self, run: RunId) {
        if let Err(error) = self.directory(run).ask_to_stop() {
            tracing::debug!(run.id = %run, %error, "the stop request could not be delivered to the run yet");
        }
    }

    /// Performs the cleanup of a supervisor that was killed; returns the number of processes that it left.
    pub(super) async fn clear_up_after(&self, run: RunId) -> u32 {
        let workspace = self.workspace(run);
        let cleared = spawn_blocking(move || {
            let killed = orphans::end(process::MARKER, &run.to_string(), &run.short());
            (killed, workspace.remove())
        });
        match cleared.await {
            Ok((killed, Ok(()))) => killed,
            Ok((killed, Err(error))) => {
                tracing::error!(%error, "what a lost run left behind cannot be removed");
                killed
            }
            Err(error) => {
                tracing::error!(%error, "what a lost run left behind was not removed");
                0
            }
        }
    }
}
