//! What runs that are no longer followed left behind: their directories, processes and secrets.
//!
//! Only what is provably ours is touched: directories below our own directory of runs whose name is the id of a
//! run, whose lock no process holds and whose job does not need them; secrets that name such a directory as theirs.

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

/// What is swept, and what is not.
struct Sweep {
    runs: PathBuf,
    runtime: PathBuf,
    needed: HashSet<RunId>,
}

/// Sweeps everything but the runs that are `needed`; returns the others that run nevertheless.
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

/// What became of it.
#[derive(Default)]
struct Swept {
    count: usize,
    running: Vec<RunId>,
}

impl Sweep {
    /// Secrets first.
    fn all(&self) -> io::Result<Swept> {
        let secrets = runtime::sweep_secrets(&self.runtime, &self.runs, |run| self.is_over(run))?;
        let mut swept = self.directories()?;
        swept.count += secrets;
        Ok(swept)
    }

    /// Whether the secrets of a run, or of an inspection, may go. An inspection has no other directory, and what is left of its
    /// processes is ended here.
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

    /// No job needs it and no process holds it. What cannot be determined is not dead.
    fn is_dead(&self, path: &Path) -> bool {
        let Some(run) = run_of(path) else { return false };
        !self.needed.contains(&run) && RunDirectory::at(path.to_owned()).is_held().is_ok_and(|held| !held)
    }
}

fn run_of(path: &Path) -> Option<RunId> {
    path.file_name()?.to_str()?.parse().ok()
}
