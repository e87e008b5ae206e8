//! Removes the leftovers of runs that are no longer followed: directories, processes, and secrets.
//!
//! Only data that provably belongs to this node is removed: subdirectories of its runs directory that are named
//! after a run, are not locked by a process, and are not needed by a job; and secrets that refer to such a
//! directory.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use ansible::{RunDirectory, runtime};
use model::RunId;
use process::orphans;
use tokio::task::spawn_blocking;

use super::runs::Runs;

/// The directories to clean up, and the runs to keep.
struct Sweep {
    runs: PathBuf,
    runtime: PathBuf,
    needed: HashSet<RunId>,
}

/// Cleans up everything except for the `needed` runs; returns other runs that are still running.
pub(super) async fn sweep(runs: &Runs, needed: HashSet<RunId>) -> Vec<RunId> {
    let directories = runs.directories();
    let sweep = Sweep { runs: directories.runs.clone(), runtime: directories.runtime.clone(), needed };
    match spawn_blocking(move || sweep.all()).await {
        Ok(Ok(Swept { count, running })) => {
            if count > 0 {
                tracing::info!(count, "removed what runs of earlier services left behind");
            }
            return running;
        }
        Ok(Err(error)) => tracing::error!(%error, "what earlier runs left behind cannot be removed"),
        Err(error) => tracing::error!(%error, "what earlier runs left behind was not removed"),
    }
    Vec::new()
}

/// The result of a cleanup.
#[derive(Default)]
struct Swept {
    count: usize,
    running: Vec<RunId>,
}

impl Sweep {
    /// Cleans up secrets first, then directories.
    fn all(&self) -> io::Result<Swept> {
        let secrets = runtime::sweep_secrets(&self.runtime, &self.runs, |run| self.is_over(run))?;
        let mut swept = self.directories()?;
        swept.count += secrets;
        Ok(swept)
    }

    /// Whether the secrets of a run or of an inspection can be removed. An inspection has no other directory, so
    /// its remaining processes are killed here.
    fn is_over(&self, path: &Path) -> bool {
        let is_dead = self.is_dead(path);
        if let Some(run) = run_of(path).filter(|_| is_dead && !path.exists()) {
            let _killed = orphans::end(process::MARKER, &run.to_string(), &run.short());
        }
        is_dead
    }

    fn directories(&self) -> io::Result<Swept> {
        let entries = match fs::read_dir(&self.runs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swept::default()),
            other => other?,
        };
        let mut swept = Swept::default();
        for entry in entries {
            let path = entry?.path();
            let Some(run) = run_of(&path) else { continue };
            if self.is_dead(&path) {
                let _killed = orphans::end(process::MARKER, &run.to_string(), &run.short());
                RunDirectory::at(path).remove()?;
                swept.count += 1;
            } else if !self.needed.contains(&run) {
                swept.running.push(run);
            }
        }
        Ok(swept)
    }

    /// Whether no job needs the run and no process holds it. If this cannot be determined, the run is kept.
    fn is_dead(&self, path: &Path) -> bool {
        let Some(run) = run_of(path) else { return false };
        !self.needed.contains(&run) && RunDirectory::at(path.to_owned()).is_held().is_ok_and(|held| !held)
    }
}

fn run_of(path: &Path) -> Option<RunId> {
    path.file_name()?.to_str()?.parse().ok()
}
