//! Starting a supervisor, from the service's side.

use std::{fs::File, io, os::fd::OwnedFd, path::PathBuf, process::Stdio};

use secrecy::zeroize::Zeroizing;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::unix::pipe,
    process::Command,
};

use crate::{
    forkserver::ForkServers,
    run::{
        directory::{RunDirectory, new_file},
        spec::RunSpec,
    },
};

/// Starts supervisors.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program that has a `supervise` command: our own.
    pub program: PathBuf,
    /// Processes that have Ansible imported, if runs are to begin there; otherwise each starts ansible-runner.
    pub hosts: Option<ForkServers>,
}

impl Launcher {
    /// Executes this very program, even when its file has been replaced meanwhile.
    #[must_use]
    pub fn this_program(hosts: Option<ForkServers>) -> Self {
        Self { program: "/proc/self/exe".into(), hosts }
    }

    /// Makes the run's directory and starts its supervisor, which then needs us no more.
    ///
    /// # Errors
    /// When the directory cannot be made or the process not be started. The directory is left to the caller.
    pub async fn launch(&self, directory: &RunDirectory, spec: &RunSpec) -> io::Result<()> {
        let lock = directory.create()?;
        let log = new_file(&directory.log())?;
        let text = Zeroizing::new(serde_json::to_vec(spec)?);
        if let Some(pipe) = self.launch_warm(directory, spec, &lock, &log).await {
            match send(pipe::Sender::from_owned_fd(pipe)?, &text).await {
                // It ended before it had read everything, so no supervisor has the run.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    tracing::warn!("the standby supervisor has exited; starting a new one");
                }
                sent => return sent,
            }
        }
        let mut supervisor = Command::new(&self.program)
            .arg("supervise")
            .arg(directory.path())
            .env_clear()
            .stdin(Stdio::piped())
            // The lock goes along as standard output: it belongs to the open file, so it is held from before the
            // supervisor exists until it has exited, without a gap.
            .stdout(lock)
            .stderr(log)
            .spawn()?;
        if let Some(pipe) = supervisor.stdin.take() {
            match send(pipe, &text).await {
                // It was killed already. The service, which follows the run, finds that it never began.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    tracing::warn!("the supervisor exited before it had read the specification of the run");
                }
                sent => sent?,
            }
        }
        // Reaps it; only the outcome file says whether it did its work.
        tokio::spawn(async move { supervisor.wait().await });
        Ok(())
    }

    /// A supervisor that a process with Ansible imported keeps; `None` where that is not to be had.
    async fn launch_warm(
        &self,
        directory: &RunDirectory,
        spec: &RunSpec,
        lock: &File,
        log: &File,
    ) -> Option<OwnedFd> {
        let hosts = self.hosts.as_ref()?;
        let path = directory.path().to_str()?;
        hosts.launch(&self.program, spec, path, (lock, log)).await
    }
}

/// Sends all of the text to a supervisor, then closes the pipe.
async fn send(mut pipe: impl AsyncWrite + Unpin, text: &[u8]) -> io::Result<()> {
    pipe.write_all(text).await?;
    pipe.shutdown().await
}
