//! Changes ranges: makes a plan, stores it with its leases, and submits the job that carries it out.

use jiff::Timestamp;
use model::{
    EncryptedSecrets, Job, JobRequest, PlanId, RangeGoal, RangeId, RangeState, RangeWork, SecretValue,
    StoredRange,
};
use range::{Leases, Plan, Recorded, Values, document::OnFailure, expand::spec::Desired};
use store::{PlanDraft, PlanInputs, Planned};

use super::{
    error::RangeError,
    handle::Ranges,
    leases,
    planning::{self, Around, Checked},
    request::{Applied, Preview, RangeAction, RangeRequest, StoredDocument},
    secrets::RangeSecrets,
    state::{self, RangeData},
    values::{self, Former, Separated},
};
use crate::{clock, jobs::submit::Submitter};

/// A plan that is about to be stored.
pub(super) struct Draft {
    pub(super) plan: Plan,
    pub(super) document: StoredDocument,
    /// What the plan was made from.
    pub(super) recorded: Recorded,
    pub(super) leases: Leases,
    pub(super) expires_at: Option<Timestamp>,
    /// The secrets that replace those of the range.
    pub(super) secrets: Option<EncryptedSecrets>,
}

/// The result of making a plan within the transaction that stores it.
enum Make {
    /// There is nothing to do, and nothing to store.
    Nothing(Box<Plan>),
    Failed(RangeError),
}

impl Ranges {
    /// The plan that [`Self::create`] would carry out, or [`Self::change`] for an existing range. Nothing is stored.
    ///
    /// # Errors
    /// As those.
    pub async fn preview(
        &self,
        range: Option<&StoredRange>,
        request: &RangeRequest,
    ) -> Result<Preview, RangeError> {
        let checked = self.checked(&request.document).await?;
        let data = range.cloned().map(RangeData::read).transpose()?;
        if let Some(data) = &data {
            fixed(&data.stored, &checked)?;
        }
        let id = range.map_or_else(clock::new_range_id, |range| range.id);
        let recorded = match &data {
            Some(data) => state::current(&self.inner().store, data).await?,
            None => Recorded::default(),
        };
        let secrets = match range {
            Some(range) => self.secrets(range.id).await?,
            None => None,
        };
        let values = given(&checked, request, data.as_ref(), secrets.as_ref()).values;
        let held = self.inner().store.leases_on(checked.document.platform.as_str()).await?;
        let around = Around { range: id, recorded: &recorded, values: &values, held: &held };
        Ok(Preview { plan: checked.plan(around)?.plan })
    }

    /// The plan that [`Self::destroy`] would carry out. Nothing is stored.
    ///
    /// # Errors
    /// When the platform fails, or what is stored can't be read.
    pub async fn preview_destroy(&self, range: &StoredRange) -> Result<Preview, RangeError> {
        let target = self.target(&range.platform).await?;
        let recorded = state::current(&self.inner().store, &RangeData::read(range.clone())?).await?;
        let desired = Desired::nothing(&range.name, &range.platform, OnFailure::Keep);
        Ok(Preview { plan: target.plan(&desired, &recorded) })
    }

    /// Creates a range: stores its plan with its leases, and submits the job that carries it out.
    ///
    /// # Errors
    /// When the document is invalid, the name is used, the plan is not the expected one, or nothing can be stored.
    pub async fn create(&self, request: RangeRequest, by: &Submitter) -> Result<Applied, RangeError> {
        let checked = self.checked(&request.document).await?;
        let name = checked.document.name.as_str();
        if let Some(known) = self.inner().store.range_named(name).await? {
            // The name of a range that was destroyed is free.
            let is_gone =
                known.state == RangeState::Empty && self.inner().store.delete_range(known.id).await?;
            if !is_gone {
                return Err(RangeError::NameTaken(name.to_owned()));
            }
        }
        self.apply(clock::new_range_id(), &checked, &request, by).await
    }

    /// Changes a range to another document.
    ///
    /// # Errors
    /// As [`Self::create`], and when a job is changing the range, or the plan destroys something that is not confirmed.
    pub async fn change(
        &self,
        range: &StoredRange,
        request: RangeRequest,
        by: &Submitter,
    ) -> Result<Applied, RangeError> {
        let checked = self.checked(&request.document).await?;
        fixed(range, &checked)?;
        self.apply(range.id, &checked, &request, by).await
    }

