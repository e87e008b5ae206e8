//! Traces how far a run came in the list of its tasks.
//!
//! Events name tasks, but a resumed attempt starts at a listed task. The events are therefore matched against the
//! list. A task that is not listed (from a dynamic include, `rescue`, or `always`, or a handler) gets the position
//! of the listed task before it. After a dynamic include, names are ignored until its own file or another role
//! continues: a task inside the include may have the name of a later task, and starting too late would skip tasks.

use std::collections::{BTreeMap, BTreeSet};

use model::{Counted, Draft, Event, Failure};

use crate::task_list::{Name, TaskList};

/// A task that has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The position of the listed task that it is, or that precedes it; `None` when there is none.
    pub(super) at: Option<usize>,
    /// Its name.
    pub(super) name: String,
    /// How it relates to the list.
    pub(super) kind: Kind,
}

/// How a task relates to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is listed.
    Listed,
    /// Fact gathering, which is repeated anyway.
    Facts,
    /// A handler.
    Handler,
    /// A task that was included during the run.
    Dynamic,
}

/// The state of a host.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// The task that it is running.
    running: Option<Mark>,
    /// The first task at which it failed or was unreachable.
    pub(super) failed: Option<Mark>,
}

/// A dynamic include whose tasks may be running.
#[derive(Debug)]
struct Include {
    file: String,
    role: Option<String>,
    /// Whether it includes a role. The tasks of that role then have a different role.
    is_role: bool,
}

/// Matches events against the list of tasks.
#[derive(Debug)]
pub(super) struct Trace<'a> {
    list: &'a TaskList,
    /// Final failures by host, play, and task; `None` when final failures are unknown and every failure counts.
    failures: Option<BTreeSet<FailureKey<'a>>>,
    play: Option<usize>,
    at: Option<usize>,
    include: Option<Include>,
    /// The last task that started.
    pub(super) last: Option<Mark>,
    /// Whether a host has completed the last task without failing.
    pub(super) any_host_passed: bool,
    /// Whether a handler was notified.
    pub(super) notified: bool,
    /// All hosts in the events.
    pub(super) hosts: BTreeMap<String, Host>,
}

type FailureKey<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

impl<'a> Trace<'a> {
    pub(super) fn new(list: &'a TaskList, failures: Option<&'a [Failure]>) -> Self {
        let key_of = |failure: &'a Failure| -> FailureKey<'a> {
            (&failure.host, failure.play.as_deref(), failure.task.as_deref())
        };
        Self {
            list,
            failures: failures.map(|failures| failures.iter().map(key_of).collect()),
            play: None,
            at: None,
            include: None,
            last: None,
            any_host_passed: false,
            notified: false,
            hosts: BTreeMap::new(),
        }
    }

    /// Processes the next event.
    pub(super) fn take(&mut self, event: &Event) {
        let draft = &event.draft;
        match draft.kind.as_str() {
            "playbook_on_play_start" => self.begin_play(draft),
            "playbook_on_notify" => self.notified = true,
            "runner_on_start" => {
                let mark = self.last.clone();
                if let Some(host) = self.host(draft) {
                    host.running = mark;
                }
            }
            "runner_on_ok" | "runner_on_skipped" => self.end(draft, true),
            "runner_on_failed" | "runner_on_unreachable" => self.end(draft, !draft.is_failed()),
            _ if draft.is_task_start() => self.begin(draft),
            _ => {}
        }
    }

    fn host(&mut self, draft: &Draft) -> Option<&mut Host> {
        draft.host.as_ref().map(|host| self.hosts.entry(host.clone()).or_default())
    }

    fn begin_play(&mut self, draft: &Draft) {
        let name = draft.play.as_deref().unwrap_or_default();
        self.include = None;
        self.last = None;
        if let Some(play) = self.list.play(self.play, name) {
            self.play = Some(play);
            let tasks = self.list.tasks_of(play);
            // Only facts are gathered before the first listed task, and starting at that task gathers them again.
            self.at = Some(tasks.start).filter(|_| !tasks.is_empty()).or(self.at);
        }
    }

    fn begin(&mut self, draft: &Draft) {
        let name = draft.task.clone().unwrap_or_default();
        let text = |key: &str| draft.data.get(key).and_then(|value| value.as_str());
        let role = text("resolved_role").or(text("role"));
        let file = text("task_path").and_then(|path| Some(path.rsplit_once(':')?.0)).unwrap_or_default();
        let action = text("resolved_action").or(text("task_action")).unwrap_or_default();
        let action = action.rsplit('.').next().unwrap_or_default();
        // Before the first task of a play has started, `at` is already the position of that task.
        let before = self.last.as_ref().and(self.at);
        let before = before.or_else(|| self.at.and_then(|at| at.checked_sub(1)));
        let wanted = Name { role, name: &name, is_action: draft.data["task_action"] == name.as_str() };
        let found = self.play.and_then(|play| self.list.find(play, before, &wanted));
        let is_next = found.is_some() && found == Some(before.map_or(0, |before| before + 1));
        let goes_on = |include: &Include| {
            include.file == file || (is_next && !include.is_role && include.role.as_deref() != role)
        };
        if self.include.as_ref().is_some_and(goes_on) {
            self.include = None;
        }
        let kind = match found {
            _ if draft.kind.as_str() == "playbook_on_handler_task_start" => Kind::Handler,
            Some(index) if self.include.is_none() => {
                self.at = Some(index);
                Kind::Listed
            }
            Some(_) => Kind::Dynamic,
            None if matches!(action, "gather_facts" | "setup") => Kind::Facts,
            None => Kind::Dynamic,
        };
        let is_include = matches!(action, "include_tasks" | "include_role");
        if is_include && kind == Kind::Listed {
            let is_role = action == "include_role";
            self.include = Some(Include { file: file.to_owned(), role: role.map(str::to_owned), is_role });
        }
        self.any_host_passed = false;
        self.last = Some(Mark { at: self.at, name, kind });
    }

    fn end(&mut self, draft: &Draft, passed: bool) {
        let task = draft.task.as_deref();
        if self.last.as_ref().map(|last| last.name.as_str()) == task {
            self.any_host_passed |= passed;
        }
        let key = (draft.host.as_deref().unwrap_or_default(), draft.play.as_deref(), task);
        let is_listed = || self.failures.as_ref().is_none_or(|failures| failures.contains(&key));
        let counts = match draft.counted_as() {
            Some(counted) => matches!(counted, Counted::Failed | Counted::Unreachable),
            None => is_listed(),
        };
        let last = self.last.clone();
        let Some(host) = self.host(draft) else { return };
        let running = host.running.take();
        if !passed && counts && host.failed.is_none() {
            host.failed = running.or(last);
        }
    }

    /// The failed hosts with the task at which they failed.
    pub(super) fn failed(&self) -> impl Iterator<Item = (&String, &Mark)> {
        self.hosts.iter().filter_map(|(name, host)| Some((name, host.failed.as_ref()?)))
    }

    /// The tasks that were running when the run ended early.
    pub(super) fn running(&self) -> impl Iterator<Item = &Mark> {
        self.hosts.values().filter_map(|host| host.running.as_ref()).chain(&self.last)
    }
}
