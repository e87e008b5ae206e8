//! Executes playbooks: starts the supervisor of a run, and stores its events until it has ended.

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use ansible::{Follower, Launcher, Progress, RunSpec};
use model::{Code, Draft, Ending, Job, JobId, JobState, Phase, PlaybookOutcome, Reason, RunId};
use store::Store;

use super::{never_began::NeverBegan, runs::Runs, spec::RunSpecs, sweep};
use crate::{
    backoff::Backoff,
    changes::Changes,
    clock,
    counters::Counters,
    error::JobError,
    work::{
        claimed::Claimed,
        contract::{BoxFuture, Execution, Finished, Takeover},
    },
};

/// Delay between checks of an abandoned run.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Executes playbooks.
#[derive(Debug)]
pub(crate) struct Playbooks {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
    pub(crate) counters: Arc<Counters>,
    pub(crate) launcher: Launcher,
    pub(crate) runs: Runs,
    pub(crate) specs: RunSpecs,
    pub(crate) never_began: NeverBegan,
    /// Duration of a lease.
    pub(crate) lease: Duration,
}

impl Execution for Playbooks {
    /// Starts the supervisor.
    fn begin<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), Box<Reason>>> {
        Box::pin(async move {
            let spec = self.specs.of(&claimed.job, claimed.run).await?;
            self.launch(claimed.run, &spec).await?;
            // If the job was canceled before the directory existed, the request did not reach the supervisor.
            let job = self.store.job(claimed.job.id).await;
            if job.is_ok_and(|job| job.is_some_and(|job| job.state == JobState::Canceling)) {
                self.runs.ask_to_stop(claimed.run);
            }
            Ok(())
        })
    }

    /// Follows a run to its end, starting after its last stored event.
    fn carry_on<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<Finished, JobError>> {
        Box::pin(self.follow(claimed))
    }

    fn clean_up(&self, run: RunId) {
        self.runs.remove(run);
    }

    fn abandon(&self, run: RunId) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let directory = self.runs.directory(run);
            loop {
                self.runs.ask_to_stop(run);
                match directory.is_held() {
                    Ok(false) => break,
                    Ok(true) => {}
                    Err(error) => {
                        tracing::warn!(run.id = %run, %error, "the run cannot be looked at; trying again")
                    }
                }
                tokio::time::sleep(CHECK_INTERVAL).await;
            }
            let _killed = self.runs.clear_up_after(run).await;
            self.runs.remove(run);
        })
    }

    /// Another node ran the playbook, possibly with side effects, so it is not repeated automatically.
    fn holder_has_exited(&self, job: &Job) -> Takeover {
        let node = job.node.clone().unwrap_or_default();
        let message = format!(
            "node `{node}`, which ran the job, has not renewed its lease for {} s",
            self.lease.as_secs()
        );
        let reason = Reason::new(Some(Phase::Run), Code::NodeGone, message);
        let outcome = PlaybookOutcome::without_run(Ending::Lost, reason, clock::now());
        Takeover::End(Box::new(outcome.into()))
    }

    fn sweep(&self, needed: HashSet<RunId>) -> BoxFuture<'_, Vec<RunId>> {
        Box::pin(sweep::sweep(&self.runs, needed))
    }
}

impl Playbooks {
    async fn follow(&self, claimed: &Claimed) -> Result<Finished, JobError> {
        let (job, run, origin) = (&claimed.job, claimed.run, claimed.origin);
        let outcome = match self.keep_events(job, run).await? {
            Some(outcome) => outcome,
            None if self.never_began.is_proven(job, run, origin).await? => {
                return self.never_began.requeue(job, run, origin).await;
            }
            None => {
                let mut lost = lost(self.runs.diagnostics(run));
                lost.detail.processes_killed = self.runs.clear_up_after(run).await;
                lost
            }
        };
        self.counters.account(&self.store, job, run, &outcome).await;
        Ok(Finished::With(Box::new(outcome.into())))
    }

    async fn launch(&self, run: RunId, spec: &RunSpec) -> Result<(), Box<Reason>> {
        self.launcher.launch(&self.runs.directory(run), spec).await.map_err(|error| {
            let message = format!("the supervisor of the run cannot be started: {error}");
            Box::new(Reason::new(Some(Phase::Spawn), Code::PrepareFailed, message))
        })
    }

    /// Stores events until the run ends; returns `None` when the supervisor has exited without an outcome.
    async fn keep_events(&self, job: &Job, run: RunId) -> Result<Option<PlaybookOutcome>, JobError> {
        let mut backoff = Backoff::new(job.id);
        let after = loop {
            match self.store.last_run_seq(run).await {
                Ok(after) => break after,
                Err(error) => backoff.after(error).await?,
            }
        };
        let Some(mut follower) = self.follower(job.id, run, after).await else {
            return Ok(None);
        };
        let mut backoff = Backoff::new(job.id);
        loop {
            match follower.next().await {
                Ok(Progress::Events(entries)) => {
                    let drafts: Vec<_> = entries.into_iter().map(|entry| (entry.n, entry.draft)).collect();
                    self.keep(job, run, &drafts).await?;
                    backoff = Backoff::new(job.id);
                }
                Ok(Progress::Ended(outcome)) => return Ok(Some(*outcome)),
                Ok(Progress::Gone) => return Ok(None),
                // The run continues even if its events cannot be read. Errors such as a lack of file descriptors
                // are temporary.
                Err(error) => {
                    tracing::warn!(job.id = %job.id, %error, "the run cannot be followed; trying again");
                    backoff.pause().await;
                }
            }
        }
    }

    async fn keep(&self, job: &Job, run: RunId, drafts: &[(u64, Draft)]) -> Result<(), JobError> {
        let mut backoff = Backoff::new(job.id);
        while let Err(error) = self.store.append_events(job.id, job.fence, run, drafts).await {
            backoff.after(error).await?;
        }
        self.changes.publish(job.id);
        Ok(())
    }

    /// Opens the spool of a run; returns `None` when the run has no directory.
    async fn follower(&self, job: JobId, run: RunId, after: u64) -> Option<Follower> {
        let mut backoff = Backoff::new(job);
        loop {
            match Follower::new(self.runs.directory(run), after) {
                Ok(follower) => return Some(follower),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => {
                    tracing::warn!(job.id = %job, %error, "the run cannot be followed; trying again")
                }
            }
            backoff.pause().await;
        }
    }
}

fn lost(message: String) -> PlaybookOutcome {
    let reason = Reason::new(Some(Phase::Run), Code::SupervisorGone, message);
    PlaybookOutcome::without_run(Ending::Lost, reason, clock::now())
}
