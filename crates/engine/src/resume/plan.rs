//! Plans a resumed attempt from the trace of a run.

use std::collections::BTreeSet;

use model::{Ending, HostPattern, Job, JobId, Outcome, PlaybookWork, Resume, TaskName};
use serde::Serialize;

use super::trace::{Kind, Mark, Trace};
use crate::task_list::TaskList;

/// The plan of a resumed attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResumePlan {
    /// The job.
    pub job_id: JobId,
    /// The task at which it starts, prefixed with its role; `None` for the first task.
    pub start_at_task: Option<String>,
    /// The hosts to which it is limited; `None` for all hosts of the playbook.
    pub limit: Option<HostPattern>,
    /// The hosts of the last run that are resumed.
    pub hosts: Vec<String>,
    /// The listed tasks that run again, per play.
    pub tasks: Vec<PlayTasks>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// Parameters of the new attempt.
    #[serde(skip)]
    pub(super) resume: Resume,
}

impl ResumePlan {
    /// Repeats everything, with a note that explains why. A job with several steps starts at its first step,
    /// because later steps may use values that earlier ones looked up.
    pub(super) fn of_everything(job: &Job, note: impl Into<String>) -> Self {
        Self {
            job_id: job.id,
            start_at_task: None,
            limit: None,
            hosts: Vec::new(),
            tasks: Vec::new(),
            notes: vec![note.into()],
            resume: Resume::default(),
        }
    }
}

/// Tasks of a play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlayTasks {
    /// The play.
    pub play: String,
    /// The tasks, in their order.
    pub tasks: Vec<String>,
}

/// The task at which the attempt starts.
struct Start {
    index: Option<usize>,
    name: Option<String>,
    notes: Vec<String>,
}

pub(super) fn plan(
    job: &Job,
    work: &PlaybookWork,
    outcome: Option<&Outcome>,
    list: &TaskList,
    trace: &Trace<'_>,
) -> ResumePlan {
    let mut resume = job.resume.clone().unwrap_or_default();
    let mut notes = Vec::new();
    if list.is_partial {
        notes.push("Ansible cannot list the tasks: they were read from the files, without roles".to_owned());
    }
    // If something other than Ansible ended the run, the state of the hosts that had not failed is unknown.
    let was_cut_off = outcome.is_none_or(|outcome| outcome.ending != Ending::Failed);
    let hosts = hosts(was_cut_off, list, trace, &mut resume, &mut notes);
    let start = start(was_cut_off, list, trace);
    notes.extend(start.notes);
    if let Some(task) = start.index.and_then(|index| list.task(index).start()) {
        resume.start_at_task = Some(task);
        notes.push(
            "variables that were registered or set by tasks before the first one are not there again"
                .to_owned(),
        );
    }
    check_start(work, list, start.index, &mut resume, &mut notes);
    if trace.notified {
        notes.push("handlers run only if a task notifies them again".to_owned());
    }
    let from = start.index.or_else(|| {
        let task = resume.start_at_task.as_ref().or(work.start_at_task.as_ref());
        task.and_then(|task| list.position(task))
    });
    let given = work.start_at_task.as_ref().map(ToString::to_string);
    ResumePlan {
        job_id: job.id,
        start_at_task: start.name.or(resume.start_at_task.as_ref().map(ToString::to_string)).or(given),
        limit: resume.limit.clone().or_else(|| work.limit.clone()),
        hosts,
        tasks: tasks(list, from.unwrap_or(0)),
        notes,
        resume,
    }
}

/// A start task that is not listed would leave nothing to do. One of an earlier resume is dropped; one of the
/// request itself is reported in a note.
fn check_start(
    work: &PlaybookWork,
    list: &TaskList,
    found: Option<usize>,
    resume: &mut Resume,
    notes: &mut Vec<String>,
) {
    if found.is_some() || list.is_partial || list.len() == 0 {
        return;
    }
    if let Some(task) = resume.start_at_task.take_if(|task| list.position(task).is_none()) {
        notes.push(format!(
            "`{task}`, where the attempt before began, is not listed: the attempt begins with the first task"
        ));
    }
    let own = work.start_at_task.as_ref().filter(|_| resume.start_at_task.is_none());
    // The value can also be a pattern.
    let is_name = |task: &&TaskName| !task.as_str().contains(['*', '?', '[']);
    if let Some(task) = own.filter(is_name).filter(|task| list.position(task).is_none()) {
        notes.push(format!(
            "no listed task is called `{task}`, which the request begins at: the attempt may have nothing to do"
        ));
    }
}

