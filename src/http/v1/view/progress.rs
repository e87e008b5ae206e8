//! Progress, timing, artifacts, and resume plans of jobs.

use engine::{JobArtifacts, JobProgress, ResumePlan};
use model::timing::{TaskTiming, Timing};

use super::{time::time, words};

/// Number of slowest tasks to show.
const SLOWEST: usize = 10;

pub(in crate::http) fn progress(progress: JobProgress) -> api::Progress {
    let JobProgress { percent, tasks_done, tasks_total, basis, eta_s } = progress;
    api::Progress { percent, tasks_done, tasks_total, basis: basis.map(words::basis), eta_s }
}

pub(in crate::http) fn timing(timing: &Timing) -> api::Timing {
    let totals = timing.totals();
    api::Timing {
        tasks: timing.tasks().iter().map(task).collect(),
        tasks_omitted: timing.tasks_omitted(),
        slowest: timing.slowest(SLOWEST).into_iter().map(task).collect(),
        hosts: timing.hosts().clone(),
        changed: totals.changed,
        ignored: totals.ignored,
        rescued: totals.rescued,
    }
}

fn task(task: &TaskTiming) -> api::TaskTiming {
    let TaskTiming {
        play,
        task,
        started_at,
        duration_s,
        changed,
        ok,
        failed,
        ignored,
        rescued,
        skipped,
        unreachable,
    } = task.clone();
    let started_at = time(started_at);
    api::TaskTiming {
        play,
        task,
        started_at,
        duration_s,
        changed,
        ok,
        failed,
        ignored,
        rescued,
        skipped,
        unreachable,
    }
}

pub(in crate::http) fn artifacts(found: JobArtifacts) -> api::Artifacts {
    let artifacts = found.artifacts.into_iter().map(|artifact| api::Artifact {
        path: artifact.path,
        size: artifact.size,
        mode: artifact.mode,
        modified: artifact.modified.to_string(),
    });
    let omitted = found.left_out.into_iter();
    let omitted = omitted.map(|file| api::OmittedFile { path: file.path, reason: file.why });
    api::Artifacts {
        node: found.node,
        local: found.is_here,
        files: found.files,
        artifacts: artifacts.collect(),
        omitted: omitted.collect(),
    }
}

pub(in crate::http) fn preview(plan: ResumePlan) -> api::ResumePreview {
    let tasks = plan.tasks.into_iter().map(|play| api::PlayTasks { play: play.play, tasks: play.tasks });
    api::ResumePreview {
        job_id: plan.job_id.to_string().into(),
        start_at_task: plan.start_at_task,
        limit: plan.limit.map(|limit| limit.to_string()),
        hosts: plan.hosts,
        tasks: tasks.collect(),
        notes: plan.notes,
    }
}
