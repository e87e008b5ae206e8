//! What can be done with jobs: ask for one, look at it, wait for it.

use std::{collections::BTreeMap, time::Duration};

use content::catalog;
use model::{Actor, Event, Job, JobId, JobRequest, JobState, JobSummary, ProjectName, Refusal, Sealed};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Admission, EventQuery, Full, IdempotencyKey, Inserted, JobQuery};
use tokio::time::{Instant, timeout_at};

use crate::{AuditError, Engine, KeyError, Keyring, clock, moves::state_event};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content that was asked for cannot be used.
    #[error(transparent)]
    Content(#[from] catalog::Error),
    /// There is no such project.
    #[error("unknown project `{name}`{}", known_projects(.known))]
    UnknownProject {
        /// What was asked for.
        name: ProjectName,
        /// Those that there are.
        known: Vec<ProjectName>,
    },
    /// There is no such job.
    #[error("unknown job `{0}`")]
    UnknownJob(JobId),
    /// The job's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The job has not ended.
    #[error("job `{job}` is {state}: only a finished job can be deleted")]
    NotEnded {
        /// The job.
        job: JobId,
        /// Where it is.
        state: JobState,
    },
    /// No more jobs may wait.
    #[error("{}", match .0 {
        Full::OfCaller => "as many jobs of this caller wait as may",
        Full::InAll => "as many jobs wait as may",
    })]
    QueueFull(Full),
    /// The key was used for another request.
    #[error("this idempotency key was used for another request, which is job `{0}`")]
    KeyUsed(JobId),
    /// The job had secret variables, and they are wiped.
    #[error(
        "the secret variables of job `{0}` were deleted when it finished, so it cannot run again\nhint: submit a new job, with \
         its `secret_vars`"
    )]
    SecretsGone(JobId),
    /// The job left no such file, or it is not kept any more.
    #[error("job `{job}` has no artifact `{path}`")]
    UnknownArtifact {
        /// The job.
        job: JobId,
        /// The path.
        path: String,
    },
    /// The job's artifacts are on another node.
    #[error("the artifacts of job `{job}` are on node `{node}`")]
    ArtifactElsewhere {
        /// The job.
        job: JobId,
        /// The node that ran it.
        node: String,
    },
    /// A limit ended an inspection.
    #[error("{why}")]
    InspectionEnded {
        /// Whether that limit is its time.
        is_time: bool,
        /// What happened, and what helps.
        why: String,
    },
    /// No inspection could begin in time.
    #[error("too many inspections are waiting")]
    TooManyInspections,
    /// The audit does not take the record without which nothing is done.
    #[error("the audit cannot be written")]
    Audit(#[from] AuditError),
    /// Secrets cannot be sealed or opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A file could not be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// A task of ours ended without an answer.
    #[error("an internal task failed")]
    Task(#[from] tokio::task::JoinError),
}

fn known_projects(known: &[ProjectName]) -> String {
    if known.is_empty() {
        return "\nhint: the settings name none: `projects.NAME.root`".to_owned();
    }
    let names: Vec<_> = known.iter().map(ProjectName::as_str).collect();
    format!("\nhint: there is `{}`", names.join("`, `"))
}

impl Engine {
    /// Accepts a job: what it asks for can be done, as far as is known. It is stored when this returns. Callers have turns in
    /// the queue, and a number of jobs that may wait.
    ///
    /// # Errors
    /// When what it asks for cannot be done, the queue is full, or the job cannot be stored.
    pub async fn submit(&self, request: JobRequest, submitter: &Submitter) -> Result<Job, Error> {
        Ok(self.accept(request, None, submitter, None).await?.into_job())
    }

    /// The same, once per key: the same request under the same key gives the job that it gave the first time.
    ///
    /// # Errors
    /// As [`Self::submit`], and when the key stands for another request.
    pub async fn submit_once(
        &self,
        request: JobRequest,
        key: Option<String>,
        submitter: &Submitter,
    ) -> Result<Submitted, Error> {
        self.accept(request, key, submitter, None).await
    }

    pub(crate) async fn accept(
        &self,
        request: JobRequest,
        key: Option<String>,
        submitter: &Submitter,
        parent: Option<&Job>,
    ) -> Result<Submitted, Error> {
        self.check_work(&request).await?;
        let id = clock::new_job_id();
        let secrets = self.sealed_secrets(id, &request)?;
        let now = clock::now();
        let job = Job {
            secrets,
            submitted_by: submitter.actor.clone(),
            parent: parent.map(|parent| parent.id),
            acts_for: parent.and_then(|parent| parent.acts_for.clone()),
            ..Job::asked_for(id, request, now)
        };
        let event = state_event(None, job.state, &job.reason, now);
        let key = match key {
            Some(key) => {
                Some(IdempotencyKey { key, body_hash: fingerprint(&job.request, &self.options().keys)? })
            }
            None => None,
        };
        let admission = Admission {
            owner: submitter.mark.as_deref(),
            limits: self.options().queue,
            parent_fence: parent.map_or(0, |parent| parent.fence),
        };
        match self.store().insert_job(&job, &event, key.as_ref(), admission).await? {
            Inserted::New => {}
            Inserted::Full(full) => return Err(Error::QueueFull(full)),
            Inserted::Same(known) => return Ok(Submitted::Known(self.job(known).await?)),
            Inserted::Conflict(other) => return Err(Error::KeyUsed(other)),
        }
        tracing::info!(job.id = %job.id, work = %job.request.work, "job accepted");
        self.inner.queued.notify_one();
        Ok(Submitted::New(job))
    }

    /// Whether one more job of this caller may wait, for requests that queue a job again.
    ///
    /// # Errors
    /// [`Error::QueueFull`] when it may not.
    pub async fn has_room(&self, owner: Option<&str>) -> Result<(), Error> {
        match self.store().is_full(Admission { owner, limits: self.options().queue, parent_fence: 0 }).await?
        {
            Some(full) => Err(Error::QueueFull(full)),
            None => Ok(()),
        }
    }

    /// The values of secret variables as they are kept; `None` when there are none.
    fn sealed_secrets(&self, job: JobId, request: &JobRequest) -> Result<Option<Sealed>, Error> {
        if !request.work.has_secrets() {
            return Ok(None);
        }
        // A request from outside has all its values; one that was read back has none to seal.
        let secrets = request.work.expose_secrets().ok_or(Error::SecretsGone(job))?;
        Ok(Some(self.options().keys.seal(job, &secrets)?))
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        self.store().job(id).await?.ok_or(Error::UnknownJob(id))
    }

    /// Waits until the job has ended, at most for this long; gives it as it is then.
    ///
    /// # Errors
    /// When there is none.
    pub async fn wait(&self, id: JobId, at_most: Duration) -> Result<Job, Error> {
        let give_up = Instant::now().checked_add(at_most);
        let mut news = self.inner.live.listen(id);
        loop {
            let job = self.job(id).await?;
            if job.state.is_terminal() {
                return Ok(job);
            }
            match give_up {
                Some(at) if timeout_at(at, news.next()).await.is_err() => return Ok(job),
                Some(_) => {}
                None => news.next().await,
            }
        }
    }

    /// The events that match, in order.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn events(&self, id: JobId, query: &EventQuery) -> Result<Vec<Event>, Error> {
        let events = self.store().events(id, query).await?;
        if events.is_empty() {
            self.job(id).await?;
        }
        Ok(events)
    }

    /// Jobs that match, newest first, without what they amounted to.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn jobs(&self, query: &JobQuery) -> Result<Vec<JobSummary>, Error> {
        Ok(self.store().jobs(query).await?)
    }
}