/// The hosts to resume. Narrows the limit if the other hosts need no further tasks.
fn hosts(
    was_cut_off: bool,
    list: &TaskList,
    trace: &Trace<'_>,
    resume: &mut Resume,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let all = || trace.hosts.keys().cloned().collect();
    let failed: Vec<String> = trace.failed().map(|(host, _)| host.clone()).collect();
    if was_cut_off || failed.is_empty() || !reached_end(list, trace) {
        if !trace.hosts.is_empty() {
            notes.push(
                "the run ended before its last task, so the job continues with all its hosts".to_owned(),
            );
        }
        return all();
    }
    match limit(&failed) {
        Some(limit) => {
            resume.limit = Some(limit);
            failed
        }
        None => {
            notes.push("the hosts that failed do not fit into a limit, so all hosts run again".to_owned());
            all()
        }
    }
}

/// Whether the hosts that had not failed completed the playbook. If no host passed the last task, some hosts of a
/// later batch may never have reached it.
fn reached_end(list: &TaskList, trace: &Trace<'_>) -> bool {
    let is_last = |mark: &Mark| mark.at.is_some_and(|at| at + 1 == list.len());
    // For tasks that are not listed, it is unknown whether another task would have followed.
    let failed_unlisted = trace.failed().any(|(_, mark)| mark.kind != Kind::Listed && is_last(mark));
    !list.is_partial && trace.any_host_passed && !failed_unlisted && trace.last.as_ref().is_some_and(is_last)
}

/// A limit to exactly these hosts, if their names are not patterns and the limit is not too long.
fn limit(hosts: &[String]) -> Option<HostPattern> {
    let is_plain = |host: &String| {
        !host.starts_with(['!', '&', '~', '@', '-']) && !host.contains(['*', '?', '[', ']', ',', ':'])
    };
    hosts.iter().all(is_plain).then(|| hosts.join(",").parse().ok()).flatten()
}

fn start(was_cut_off: bool, list: &TaskList, trace: &Trace<'_>) -> Start {
    let failed = trace.failed().map(|(_, mark)| mark);
    let running = trace.running().filter(|_| was_cut_off);
    let mut start = Start { index: None, name: None, notes: Vec::new() };
    // A task without a position comes before all others.
    let Some(mark) = failed.chain(running).min_by_key(|mark| (mark.at, mark.kind == Kind::Listed)) else {
        start.notes.push("no task was begun: nothing is skipped".to_owned());
        return start;
    };
    let usable = |index: &usize| list.task(*index).start().is_some();
    let Some(index) = mark.at.and_then(|at| (0..=at).rev().find(usable)) else {
        let name = &mark.name;
        start.notes.push(format!("no listed task is known at or before `{name}`: nothing is skipped"));
        return start;
    };
    let name = list.task(index).full_name();
    match mark.kind {
        Kind::Listed | Kind::Facts => {}
        Kind::Dynamic => start.notes.push(format!(
            "Ansible cannot begin at `{}`, which it reads only in the run; it begins at `{name}`",
            mark.name
        )),
        Kind::Handler => start.notes.push(format!(
            "`{}` is a handler: it runs only if a task notifies it again; the attempt begins at `{name}`",
            mark.name
        )),
    }
    let first = list.first_alike(index);
    if first != index {
        let play = list.play_name(list.task(first).play);
        start
            .notes
            .push(format!("several tasks are called `{name}`: Ansible begins at the first, in `{play}`"));
    }
    start.index = Some(first);
    start.name = Some(name);
    start
}

fn tasks(list: &TaskList, from: usize) -> Vec<PlayTasks> {
    let plays: BTreeSet<usize> = (from..list.len()).map(|index| list.task(index).play).collect();
    let of = |play: usize| {
        let indexes = list.tasks_of(play).filter(|index| *index >= from);
        let tasks = indexes.map(|index| list.task(index).full_name()).collect();
        PlayTasks { play: list.play_name(play).to_owned(), tasks }
    };
    plays.into_iter().map(of).collect()
}
