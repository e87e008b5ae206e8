//! Tasks of a range: each is a child job, found again by a label.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use model::{
    Actor, ContentName, ContentRef, ExtraVars, HostPattern, Job, JobId, JobRequest, JobState, Labels,
    Outcome, PlaybookWork, RangeId, SecretVars,
};
use range::{
    Document,
    expand::spec::{ContentKind, Desired, RouterSpec, TaskSpec, VariableValue},
    plan::{Step, Work},
};
use saga::{Answer, Failure, Found, Undo};
use serde_json::{Map, Value};
use store::{JobQuery, Store};

use crate::{
    clock,
    error::JobError,
    jobs::{handle::Jobs, submit::Submitter},
    platforms::TaskMode,
    ranges::{
        router::{remove_rules, set_rules},
        secrets::RangeSecrets,
        verify::Verification,
    },
};

/// The label of a child job that names the step of the plan.
const STEP_LABEL: &str = "range_step";
/// The label of a job that undoes a step: the job that carries out the plan, and the step.
const UNDO_LABEL: &str = "range_undo";
/// The label of a verification with the address outside that its packets are for.
const OUTSIDE_LABEL: &str = "range_outside";
/// The label of a child job that names the range.
const RANGE_LABEL: &str = "range";

/// Runs the tasks of one plan.
pub(super) struct Tasks<'a> {
    pub(super) jobs: &'a Jobs,
    pub(super) store: &'a Store,
    /// The job that carries out the plan, under its claim.
    pub(super) job: &'a Job,
    pub(super) range: RangeId,
    pub(super) name: &'a str,
    pub(super) mode: TaskMode,
    pub(super) secrets: Option<&'a RangeSecrets>,
    pub(super) document: &'a Document,
    /// The machines as they are once all steps are done.
    pub(super) desired: &'a Desired,
}

/// The last child job of a step.
struct Child {
    id: JobId,
    state: JobState,
    message: String,
}

