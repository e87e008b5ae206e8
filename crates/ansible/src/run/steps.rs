//! The steps of a run: Ansible executed once for each, in one private directory, under one supervisor.
//!
//! ```text
//! write input -> begin Ansible -> run loop -> find value --> next step
//!                                            |             |
//!                                         failed       missing --> the outcome is that of this step
//! ```

mod begin;

use std::{
    env, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use content::snapshots::view;
use jiff::Timestamp;
use model::{
    Code, Draft, Ending, Executor, ExtraVars, Find, Phase, PlaybookOutcome, Reason, Redactor, Report,
    StepStart,
};
use process::{Stop, TreeGroup, mounts::View, programs, untrusted::UntrustedDirectory};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{
    events::{diagnose::Selection, event::Translator, spool},
    forkserver::Waiting,
    run::{
        command::OptionFiles,
        directory::RunDirectory,
        overridden,
        reasons::{self, canceled_before_it_began, prepare_failed},
        run_loop::{self, RunLoop},
        spec::{RunSpec, RunStep},
        workspace::Workspace,
    },
};

/// What the steps of a run share.
pub(crate) struct Steps<'a> {
    pub(crate) directory: &'a RunDirectory,
    pub(crate) spec: &'a RunSpec,
    pub(crate) workspace: &'a mut Workspace,
    pub(crate) spool: &'a mut spool::Writer,
    /// Values that must not be kept.
    pub(crate) secrets: Vec<SecretString>,
    /// When the supervisor began: the total limit counts from there.
    pub(crate) begun: Instant,
    /// The control groups of what the run starts.
    pub(crate) groups: Arc<TreeGroup>,
    /// The child with Ansible imported, as long as there is one.
    pub(crate) waiting: Option<Waiting>,
    /// What Ansible is to enter to see its content.
    pub(crate) view: Option<View>,
    /// The number of the step that is running, from 1.
    pub(crate) number: u32,
}

/// Runs the steps until one does not end well or none is left; the outcome is that of the last one that ran.
pub(crate) fn run(steps: &mut Steps<'_>, stop: Stop) -> Result<PlaybookOutcome, Box<Reason>> {
    let spec = steps.spec;
    let mut found: Vec<(&str, Value)> = Vec::new();
    let mut stop = stop;
    let mut before: Option<PlaybookOutcome> = None;
    let own = [steps.workspace.short(), steps.workspace.private()].map(UntrustedDirectory::open);
    for (number, step) in (1..).zip(&spec.steps) {
        // Files are written into them for the step, and its sandbox shows them: none may lead elsewhere.
        if !own.iter().all(|own| own.as_ref().is_ok_and(UntrustedDirectory::is_in_place)) {
            let moved = io::Error::other("a directory of the run was replaced by the step before");
            return Err(not_begun(&moved));
        }
        if before.is_some() && steps.directory.is_asked_to_stop() {
            let mut canceled = canceled_before_it_began();
            canceled.detail.step = number;
            return Ok(after(before, canceled));
        }
        // Registered before the step begins: a request between two steps stops the next one.
        let next_stop = Stop::requests().map_err(|error| not_begun(&error))?;
        let (outcome, is_clear) = steps.run_one(number, step, &found, stop)?;
        let outcome = after(before, outcome);
        if outcome.ending != Ending::Succeeded || number as usize == spec.steps.len() {
            return Ok(outcome);
        }
        if !is_clear {
            return Ok(failed(outcome, Code::RunnerFailed, "processes of the step are left"));
        }
        match find_value(step.find.as_ref(), &outcome.detail.report) {
            Ok(taken) => found.extend(taken),
            Err(message) => return Ok(failed(outcome, Code::NotFound, &message)),
        }
        before = Some(outcome);
        stop = next_stop;
    }
    // A run without steps is never made.
    before.ok_or_else(|| not_begun(&io::Error::other("there is nothing to run")))
}

