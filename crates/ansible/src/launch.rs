//! Starting a supervisor, from the service's side.

use std::{io, path::PathBuf, process::Stdio};

use secrecy::zeroize::Zeroizing;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{RunDirectory, RunSpec, run_directory::new_file};

/// Starts supervisors.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program that has a `supervise` command: our own.
    pub program: PathBuf,
}

impl Launcher {
    /// Executes this very program, even when its file has been replaced meanwhile.
    #[must_use]
    pub fn this_program() -> Self {
        Self { program: "/proc/self/exe".into() }
    }

    /// Makes the run's directory and starts its supervisor, which then needs us no more.
    ///
    /// # Errors
    /// When the directory cannot be made or the process not be started. The directory is left to the caller.
    pub async fn launch(&self, directory: &RunDirectory, spec: &RunSpec) -> io::Result<()> {
        let lock = directory.create()?;
        let log = new_file(&directory.log())?;
        let mut supervisor = Command::new(&self.program)
            .arg("supervise")
            .arg(directory.path())
            .env_clear()
            .stdin(Stdio::piped())
            // The lock goes along as standard output: it belongs to the open file, so it is held from before the
            // supervisor exists until after it is gone, with no moment in between.
            .stdout(lock)
            .stderr(log)
            .spawn()?;
        if let Some(mut pipe) = supervisor.stdin.take() {
            let text = Zeroizing::new(serde_json::to_vec(spec)?);
            pipe.write_all(&text).await?;
        }
        // Reaps it; whether it did its work is told by the outcome file alone.
        tokio::spawn(async move { supervisor.wait().await });
        Ok(())
    }
}