impl Tasks<'_> {
    /// Submits the child job of a task, unless it exists.
    pub(super) async fn run(
        &self,
        step: &Step,
        task: &TaskSpec,
        machines: &[String],
    ) -> Result<Answer, Failure> {
        let mut request = JobRequest::new(self.work(task, machines)?);
        request.timeout_s = task.timeout.map(|timeout| u64::from(timeout.seconds));
        self.submit(step, request, task.idempotent).await
    }

    /// Do machines run tasks at all?
    pub(super) fn are_run(&self) -> bool {
        self.mode != TaskMode::Skipped
    }

    /// Submits a job that sends packets from all machines of an instance, also to an address outside, if there is one.
    pub(super) async fn verify(&self, step: &Step, outside: Option<IpAddr>) -> Result<Answer, Failure> {
        let verification = self.verification(step, outside);
        if verification.is_empty() {
            return Ok(Answer::Done(Some("there are no packets to send".to_owned())));
        }
        let work = verification.work(self.inventory_name()?);
        let work = work.map_err(|error| Failure::Refused { why: error.to_string() })?;
        let mut request = JobRequest::new(work);
        // The platform may report another address when the job has ended.
        let label = outside.map(|outside| (OUTSIDE_LABEL.to_owned(), outside.to_string()));
        request.labels = checked_labels(label.into_iter())?;
        self.submit(step, request, true).await
    }

    /// Submits a job that sets or removes the rules of a router, on platforms that don't do it.
    pub(super) async fn rules(&self, step: &Step, router: Option<&RouterSpec>) -> Result<Answer, Failure> {
        self.submit(step, JobRequest::new(self.rules_work(step, router)?), true).await
    }

    /// The work that sets the rules of a router, or removes them.
    fn rules_work(&self, step: &Step, router: Option<&RouterSpec>) -> Result<PlaybookWork, Failure> {
        let inventory = self.inventory_name()?;
        let work = match router {
            Some(router) => set_rules(inventory, router),
            None => remove_rules(inventory, &step.name),
        };
        work.map_err(|error| Failure::Refused { why: error.to_string() })
    }

    /// Has a job return the rules of a router to what they were, and waits for its end. A machine without rules forwards nothing.
    pub(super) async fn undo_rules(&self, step: &Step, former: Option<&RouterSpec>) -> Result<Undo, Failure> {
        if !self.are_run() {
            return Ok(Undo::Undone);
        }
        // The job that set the rules ends first.
        if let Some(child) = self.child(step).await?.filter(|child| !child.state.is_terminal()) {
            self.jobs.wait(child.id, Duration::MAX).await.map_err(|error| rejected(&error))?;
        }
        let label = (UNDO_LABEL.to_owned(), format!("{}/{}", self.job.id, step.id));
        let id = match self.last(None, label.clone()).await? {
            Some(child) if child.state != JobState::Lost => child.id,
            _ => {
                let mut request = JobRequest::new(self.rules_work(step, former)?);
                request.priority = self.job.request.priority;
                let range = (RANGE_LABEL.to_owned(), self.name.to_owned());
                request.labels = checked_labels([range, label].into_iter())?;
                self.submit_undo(request).await?
            }
        };
        let job = self.jobs.wait(id, Duration::MAX).await.map_err(|error| rejected(&error))?;
        let child = Child { id, state: job.state, message: job.reason.message };
        match child.state {
            JobState::Succeeded => Ok(Undo::Undone),
            JobState::Lost => Err(Failure::Retry { after: None, why: why(&child) }),
            _ => Ok(Undo::Left {
                why: format!("the rules of `{}` could not be undone: {}", step.name, why(&child)),
                remedy: "apply the former document to set the former rules".to_owned(),
            }),
        }
    }

    /// Submits a job that undoes something. A job that is being canceled can't have new children, so it's one of its own then.
    async fn submit_undo(&self, request: JobRequest) -> Result<JobId, Failure> {
        match self.jobs.submit_child(self.job, request.clone()).await {
            Ok(job) => Ok(job.id),
            Err(JobError::Store(store::Error::Stale { .. })) => {
                let now = self.jobs.get(self.job.id).await.map_err(|error| rejected(&error))?;
                if now.state != JobState::Canceling || now.fence != self.job.fence {
                    return Err(Failure::Retry { after: None, why: "the job has another holder".to_owned() });
                }
                let by = Submitter { actor: Actor::Service, mark: None };
                let job = self.jobs.submit_as(clock::new_job_id(), request, &by).await;
                job.map(|job| job.id).map_err(|error| rejected(&error))
            }
            Err(error) => Err(rejected(&error)),
        }
    }

    fn verification(&self, step: &Step, outside: Option<IpAddr>) -> Verification {
        Verification::new(self.document, self.desired, &step.instance, outside)
    }

    /// Submits a child job for a step, unless one exists. One that was lost is repeated if that is safe.
    async fn submit(
        &self,
        step: &Step,
        mut request: JobRequest,
        is_idempotent: bool,
    ) -> Result<Answer, Failure> {
        if !self.are_run() {
            return Ok(Answer::Done(Some("the machines of this platform do not exist".to_owned())));
        }
        match self.child(step).await? {
            // The result of a job that has ended is read by waiting for it.
            Some(child) if child.state == JobState::Succeeded || !child.state.is_terminal() => {
                return Ok(Answer::Accepted(child.id.to_string()));
            }
            Some(child) if !(is_idempotent && child.state == JobState::Lost) => return Err(ended(&child)),
            Some(_) | None => {}
        }
        request.priority = self.job.request.priority;
        let own = std::mem::take(&mut request.labels);
        let own = own.iter().map(|(key, value)| (key.clone(), value.clone()));
        request.labels = checked_labels(own.chain(labels(self.name, step)))?;
        match self.jobs.submit_child(self.job, request).await {
            Ok(job) => Ok(Answer::Accepted(job.id.to_string())),
            Err(error) => Err(rejected(&error)),
        }
    }

    /// Waits for the end of a child job.
    pub(super) async fn wait(&self, step: &Step, handle: &str) -> Result<Option<String>, Failure> {
        let id: JobId = handle.parse().map_err(|_| Failure::Gone { why: format!("`{handle}` is no job") })?;
        let job = self.jobs.wait(id, Duration::MAX).await.map_err(|error| rejected(&error))?;
        let child = Child { id, state: job.state, message: job.reason.message };
        let is_idempotent = match &step.work {
            Work::RunTask { task, .. } => task.idempotent,
            _ => true,
        };
        match child.state {
            JobState::Succeeded if matches!(step.work, Work::Verify) => {
                let outside = job.request.labels.get(OUTSIDE_LABEL).and_then(|label| label.parse().ok());
                self.evaluate(step, outside, job.outcome.as_ref())
            }
            JobState::Succeeded => Ok(Some(id.to_string())),
            JobState::Lost if is_idempotent => Err(Failure::Retry { after: None, why: why(&child) }),
            _ => Err(ended(&child)),
        }
    }

    /// What the packets of a verification prove.
    fn evaluate(
        &self,
        step: &Step,
        outside: Option<IpAddr>,
        outcome: Option<&Outcome>,
    ) -> Result<Option<String>, Failure> {
        let outcome = outcome.ok_or_else(|| Failure::Gone { why: "the job has no outcome".to_owned() })?;
        let verified = self.verification(step, outside).evaluate(outcome);
        verified.map(|verified| Some(verified.to_string())).map_err(|why| Failure::Refused { why })
    }

    /// Finds the child job of a step.
    pub(super) async fn look_up(&self, step: &Step) -> Result<Found, Failure> {
        Ok(match self.child(step).await? {
            None => Found::Absent,
            Some(child)
                if child.state == JobState::Succeeded && matches!(step.work, Work::RunTask { .. }) =>
            {
                Found::Right(Some(child.id.to_string()))
            }
            Some(_) => Found::Wrong,
        })
    }

    async fn child(&self, step: &Step) -> Result<Option<Child>, Failure> {
        self.last(Some(self.job.id), (STEP_LABEL.to_owned(), step.id.to_string())).await
    }

    /// The last job with a label.
    async fn last(&self, parent: Option<JobId>, label: (String, String)) -> Result<Option<Child>, Failure> {
        let (name, value) = label;
        let query = JobQuery { parent, label: Some((name, Some(value))), limit: 1, ..JobQuery::default() };
        let found = self.store.jobs(&query).await;
        let found = found.map_err(|error| Failure::Retry { after: None, why: error.to_string() })?;
        let child =
            |job: model::JobSummary| Child { id: job.id, state: job.state, message: job.reason.message };
        Ok(found.into_iter().next().map(child))
    }

    /// The name of the range as an inventory.
    fn inventory_name(&self) -> Result<ContentName, Failure> {
        let name = format!("range/{}", self.range).parse();
        name.map_err(|error: model::names::BadName| Failure::Refused { why: error.to_string() })
    }

    fn work(&self, task: &TaskSpec, machines: &[String]) -> Result<PlaybookWork, Failure> {
        let invalid = |what: &str, why: String| Failure::Refused { why: format!("{what}: {why}") };
        let name = task
            .content
            .parse()
            .map_err(|error: model::names::BadName| invalid("content", error.to_string()))?;
        let content = match task.kind {
            ContentKind::Bundle => ContentRef::Bundle(name),
            ContentKind::Scenario => ContentRef::Scenario(name),
            ContentKind::Playbook => ContentRef::Playbook(name),
        };
        let mut work = PlaybookWork::new(content, self.inventory_name()?);
        work.limit = Some(limit(machines).map_err(|why| invalid("machines", why))?);
        work.extra_vars = ExtraVars::check(variables(task), false)
            .map_err(|error| invalid("variables", error.to_string()))?;
        work.secret_vars = SecretVars::check(self.secret_variables(task), false)
            .map_err(|error| invalid("variables", error.to_string()))?;
        Ok(work)
    }
}

