//! Playbooks: a supervisor runs Ansible, and this process follows it.
//!
//! The supervisor and its spool do not need this process: it may end at any moment, and the process that follows the run next
//! continues with the first event that is not stored.

mod never_began;
mod spec;
mod sweep;

use std::{io, time::Duration};

use ansible::{Follower, Progress, RunDirectory, RunSpec, workspace::Workspace};
use model::{Code, Draft, Ending, Job, JobId, JobState, Phase, PlaybookOutcome, PlaybookWork, Reason, RunId};
use process::orphans;
use tokio::task::spawn_blocking;

use super::Finished;
use crate::{Engine, claimed::Claimed, clock, jobs::Error, moves::Patience};

/// How long to wait before an abandoned run is looked at again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Its content exists and stays in its root.
    pub(super) async fn check_playbook(&self, work: &PlaybookWork) -> Result<(), Error> {
        for content in work.before.iter().map(|step| &step.content).chain([&work.content]) {
            self.locate(work.project.as_ref(), content.clone()).await?;
        }
        Ok(())
    }

    /// Starts the supervisor.
    pub(super) async fn begin_playbook(&self, claimed: &Claimed) -> Result<(), Box<Reason>> {
        let (job, run) = (&claimed.job, claimed.run);
        let spec = self.run_spec(job, run).await?;
        self.launch(&self.run_directory(run), &spec).await?;
        // A cancel that came before the directory existed had no supervisor to ask.
        if self
            .store()
            .job(job.id)
            .await
            .is_ok_and(|job| job.is_some_and(|job| job.state == JobState::Canceling))
        {
            self.ask_supervisor_to_stop(run);
        }
        Ok(())
    }

    /// Follows a run to its end, from wherever its events were stored up to.
    pub(super) async fn follow_playbook(&self, claimed: &Claimed) -> Result<Finished, Error> {
        let (job, run, origin) = (&claimed.job, claimed.run, claimed.origin);
        let outcome = match self.keep_events(job, run).await? {
            Some(outcome) => outcome,
            None if self.never_began(job, run, origin).await? => {
                return self.queue_never_begun(job, run, origin).await;
            }
            None => {
                let mut lost = lost(self.last_words(run));
                lost.detail.processes_killed = self.clear_up_after(run).await;
                lost
            }
        };
        self.account(job, run, &outcome).await;
        Ok(Finished::With(Box::new(outcome.into())))
    }

    /// Another node ran it, and may have done anything: that is not repeated without a request.
    pub(super) async fn lose_playbook(&self, job: &Job) {
        let node = job.node.clone().unwrap_or_default();
        let message = format!(
            "node `{node}`, which ran the job, has not renewed its lease for {} s",
            self.options().lease.as_secs()
        );
        let reason = Reason::new(Some(Phase::Run), Code::NodeGone, message);
        let outcome = PlaybookOutcome::without_run(Ending::Lost, reason, clock::now());
        if let Err(error) = self.record_end(job, &outcome.into()).await {
            tracing::error!(job.id = %job.id, %error, "the end of the job cannot be recorded");
        }
    }

    pub(crate) fn run_directory(&self, run: RunId) -> RunDirectory {
        RunDirectory::new(&self.options().runs, run)
    }

    async fn launch(&self, directory: &RunDirectory, spec: &RunSpec) -> Result<(), Box<Reason>> {
        self.options().launcher.launch(directory, spec).await.map_err(|error| {
            let message = format!("the supervisor of the run cannot be started: {error}");
            Box::new(Reason::new(Some(Phase::Spawn), Code::PrepareFailed, message))
        })
    }

    /// `None` when the supervisor is gone and left no outcome.
    async fn keep_events(&self, job: &Job, run: RunId) -> Result<Option<PlaybookOutcome>, Error> {
        let mut patience = Patience::new(job.id);
        let after = loop {
            match self.store().last_run_seq(run).await {
                Ok(after) => break after,
                Err(error) => patience.after(error).await?,
            }
        };
        let Some(mut follower) = self.follower(job.id, run, after).await else {
            return Ok(None);
        };
        let mut patience = Patience::new(job.id);
        loop {
            match follower.next().await {
                Ok(Progress::Events(entries)) => {
                    let drafts: Vec<_> = entries.into_iter().map(|entry| (entry.n, entry.draft)).collect();
                    self.keep(job, run, &drafts).await?;
                    patience = Patience::new(job.id);
                }
                Ok(Progress::Ended(outcome)) => return Ok(Some(*outcome)),
                Ok(Progress::Gone) => return Ok(None),
                // The run goes on whether we can read or not: when no descriptor is left, one will be.
                Err(error) => {
                    tracing::warn!(job.id = %job.id, %error, "the run cannot be followed; trying again");
                    patience.pause().await;
                }
            }
        }
    }

    async fn keep(&self, job: &Job, run: RunId, drafts: &[(u64, Draft)]) -> Result<(), Error> {
        let mut patience = Patience::new(job.id);
        while let Err(error) = self.store().append_events(job.id, job.fence, run, drafts).await {
            patience.after(error).await?;
        }
        self.inner.live.tell(job.id);
        Ok(())
    }

    /// `None` when the run has no directory.
    async fn follower(&self, job: JobId, run: RunId, after: u64) -> Option<Follower> {
        let mut patience = Patience::new(job);
        loop {
            match Follower::new(self.run_directory(run), after) {
                Ok(follower) => return Some(follower),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => {
                    tracing::warn!(job.id = %job, %error, "the run cannot be followed; trying again")
                }
            }
            patience.pause().await;
        }
    }

    pub(crate) fn last_words(&self, run: RunId) -> String {
        let directory = self.run_directory(run);
        if !directory.path().exists() {
            return "the run has no directory".to_owned();
        }
        let words = directory.last_words();
        let nothing = "its supervisor exited without an outcome";
        if words.is_empty() { nothing.to_owned() } else { format!("{nothing}; it logged: {words}") }
    }

    pub(super) fn remove_run_directory(&self, run: RunId) {
        if let Err(error) = self.run_directory(run).remove() {
            tracing::error!(run.id = %run, %error, "the directory of the run cannot be removed");
        }
    }

    /// Ends a run whose job another node holds now, and removes what is left of it. Nothing is stored about it: the store
    /// refuses writes under the old fence.
    pub(super) async fn abandon_playbook(&self, run: RunId) {
        let directory = self.run_directory(run);
        loop {
            self.ask_supervisor_to_stop(run);
            match directory.is_held() {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) => {
                    tracing::warn!(run.id = %run, %error, "the run cannot be looked at; trying again")
                }
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        let _killed = self.clear_up_after(run).await;
        self.remove_run_directory(run);
    }

    /// Asks the supervisor of a run to end it. Before the run has its directory there is no supervisor to ask; the process
    /// that makes the directory looks at the job's state afterwards.
    pub(super) fn ask_supervisor_to_stop(&self, run: RunId) {
        if let Err(error) = self.run_directory(run).ask_to_stop() {
            tracing::debug!(run.id = %run, %error, "the stop request could not be delivered to the run yet");
        }
    }

    /// Does what a supervisor that was killed could not do; gives how many processes it left.
    pub(crate) async fn clear_up_after(&self, run: RunId) -> u32 {
        let private = self.run_directory(run).private();
        let workspace = Workspace::new(private, &self.options().runtime, &run.short());
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

fn lost(message: String) -> PlaybookOutcome {
    let reason = Reason::new(Some(Phase::Run), Code::SupervisorGone, message);
    PlaybookOutcome::without_run(Ending::Lost, reason, clock::now())
}
