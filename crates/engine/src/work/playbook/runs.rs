//! The runs of this node on its disk: their directories, and what is left of them.

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

    /// What is known of a run whose supervisor left no outcome.
    pub(super) fn last_words(&self, run: RunId) -> String {
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

    /// Asks the supervisor of a run to end it. Before the run has its directory there is no supervisor to ask; the process
    /// that makes the directory looks at the job's state afterwards.
    pub(super) fn ask_to_stop(&self, run: RunId) {
        if let Err(error) = self.directory(run).ask_to_stop() {
            tracing::debug!(run.id = %run, %error, "the stop request could not be delivered to the run yet");
        }
    }

    /// Does what a supervisor that was killed could not do; returns how many processes it left.
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