/// Who asks for a job.
#[derive(Debug, Clone, Default)]
pub struct Submitter {
    /// As the job shows it.
    pub actor: Actor,
    /// A mark that no two callers share, where the caller is known: callers have turns in the queue by it.
    pub mark: Option<String>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Submitted {
    /// A new job.
    New(Job),
    /// The job that the same request under the same key gave before.
    Known(Job),
}

impl Submitted {
    /// The job, new or not.
    #[must_use]
    pub fn into_job(self) -> Job {
        match self {
            Self::New(job) | Self::Known(job) => job,
        }
    }
}

/// The same for the same request, whatever the order of what was given. Secret values go into it by a keyed hash:
/// whoever reads the database must not be able to try guesses.
fn fingerprint(request: &JobRequest, keys: &Keyring) -> Result<[u8; 32], KeyError> {
    let value = serde_json::to_value(request).unwrap_or_default();
    let mut hash = Sha256::new_with_prefix(canonical(&value).to_string());
    if let Some(secrets) = request.work.expose_secrets().filter(|_| request.work.has_secrets()) {
        hash.update(keys.fingerprint(&secrets)?);
    }
    Ok(hash.finalize().into())
}

pub(crate) fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> =
                members.iter().map(|(key, member)| (key, canonical(member))).collect();
            sorted.into_iter().map(|(key, member)| (key.clone(), member)).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