    async fn apply(
        &self,
        id: RangeId,
        checked: &Checked,
        request: &RangeRequest,
        by: &Submitter,
    ) -> Result<Applied, RangeError> {
        let now = clock::now();
        let platform = checked.document.platform.as_str().to_owned();
        let former = self.secrets(id).await?;
        let keys = &self.inner().keys;
        self.store_and_submit(id, &platform, RangeGoal::Apply, by, |inputs| {
            let data = inputs.range.clone().map(RangeData::read).transpose()?;
            let recorded = data.as_ref().map(|data| data.recorded.clone()).unwrap_or_default();
            let Given { values, secrets } = given(checked, request, data.as_ref(), former.as_ref());
            let secrets = match (&former, secrets) {
                (Some(_), None) => None,
                (Some(former), Some(values)) => Some(former.clone().with_values(values)),
                (None, values) => Some(RangeSecrets::generate(id, values.unwrap_or_else(no_values))?),
            };
            let encrypted = secrets.map(|secrets| secrets.seal(keys, id)).transpose()?;
            let around = Around { range: id, recorded: &recorded, values: &values, held: &inputs.leases };
            let made = checked.plan(around)?;
            planning::accept(&made.plan, request.digest.as_deref(), &request.confirm)?;
            let document =
                StoredDocument { document: request.document.clone(), values, origin: request.origin.clone() };
            let is_same = data
                .as_ref()
                .is_some_and(|data| data.document == document && data.stored.state == RangeState::Ready);
            if made.plan.is_empty() && is_same {
                return Ok(Err(made.plan));
            }
            let expires_at = expiry(checked, now);
            Ok(Ok(Draft {
                plan: made.plan,
                document,
                recorded,
                leases: made.leases,
                expires_at,
                secrets: encrypted,
            }))
        })
        .await
    }

    /// Removes everything that exists of a range, and then the range.
    ///
    /// # Errors
    /// When a job is changing the range, or the plan is not the expected one.
    pub async fn destroy(
        &self,
        range: &StoredRange,
        digest: Option<&str>,
        by: &Submitter,
    ) -> Result<Applied, RangeError> {
        let target = self.target(&range.platform).await?;
        // What can't be removed stays, and a later attempt continues there.
        let desired = Desired::nothing(&range.name, &range.platform, OnFailure::Keep);
        self.store_and_submit(range.id, &range.platform, RangeGoal::Apply, by, |inputs| {
            let stored = inputs.range.clone().ok_or_else(|| RangeError::Unknown(range.name.clone()))?;
            let data = RangeData::read(stored)?;
            let plan = target.plan(&desired, &data.recorded);
            planning::accept(&plan, digest, &["*".to_owned()])?;
            Ok(Ok(Draft {
                plan,
                document: data.document,
                recorded: data.recorded,
                leases: Leases::default(),
                expires_at: None,
                secrets: None,
            }))
        })
        .await
    }

    /// Does something with a range as a whole.
    ///
    /// # Errors
    /// When the state of the range does not allow it, or a job is changing the range.
    pub async fn act(
        &self,
        range: &StoredRange,
        action: RangeAction,
        by: &Submitter,
    ) -> Result<Applied, RangeError> {
        match action {
            RangeAction::Resume => self.resume_or_roll_back(range, RangeGoal::Resume, by).await,
            RangeAction::Rollback => self.resume_or_roll_back(range, RangeGoal::Rollback, by).await,
            RangeAction::Extend(until) => {
                self.inner().store.set_expiry(range.id, until, clock::now()).await?;
                let plan = self.last_plan(range).await?.map(|last| last.plan);
                let plan = plan.ok_or_else(|| RangeError::Unknown(range.name.clone()))?;
                Ok(Applied { range: self.find(&range.id.to_string()).await?, plan, job: None })
            }
            RangeAction::Repair => self.repair(range, by).await,
            RangeAction::Machines(action, scope) => self.act_on_machines(range, action, scope, by).await,
        }
    }

    /// Continues the last plan, which has ended, or undoes it.
    async fn resume_or_roll_back(
        &self,
        range: &StoredRange,
        goal: RangeGoal,
        by: &Submitter,
    ) -> Result<Applied, RangeError> {
        let last = self.last_plan(range).await?.ok_or_else(|| RangeError::Unknown(range.name.clone()))?;
        let is_complete = range.state == RangeState::Ready || range.state == RangeState::Empty;
        if goal == RangeGoal::Resume && is_complete {
            let why = "all steps of its last plan are done";
            return Err(RangeError::NotAllowed { state: range.state, why });
        }
        let job = clock::new_job_id();
        if !self.inner().store.take_up_plan(range.id, range.plan, job, clock::now()).await? {
            return Err(RangeError::Busy(last.stored.job));
        }
        let range = self.find(&range.id.to_string()).await?;
        let job = self.submit(job, &range, range.plan, goal, by).await?;
        Ok(Applied { range, plan: last.plan, job: Some(job) })
    }

    /// Submits the job of the last plan, which is stored, while the job is not.
    pub(crate) async fn submit_again(&self, range: &StoredRange, by: &Submitter) -> Result<(), RangeError> {
        let Some(plan) = self.inner().store.plan(range.plan).await? else { return Ok(()) };
        self.submit(plan.job, range, plan.id, RangeGoal::Apply, by).await?;
        Ok(())
    }