impl Steps<'_> {
    fn run_one(
        &mut self,
        number: u32,
        step: &RunStep,
        found: &[(&str, Value)],
        stop: Stop,
    ) -> Result<(PlaybookOutcome, bool), Box<Reason>> {
        let spec = self.spec;
        self.number = number;
        if spec.steps.len() > 1 {
            let draft = step_event(number, spec.steps.len(), step);
            self.spool.append(draft).map_err(|error| Box::new(reasons::spool_failed(&error)))?;
        }
        let mut extra_vars = step.extra_vars.clone();
        for (name, value) in found {
            extra_vars.insert(name, value.clone()).map_err(|error| {
                let message = format!("what was looked up is no variable: {error}");
                Box::new(Reason::new(Some(Phase::Prepare), Code::PrepareFailed, message))
            })?;
        }
        let needed = self.needed();
        self.view = self.workspace.view(&needed).map_err(|error| not_begun(&error))?;
        let is_last = number as usize == spec.steps.len();
        // Made while the files are written.
        let sandbox = self.start_sandbox(is_last);
        let files = self.write_input(step, &extra_vars)?;
        if number == 1 {
            let warnings = overridden::warnings(spec, &self.workspace.working_directory_here());
            for warning in warnings {
                self.spool.append(warning).map_err(|error| Box::new(reasons::spool_failed(&error)))?;
            }
        }
        let own = UntrustedDirectory::open(self.workspace.short()).map_err(|error| not_begun(&error))?;
        let ident = new_ident().map_err(|error| not_begun(&error))?;
        if number == 1 {
            self.directory.begin().map_err(|error| not_begun(&error))?;
        }
        let (leader, executor, ident) = match self.begin_warm(step, &files, &ident, sandbox, is_last)? {
            Some(leader) => (leader, Executor::Warm, Some(ident)),
            None => {
                let files = match self.without_view().map_err(|error| not_begun(&error))? {
                    true => self.write_input(step, &extra_vars)?,
                    false => files,
                };
                (self.spawn(step, &files)?, Executor::Runner, None)
            }
        };
        let project = format!("{}/", self.workspace.working_directory().display());
        let run = run_loop::Run {
            translator: Translator::new(
                Redactor::new(self.secrets.iter().map(ExposeSecret::expose_secret)),
                project,
            ),
            own,
            ident,
            directory: self.directory.clone(),
            begun: self.begun,
            step: number,
            groups: self.groups.clone(),
            spared: self.waiting.as_ref().filter(|_| !is_last).map(Waiting::pid),
            executor,
            selection: Selection::of(&step.options),
        };
        Ok(RunLoop::new(run, self.spool, spec.limits).run(leader, stop))
    }
}

impl Steps<'_> {
    fn write_input(&self, step: &RunStep, extra_vars: &ExtraVars) -> Result<OptionFiles, Box<Reason>> {
        let written = self.workspace.write_input(
            &step.options,
            self.spec.vault_password.as_ref(),
            extra_vars,
            &step.secret_vars,
            self.spec.facts.as_ref(),
        );
        written.map_err(|error| prepare_failed(&error))
    }

    /// Has the run work on copies when its view cannot be had; says whether that is so. Ansible must not have begun.
    fn without_view(&mut self) -> io::Result<bool> {
        let Some(Err(error)) = self.view.as_ref().map(view::try_out) else { return Ok(false) };
        tracing::warn!(%error, "the run works on a copy of its content: an overlay cannot be mounted");
        self.view = None;
        self.workspace.fall_back()?;
        Ok(true)
    }

    /// What Ansible must find although it may lie where content is: itself, and what its environment names.
    fn needed(&self) -> Vec<PathBuf> {
        let path = self.spec.environment.iter().find(|(name, _)| name == "PATH");
        let programs = programs::needed_by(&self.spec.program, path.map(|(_, path)| path.as_ref()));
        let named =
            self.spec.environment.iter().flat_map(|(_, value)| env::split_paths(value).collect::<Vec<_>>());
        self.own().into_iter().chain(programs).chain(named.filter(|path| path.is_absolute())).collect()
    }

    /// The directories that are the run's own, besides those of its content.
    fn own(&self) -> Vec<PathBuf> {
        let facts = self.spec.facts.as_ref().map(|facts| facts.directory.clone());
        [self.workspace.short().to_owned(), self.workspace.private().to_owned()]
            .into_iter()
            .chain(facts)
            .collect()
    }

    /// Does it lie in one of these?
    fn is_own(&self, path: &Path) -> bool {
        let mut own = self.own().into_iter().filter_map(|own| own.canonicalize().ok());
        own.any(|own| path.starts_with(own))
    }
}

/// A random identifier for the events of a step.
fn new_ident() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The outcome of a step with what the steps before it add to it.
fn after(before: Option<PlaybookOutcome>, mut outcome: PlaybookOutcome) -> PlaybookOutcome {
    if let Some(before) = before {
        outcome.detail.processes_killed += before.detail.processes_killed;
        outcome.started_at = before.started_at.or(outcome.started_at);
    }
    outcome
}

fn failed(outcome: PlaybookOutcome, code: Code, message: &str) -> PlaybookOutcome {
    PlaybookOutcome {
        ending: Ending::Failed,
        reason: Reason::new(Some(Phase::Extract), code, message),
        ..outcome
    }
}

/// Finds a value in the results of a step. Returns the variable that is set from it, if any.
fn find_value<'a>(find: Option<&'a Find>, report: &Report) -> Result<Option<(&'a str, Value)>, String> {
    let Some(find) = find else { return Ok(None) };
    let object = find.in_report(report).ok_or_else(|| {
        format!("nothing in `{}` has `{}` {}", find.list, find.by, find.value.escape_debug())
    })?;
    let take = |take: &'a model::Take| {
        (take.variable.as_str(), object.get(&take.member).cloned().unwrap_or(Value::Null))
    };
    Ok(find.take.as_ref().map(take))
}

fn step_event(number: u32, steps: usize, step: &RunStep) -> Draft {
    let start = StepStart {
        step: number,
        of: steps,
        playbook: step.playbook.to_string_lossy().into_owned(),
        limit: step.options.limit.clone(),
        tags: step.options.tags.clone(),
    };
    Draft::own(Timestamp::now(), &start)
}

fn not_begun(error: &io::Error) -> Box<Reason> {
    Box::new(Reason::new(
        Some(Phase::Prepare),
        Code::PrepareFailed,
        format!("the step cannot begin: {error}"),
    ))
}
