//! Carries out a plan: runs it as a saga, stores its events, and records what exists when it has ended.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use model::{
    Code, Detail, EncryptedSecrets, Ending, Job, JobState, JournalPhase, Outcome, Phase, RangeDetail,
    RangeGoal, RangeId, RangeState, RangeWork, Reason, RunId, StoredRange,
};
use platform::{Login, Owner};
use range::{Document, Plan, document::OnFailure as FailurePolicy, expand::spec::Desired};
use saga::{Goal, OnFailure, Saga};
use store::{PlanHolder, Settlement, Store};

use super::{
    actions::PlanActions,
    graph,
    options::RangeOptions,
    outcome,
    report::{Reporter, reporter},
    running::RunningPlans,
    tasks::Tasks,
};
use crate::{
    backoff::Backoff,
    changes::Changes,
    clock,
    error::JobError,
    jobs::handle::Jobs,
    keyring::handle::Keyring,
    plan_journal::PlanJournal,
    platforms::{PlatformEntry, Platforms},
    ranges::{
        durations, leases,
        secrets::RangeSecrets,
        state::{self, Existing, RangeData},
    },
    work::{
        claimed::Claimed,
        contract::{BoxFuture, Execution, Finished, Takeover},
    },
};

/// Carries out plans of ranges.
#[derive(Debug)]
pub(crate) struct RangePlans {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
    pub(crate) jobs: Jobs,
    pub(crate) platforms: Platforms,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) running: RunningPlans,
    pub(crate) options: RangeOptions,
    /// Ranges that were destroyed by attempts whose outcome is not stored yet.
    pub(crate) destroyed: Mutex<HashMap<RunId, RangeId>>,
}

/// All that one plan needs.
struct Loaded {
    range: RangeData,
    plan: Plan,
    owner: Owner,
    entry: PlatformEntry,
    secrets: Option<RangeSecrets>,
    sets_rules: bool,
    document: Document,
    /// The machines as they are once all steps are done.
    desired: Desired,
}

impl Execution for RangePlans {
    fn begin<'a>(&'a self, _claimed: &'a Claimed) -> BoxFuture<'a, Result<(), Box<Reason>>> {
        Box::pin(async { Ok(()) })
    }

    fn carry_on<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<Finished, JobError>> {
        Box::pin(async move {
            // A plan waits for platforms and for child jobs: it needs no slot.
            claimed.slot.give_back();
            let outcome = self.carry_out(claimed).await?;
            Ok(Finished::With(Box::new(outcome)))
        })
    }

    /// Deletes a range that was destroyed. A crash before leaves that to the background task.
    fn clean_up(&self, run: RunId) {
        let destroyed = self.destroyed.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
        if let Some(range) = destroyed {
            let store = self.store.clone();
            tokio::spawn(async move {
                if let Err(error) = store.delete_range(range).await {
                    tracing::warn!(range.id = %range, %error, "a destroyed range can't be deleted; trying again later");
                }
            });
        }
    }

    fn abandon(&self, _run: RunId) -> BoxFuture<'_, ()> {
        // Nothing outlives the saga, which has ended.
        Box::pin(async {})
    }

    /// Unlike a playbook, a plan is safe to continue: its journal says what may exist.
    fn holder_has_exited(&self, _job: &Job) -> Takeover {
        Takeover::Continue
    }

    fn sweep(&self, _needed: HashSet<RunId>) -> BoxFuture<'_, Vec<RunId>> {
        Box::pin(async { Vec::new() })
    }
}