    /// The secrets of a range, if it has any.
    async fn secrets(&self, range: RangeId) -> Result<Option<RangeSecrets>, RangeError> {
        let encrypted = self.inner().store.range_secrets(range).await?;
        Ok(encrypted
            .map(|encrypted| RangeSecrets::unseal(&self.inner().keys, range, &encrypted))
            .transpose()?)
    }

    /// Makes a plan, stores it, and submits its job. `make` returns the plan alone if there is nothing to do.
    pub(super) async fn store_and_submit(
        &self,
        id: RangeId,
        platform: &str,
        goal: RangeGoal,
        by: &Submitter,
        make: impl FnOnce(&PlanInputs) -> Result<Result<Draft, Plan>, RangeError>,
    ) -> Result<Applied, RangeError> {
        let (plan_id, job) = (clock::new_plan_id(), clock::new_job_id());
        let mut made = None;
        let planned = self.inner().store.store_plan(id, platform, clock::now(), |inputs| {
            let draft = match make(inputs).map_err(Make::Failed)? {
                Ok(draft) => draft,
                Err(nothing) => return Err(Make::Nothing(Box::new(nothing))),
            };
            let json = |what: &'static str, value: Result<String, serde_json::Error>| {
                value.map_err(|source| Make::Failed(RangeError::Unreadable { what, source }))
            };
            let stored = PlanDraft {
                id: plan_id,
                job,
                plan: json("plan", serde_json::to_string(&draft.plan))?,
                name: draft.plan.range.clone(),
                document: json("document", serde_json::to_string(&draft.document))?,
                recorded: json("state", serde_json::to_string(&draft.recorded))?,
                expires_at: draft.expires_at,
                leases: leases::to_store(id, &draft.leases),
                secrets: draft.secrets,
            };
            made = Some(draft.plan);
            Ok(stored)
        });
        let range = || async {
            let stored = self.inner().store.range(id).await?;
            stored.ok_or_else(|| RangeError::Unknown(id.to_string()))
        };
        let plan = match planned.await? {
            Ok(Planned::Stored) => made.ok_or_else(|| RangeError::Unknown(id.to_string()))?,
            Ok(Planned::NameTaken) => {
                return Err(RangeError::NameTaken(made.map(|plan| plan.range).unwrap_or_default()));
            }
            Ok(Planned::Busy(job)) => return Err(RangeError::Busy(job)),
            Ok(Planned::Taken(held)) => return Err(RangeError::LeaseTaken(Box::new(held))),
            Err(Make::Nothing(plan)) => {
                return Ok(Applied { range: range().await?, plan: *plan, job: None });
            }
            Err(Make::Failed(error)) => return Err(error),
        };
        let range = range().await?;
        let job = self.submit(job, &range, plan_id, goal, by).await?;
        Ok(Applied { range, plan, job: Some(job) })
    }

    /// Submits the job that carries out a stored plan.
    async fn submit(
        &self,
        job: model::JobId,
        range: &StoredRange,
        plan: PlanId,
        goal: RangeGoal,
        by: &Submitter,
    ) -> Result<Job, RangeError> {
        let work = RangeWork { name: range.name.clone(), range: range.id, plan, goal };
        Ok(self.inner().jobs.submit_as(job, JobRequest::new(work), by).await?)
    }
}

/// When a range is destroyed, counted from now.
fn expiry(checked: &Checked, now: Timestamp) -> Option<Timestamp> {
    let ttl = checked.document.ttl?;
    now.checked_add(jiff::SignedDuration::from_secs(i64::from(ttl.seconds))).ok()
}

/// Name and platform of a range don't change.
fn fixed(range: &StoredRange, checked: &Checked) -> Result<(), RangeError> {
    let document = &checked.document;
    for (what, from, to) in [
        ("name", &range.name, document.name.as_str()),
        ("platform", &range.platform, document.platform.as_str()),
    ] {
        if from != to {
            let range = range.name.clone();
            return Err(RangeError::Fixed { what, range, from: from.clone(), to: to.to_owned() });
        }
    }
    Ok(())
}

/// The values of a request, with the secret ones apart.
struct Given {
    values: Values,
    /// `None` if they stay.
    secrets: Option<SecretValue>,
}

/// The values of a request; without them, those of the last one.
fn given(
    checked: &Checked,
    request: &RangeRequest,
    stored: Option<&RangeData>,
    secrets: Option<&RangeSecrets>,
) -> Given {
    let Some(given) = &request.values else {
        let values = stored.map(|data| data.document.values.clone()).unwrap_or_default();
        return Given { values, secrets: None };
    };
    let former = stored.zip(secrets);
    let former = former.map(|(data, secrets)| Former { values: &data.document.values, secrets });
    let Separated { values, secrets } = values::separate(&checked.document, given, former);
    Given { values, secrets: Some(secrets) }
}

fn no_values() -> SecretValue {
    SecretValue::new(serde_json::json!({ "all": {}, "instances": {} }))
}