impl Tasks<'_> {
    /// The secret variables of the document with their values, unless the task has a variable of that name.
    fn secret_variables(&self, task: &TaskSpec) -> Map<String, Value> {
        let is_secret = |value: &VariableValue| matches!(value, VariableValue::Secret(_));
        let names = task.variables.iter().filter(|(_, value)| is_secret(value)).map(|(name, _)| name);
        let names = names.filter(|name| !task.vars.contains_key(*name));
        let value = |name: &String| Some((name.clone(), self.secrets?.value(&task.instance, name)?.clone()));
        names.filter_map(value).collect()
    }
}

fn why(child: &Child) -> String {
    format!("job `{}` is {}: {}", child.id, child.state, child.message)
}

fn ended(child: &Child) -> Failure {
    Failure::Refused { why: why(child) }
}

/// Why a child job could not be submitted, or waited for.
fn rejected(error: &JobError) -> Failure {
    let why = error.to_string();
    match error {
        JobError::Store(_) | JobError::QueueFull(_) => Failure::Retry { after: None, why },
        JobError::UnknownJob(_) => Failure::Gone { why },
        _ => Failure::Refused { why },
    }
}

fn limit(machines: &[String]) -> Result<HostPattern, String> {
    machines.join(",").parse::<HostPattern>().map_err(|error| error.to_string())
}

/// The variables of the document that are not secret, and those of the task, which take precedence.
fn variables(task: &TaskSpec) -> Map<String, Value> {
    let values = task.variables.iter().filter_map(|(name, value)| match value {
        VariableValue::Value(value) => Some((name.clone(), value.clone())),
        VariableValue::Secret(_) => None,
    });
    values.chain(task.vars.clone()).collect()
}

/// The labels by which the child job of a step is found.
fn labels(range: &str, step: &Step) -> [(String, String); 2] {
    [(RANGE_LABEL.to_owned(), range.to_owned()), (STEP_LABEL.to_owned(), step.id.to_string())]
}

fn checked_labels(labels: impl Iterator<Item = (String, String)>) -> Result<Labels, Failure> {
    let labels = Labels::try_from(labels.collect::<BTreeMap<_, _>>());
    labels.map_err(|error| Failure::Refused { why: format!("labels: {error}") })
}