impl RangePlans {
    async fn carry_out(&self, claimed: &Claimed) -> Result<Outcome, JobError> {
        let job = &claimed.job;
        let Some(work) = job.request.work.as_range() else {
            return Ok(failed("the work of the job is no plan of a range"));
        };
        let loaded = match self.load(job, work).await? {
            Ok(loaded) => loaded,
            Err(outcome) => return Ok(*outcome),
        };
        let holder = PlanHolder { plan: work.plan, job: job.id, fence: job.fence };
        if let Err(outcome) = self.take(holder, claimed).await? {
            return Ok(*outcome);
        }
        let (reporter, recorder) = reporter(&self.store, job, claimed.run).await?;
        let recording = tokio::spawn({
            let (store, changes, job, run) =
                (self.store.clone(), self.changes.clone(), Arc::new(job.clone()), claimed.run);
            async move { recorder.run(&store, &changes, &job, run).await }
        });
        let end = self.run(claimed, work, &loaded, holder, &reporter).await;
        drop(reporter);
        match recording.await {
            Ok(recorded) => recorded?,
            Err(error) => tracing::error!(job.id = %job.id, %error, "events of a plan were lost"),
        }
        let end = match end? {
            Ok(end) => end,
            Err(why) => return Ok(failed(&why)),
        };
        let mut backoff = Backoff::new(job.id);
        loop {
            match self.settle(&loaded, holder, &end, work.goal).await {
                Ok((state, outcome)) => {
                    if state == RangeState::Empty {
                        let mut destroyed = self.destroyed.lock().unwrap_or_else(PoisonError::into_inner);
                        destroyed.insert(claimed.run, work.range);
                    }
                    return Ok(Outcome { started_at: job.started_at, ..outcome });
                }
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    /// Has the job carry out the plan from now on. The inner error is the outcome of a job whose plan another job carries out.
    async fn take(
        &self,
        holder: PlanHolder,
        claimed: &Claimed,
    ) -> Result<Result<(), Box<Outcome>>, JobError> {
        let mut backoff = Backoff::new(holder.job);
        loop {
            match self.store.take_plan(holder).await {
                Ok(()) => return Ok(Ok(())),
                Err(error @ store::Error::Stale { .. }) => {
                    let now = self.store.job(holder.job).await?;
                    if now.is_some_and(|now| now.fence == claimed.job.fence && !now.state.is_terminal()) {
                        let why = "the range has another plan since the job was submitted";
                        return Ok(Err(Box::new(failed(why))));
                    }
                    return Err(error.into());
                }
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    /// Reads the plan and its range. The inner error is the outcome of a job whose plan can't be carried out.
    async fn load(&self, job: &Job, work: &RangeWork) -> Result<Result<Loaded, Box<Outcome>>, JobError> {
        let mut backoff = Backoff::new(job.id);
        let (plan, range, encrypted) = loop {
            match self.read(work).await {
                Ok((Some(plan), Some(range), encrypted)) => break (plan, range, encrypted),
                // A range is deleted after it was destroyed.
                Ok(_) => return Ok(Err(Box::new(deleted()))),
                Err(error) => backoff.after(error).await?,
            }
        };
        let loaded: Result<Loaded, String> = (|| {
            let plan: Plan = state::read("plan", &plan).map_err(|error| error.to_string())?;
            let entry = self.platforms.get(&range.platform).cloned();
            let entry = entry.ok_or_else(|| format!("unknown platform `{}`", range.platform))?;
            let owner = self.platforms.owner(range.id).map_err(|error| error.to_string())?;
            let secrets = encrypted.map(|encrypted| RangeSecrets::unseal(&self.keys, range.id, &encrypted));
            let secrets = secrets.transpose().map_err(|error| error.to_string())?;
            let range = RangeData::read(range).map_err(|error| error.to_string())?;
            let document = Document::from_value(&range.document.document);
            let document = document.map_err(|faults| faults.to_string())?;
            let desired = desired(&range, &plan);
            Ok(Loaded { range, plan, owner, entry, secrets, sets_rules: true, document, desired })
        })();
        let mut loaded = match loaded {
            Ok(loaded) => loaded,
            Err(why) => return Ok(Err(Box::new(failed(&why)))),
        };
        loop {
            match loaded.entry.platform.describe().await {
                Ok(description) => {
                    loaded.sets_rules = description.capabilities.rules;
                    return Ok(Ok(loaded));
                }
                Err(error) if error.is_transient() => backoff.pause().await,
                Err(error) => return Ok(Err(Box::new(failed(&error.to_string())))),
            }
        }
    }

    async fn read(
        &self,
        work: &RangeWork,
    ) -> Result<(Option<String>, Option<StoredRange>, Option<EncryptedSecrets>), store::Error> {
        let plan = self.store.plan(work.plan).await?.map(|stored| stored.plan);
        let range = self.store.range(work.range).await?;
        Ok((plan, range, self.store.range_secrets(work.range).await?))
    }

    /// Runs the saga to an end of the plan, through failures of the store. The inner error is the reason why the plan can't be run.
    async fn run(
        &self,
        claimed: &Claimed,
        work: &RangeWork,
        loaded: &Loaded,
        holder: PlanHolder,
        reporter: &Reporter,
    ) -> Result<Result<saga::Outcome, String>, JobError> {
        let job = &claimed.job;
        let journal = PlanJournal::new(self.store.clone(), holder);
        let actions = PlanActions {
            plan: &loaded.plan,
            owner: loaded.owner.clone(),
            platform: loaded.entry.clone(),
            sets_rules: loaded.sets_rules,
            ready_within: self.options.ready_within,
            login: Login {
                authorized_keys: loaded
                    .secrets
                    .iter()
                    .map(|secrets| secrets.public_key().to_owned())
                    .collect(),
            },
            tasks: Tasks {
                jobs: &self.jobs,
                store: &self.store,
                job,
                range: work.range,
                name: &work.name,
                mode: loaded.entry.tasks,
                secrets: loaded.secrets.as_ref(),
                document: &loaded.document,
                desired: &loaded.desired,
            },
        };
        let mut backoff = Backoff::new(job.id);
        loop {
            let (calls, within) = (loaded.entry.calls, self.options.ready_within);
            let graph = graph::graph(&loaded.plan, &loaded.owner, calls, loaded.sets_rules, within);
            let graph = match graph {
                Ok(graph) => graph,
                Err(error) => return Ok(Err(error.to_string())),
            };
            let mut saga = Saga::new(graph, self.saga_options(loaded), random);
            let handle = saga.handle();
            let _registered = self.running.register(claimed.run, handle.clone());
            let goal = match self.goal(job, work, holder).await {
                Ok(goal) => goal,
                Err(error) => {
                    backoff.after(error).await?;
                    continue;
                }
            };
            let report = |event: &saga::Event| reporter.event(event, || handle.progress());
            match saga.run(goal, &journal, &actions, report).await {
                Ok(end) => return Ok(Ok(end)),
                Err(saga::Error::Journal(error)) => backoff.after(error).await?,
                Err(error @ (saga::Error::OtherPlan | saga::Error::Illegal(_))) => {
                    return Ok(Err(error.to_string()));
                }
            }
        }
    }

    /// What to do with the plan: a request counts while the plan has ended; after an interruption the saga continues.
    async fn goal(&self, job: &Job, work: &RangeWork, holder: PlanHolder) -> Result<Goal, store::Error> {
        // A cancel request that arrived before the saga was registered.
        let now = self.store.job(job.id).await?;
        if now.is_some_and(|job| job.state == JobState::Canceling)
            && let Some(run) = job.run
        {
            self.running.cancel(run);
        }
        let journal = self.store.journal(holder.plan).await?;
        let has_ended = journal.is_some_and(|journal| journal.phase == JournalPhase::Ended);
        Ok(match work.goal {
            RangeGoal::Resume if has_ended => Goal::Resume,
            RangeGoal::Rollback if has_ended => Goal::Rollback,
            RangeGoal::Apply | RangeGoal::Resume | RangeGoal::Rollback => Goal::Continue,
        })
    }

    fn saga_options(&self, loaded: &Loaded) -> saga::Options {
        let RangeOptions { concurrent_steps, tries, first_pause, longest_pause, settle, .. } = self.options;
        saga::Options {
            at_once: concurrent_steps,
            tries,
            backoff: saga::Backoff { first: first_pause, most: longest_pause },
            settle,
            on_failure: match loaded.plan.on_failure {
                FailurePolicy::Rollback => OnFailure::Rollback,
                FailurePolicy::Keep => OnFailure::Keep,
            },
        }
    }

    /// Records what exists of the range, and returns leases that nothing needs any more.
    async fn settle(
        &self,
        loaded: &Loaded,
        holder: PlanHolder,
        end: &saga::Outcome,
        goal: RangeGoal,
    ) -> Result<(RangeState, Outcome), store::Error> {
        let entries =
            self.store.journal(holder.plan).await?.map(|journal| journal.entries).unwrap_or_default();
        let existing = self.existing(loaded, end).await;
        let before = loaded.range.recorded.clone();
        let recorded = state::settled(before.clone(), &loaded.plan, &entries, &existing);
        let state = outcome::range_state(end.ending, recorded.is_empty(), before.is_empty());
        let held = self.store.leases_of(loaded.range.stored.id).await?;
        let released = leases::unneeded(&held, &recorded);
        let json = serde_json::to_string(&recorded).unwrap_or_else(|error| {
            tracing::error!(%error, "the state of a range can't be written as JSON");
            loaded.range.stored.recorded.clone()
        });
        let now = clock::now();
        let settlement = Settlement { state, recorded: &json, released: &released, now };
        self.store.settle_plan(holder, &settlement).await?;
        let times = durations::measured(&loaded.plan, &entries, &before, &loaded.desired);
        durations::record(&self.store, holder, &loaded.plan, &times).await;
        Ok((state, outcome::outcome(&loaded.plan, &entries, end, goal, now)))
    }

    /// What the platform has, if the result of a step isn't known.
    async fn existing(&self, loaded: &Loaded, end: &saga::Outcome) -> Existing {
        if end.ending == saga::Ending::Succeeded {
            return Existing::default();
        }
        match loaded.entry.platform.observe(&loaded.owner).await {
            Ok(observed) => Existing::of(&observed),
            Err(error) => {
                tracing::warn!(range.id = %loaded.range.stored.id, %error, "what exists of a range is not known");
                Existing::all(&loaded.plan)
            }
        }
    }
}

/// The machines as they are once all steps of a plan are done.
fn desired(range: &RangeData, plan: &Plan) -> Desired {
    let recorded = range::apply_to(range.recorded.clone(), plan);
    Desired {
        machines: recorded.machines.into_values().map(|machine| machine.spec).collect(),
        ..Desired::nothing(&plan.range, &plan.platform, plan.on_failure)
    }
}

fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

/// The outcome of a job whose plan can't be carried out.
fn failed(why: &str) -> Outcome {
    let reason = Reason::new(Some(Phase::Prepare), Code::PlanFailed, why);
    Outcome::not_begun(Ending::Failed, reason, clock::now(), Detail::Range(RangeDetail::default()))
}

/// The outcome of a job whose range does not exist any more.
fn deleted() -> Outcome {
    let reason = Reason::new(None, Code::Succeeded, "the range does not exist any more");
    Outcome::not_begun(Ending::Succeeded, reason, clock::now(), Detail::Range(RangeDetail::default()))
}
