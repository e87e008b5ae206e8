//! One worker for one claimed job: start its run, keep what it tells, record how it ends.

use std::io;

use ansible::{Follower, Progress, RunDirectory, RunSpec, orphans, supervisor, workspace::Workspace};
use model::{
    Code, Draft, Ending, Job, JobId, JobState, Outcome, Phase, PlaybookOutcome, Reason, RunId,
    job_state::Move,
};
use tokio::{sync::OwnedRwLockReadGuard, task::spawn_blocking};

use crate::{Engine, clock, jobs::Error, leases::Hold, moves::Patience, never_began::Origin};

/// Held from before a job is claimed until its run needs us no more: meanwhile the service must not end.
pub(crate) type Beginning = OwnedRwLockReadGuard<()>;

impl Engine {
    /// Runs a job that was just claimed.
    pub(crate) async fn work_on(&self, job: Job, run: RunId, hold: Hold, beginning: Beginning) {
        let started = self.start(&job, run).await;
        drop(beginning);
        match started {
            Ok(()) => self.follow_through(job, run, hold, Origin::Started).await,
            Err(reason) => {
                let outcome = PlaybookOutcome::without_run(Ending::Failed, *reason, clock::now());
                self.finish(job, run, outcome).await;
            }
        }
    }

    async fn start(&self, job: &Job, run: RunId) -> Result<(), Box<Reason>> {
        let spec = self.run_spec(job, run).await?;
        self.launch(&self.run_directory(run), &spec).await?;
        // A cancel that came before there was a directory found nobody to ask.
        if self
            .store()
            .job(job.id)
            .await
            .is_ok_and(|job| job.is_some_and(|job| job.state == JobState::Canceling))
        {
            self.ask_to_stop(run);
        }
        Ok(())
    }

    /// Follows a run to its end, also when following it fails in a way that nobody thought of: the run itself is
    /// not touched by that.
    pub(crate) async fn follow_through(&self, job: Job, run: RunId, _hold: Hold, origin: Origin) {
        let mut patience = Patience::new(job.id);
        loop {
            let (engine, followed) = (self.clone(), job.clone());
            let Err(error) = tokio::spawn(async move { engine.follow(followed, run, origin).await }).await
            else {
                return;
            };
            if error.is_cancelled() {
                return;
            }
            tracing::error!(job.id = %job.id, %error, "following a run failed; beginning anew");
            patience.pause().await;
        }
    }

    /// Follows a run to its end, from wherever its events were kept up to.
    async fn follow(&self, job: Job, run: RunId, origin: Origin) {
        match self.follow_to_its_end(&job, run, origin).await {
            Ok(()) => {}
            Err(Error::Store(store::Error::Stale { .. })) => {
                tracing::warn!(job.id = %job.id, "the job was claimed by somebody else; ending our run");
                self.clone().abandon(run).await;
            }
            Err(error) => {
                // Everything else was tried again until it worked.
                tracing::error!(job.id = %job.id, %error, "the job cannot be followed");
            }
        }
    }

    async fn follow_to_its_end(&self, job: &Job, run: RunId, origin: Origin) -> Result<(), Error> {
        match self.keep_events(job, run).await? {
            Some(outcome) => self.finish(job.clone(), run, outcome).await,
            None if self.never_began(job, run, origin).await? => {
                self.queue_never_begun(job.clone(), run, origin).await?;
            }
            None => {
                let lost = lost(self.last_words(run));
                self.finish(job.clone(), run, lost).await;
            }
        }
        Ok(())
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
        let nothing = "its supervisor ended without an outcome";
        if words.is_empty() { nothing.to_owned() } else { format!("{nothing}; it said: {words}") }
    }

    /// Records the end, then forgets the run's files: they are needed until the end is safely stored.
    async fn finish(&self, job: Job, run: RunId, mut outcome: PlaybookOutcome) {
        if outcome.ending == Ending::Lost {
            outcome.detail.processes_killed = self.clear_up_after(run).await;
        }
        // What can be cured by asking again was: the job is no longer ours, or is gone.
        self.account(&job, run, &outcome).await;
        if let Err(error) = self.record_end(&job, &outcome.into()).await {
            tracing::error!(job.id = %job.id, %error, "the end of the job cannot be recorded");
            return self.clone().abandon(run).await;
        }
        self.forget(run);
    }

    pub(crate) fn forget(&self, run: RunId) {
        if let Err(error) = self.run_directory(run).remove() {
            tracing::error!(run.id = %run, %error, "the directory of the run cannot be removed");
        }
    }

    pub(crate) async fn record_end(&self, job: &Job, outcome: &Outcome) -> Result<(), Error> {
        let mut patience = Patience::new(job.id);
        let end = Move::End(outcome.ending);
        loop {
            match self.move_job(job.clone(), end, &outcome.reason, Some(outcome)).await {
                Ok(ended) => {
                    self.retry_by_policy(&ended).await;
                    return Ok(());
                }
                Err(error) => patience.after(error).await?,
            }
        }
    }

    /// Does what a supervisor that was killed could not do; gives how many processes it left.
    pub(crate) async fn clear_up_after(&self, run: RunId) -> u32 {
        let private = self.run_directory(run).private();
        let workspace = Workspace::new(private, &self.options().runtime, &run.short());
        let cleared = spawn_blocking(move || {
            let killed = orphans::end(supervisor::MARKER, &run.to_string(), &run.short());
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
