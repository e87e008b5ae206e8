//! What runs left behind that nobody follows any more: their directories, processes and secrets.
//!
//! Only what is provably ours is touched: directories below our own directory of runs whose name is the id of a
//! run, whose lock nobody holds and whose job does not need them; secrets that name such a directory as theirs.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use ansible::{RunDirectory, process, supervisor, workspace};
use model::RunId;
use tokio::task::spawn_blocking;

use crate::Engine;

/// What is swept, and what is not.
struct Sweep {
    runs: PathBuf,
    runtime: PathBuf,
    needed: HashSet<RunId>,
}

impl Engine {
    /// Sweeps everything but the runs that are `needed`.
    pub(crate) async fn sweep(&self, needed: HashSet<RunId>) {
        let sweep =
            Sweep { runs: self.options().runs.clone(), runtime: self.options().runtime.clone(), needed };
        match spawn_blocking(move || sweep.all()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(swept)) => tracing::info!(swept, "removed what runs of earlier services left behind"),
            Ok(Err(error)) => tracing::error!(%error, "what earlier runs left behind cannot be removed"),
            Err(error) => tracing::error!(%error, "what earlier runs left behind was not removed"),
        }
    }
}

impl Sweep {
    /// Secrets first.
    fn all(&self) -> io::Result<usize> {
        let secrets = workspace::sweep_secrets(&self.runtime, &self.runs, |run| self.is_dead(run))?;
        Ok(secrets + self.directories()?)
    }

    fn directories(&self) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.runs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        let mut swept = 0;
        for entry in entries {
            let path = entry?.path();
            let Some(run) = run_of(&path) else { continue };
            if self.is_dead(&path) {
                let _killed = process::end_marked(supervisor::MARKER, &run.to_string());
                RunDirectory::at(path).remove()?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Nobody needs it and nobody holds it. What cannot be told is not dead.
    fn is_dead(&self, path: &Path) -> bool {
        let Some(run) = run_of(path) else { return false };
        !self.needed.contains(&run) && RunDirectory::at(path.to_owned()).is_held().is_ok_and(|held| !held)
    }
}

fn run_of(path: &Path) -> Option<RunId> {
    path.file_name()?.to_str()?.parse().ok()
}
