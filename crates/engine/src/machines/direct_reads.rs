//! Reads that query the Proxmox API directly, which avoids about a second of Ansible startup.

use std::path::PathBuf;

use content::{SearchPath, shipped};
use model::{Code, ContentRef, Ending, Job, JobRequest, JobState, Phase, PlaybookOutcome, Reason, Redactor};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{handle::Machines, options::DirectReads};
use crate::{clock, error::JobError, jobs::submit::Submitter, transitions::state_event};

impl Machines {
    /// Whether a read can skip this content, the `generic` playbook that runs all actions.
    pub async fn reads_directly(&self, generic: &ContentRef) -> bool {
        match self.inner().options.direct_reads {
            DirectReads::Always => true,
            DirectReads::Never => false,
            DirectReads::Auto => self.generic_is_bundled(generic).await,
        }
    }

    /// Records a read that was answered without Ansible as a job. The job is listed like any other, and a retry of
    /// it runs Ansible.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn record_read(
        &self,
        request: JobRequest,
        name: &str,
        mut result: Value,
        submitter: &Submitter,
    ) -> Result<Job, JobError> {
        Redactor::new(self.secrets().await).value(&mut result);
        let now = clock::now();
        let reason = Reason::new(
            Some(Phase::Run),
            Code::Succeeded,
            "Rangehand queried the Proxmox API directly; Ansible was not run",
        );
        let event = state_event(None, JobState::Succeeded, &reason, now);
        let mut outcome = PlaybookOutcome::without_run(Ending::Succeeded, reason.clone(), now);
        outcome.detail.rc = Some(0);
        outcome.detail.report.results.insert(name.to_owned(), Value::Array(vec![result]));
        let job = Job {
            state: JobState::Succeeded,
            reason,
            started_at: Some(now),
            finished_at: Some(now),
            submitted_by: submitter.actor.clone(),
            outcome: Some(outcome.into()),
            ..Job::asked_for(clock::new_job_id(), request, now)
        };
        self.inner().jobs.record(&job, &event).await?;
        tracing::info!(job.id = %job.id, action = name, "answered without Ansible");
        Ok(job)
    }

    async fn generic_is_bundled(&self, generic: &ContentRef) -> bool {
        let catalog = &self.inner().catalog;
        let Ok(located) = catalog.locate(None, generic.clone()).await else { return false };
        if self.other_role_is_named().await {
            return false;
        }
        let environment = catalog.toolchain().environment.clone();
        let home = environment.get("HOME").map(PathBuf::from);
        let search = SearchPath::new(&environment, &located.root);
        // A configuration file can change which roles are used.
        if search.configuration.file.is_some() {
            return false;
        }
        let roles_path = SearchPath::expanded(&search.roles, home.as_deref(), &located.root);
        spawn_blocking(move || shipped::is_ours(&located.root, &located.path, &roles_path))
            .await
            .unwrap_or(false)
    }
}
