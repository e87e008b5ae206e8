//! The steps of a run: Ansible executed once for each, in one private directory, under one supervisor.
//!
//! ```text
//! tell -> begin Ansible -> run loop -> look up --> next step
//!                                     |          |
//!                                  not good   not there --> the outcome is that of this step
//! ```

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use model::{
    Code, Draft, Ending, EventKind, Executor, ExtraVars, Find, Outcome, Phase, Reason, Redactor, Report,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{
    command::{self, OptionFiles},
    confine::{self, Confinement},
    content::view::{self, View},
    details,
    diagnose::Selection,
    event::Translator,
    overridden, process, programs, reasons,
    run_directory::RunDirectory,
    run_inputs::Leader,
    run_loop::{self, RunLoop, Stop},
    run_spec::{RunSpec, RunStep},
    sandbox::{Needs, Sandbox},
    search_path::SearchPath,
    spool, start,
    supervisor::{MARKER, canceled_before_it_began, prepare_failed},
    tree_group::TreeGroup,
    untrusted::UntrustedDirectory,
    warm::{
        Begun, Refusal, Request, Waiting,
        sandbox::{Ready, Starting},
    },
    workspace::Workspace,
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
}

/// Runs the steps until one does not end well or none is left; the outcome is that of the last one that ran.
pub(crate) fn run(steps: &mut Steps<'_>, stop: Stop) -> Result<Outcome, Box<Reason>> {
    let spec = steps.spec;
    let mut found: Vec<(&str, Value)> = Vec::new();
    let mut stop = stop;
    let mut before: Option<Outcome> = None;
    let own = [steps.workspace.short(), steps.workspace.private()].map(UntrustedDirectory::open);
    for (number, step) in (1..).zip(&spec.steps) {
        // Files are written into them for the step, and its sandbox shows them: none may lead elsewhere.
        if !own.iter().all(|own| own.as_ref().is_ok_and(UntrustedDirectory::is_in_place)) {
            let moved = io::Error::other("a directory of the run was replaced by the step before");
            return Err(not_begun(&moved));
        }
        if before.is_some() && steps.directory.is_asked_to_stop() {
            return Ok(after(before, Outcome { step: number, ..canceled_before_it_began() }));
        }
        // Made before the step begins: a request that comes between two steps is heard by the next one.
        let next_stop = run_loop::stop_requests().map_err(|error| not_begun(&error))?;
        let (outcome, is_clear) = steps.run_one(number, step, &found, stop)?;
        let outcome = after(before, outcome);
        if outcome.ending != Ending::Succeeded || number as usize == spec.steps.len() {
            return Ok(outcome);
        }
        if !is_clear {
            return Ok(failed(outcome, Code::RunnerFailed, "processes of the step are left"));
        }
        match look_up(step.find.as_ref(), &outcome.report) {
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
    ) -> Result<(Outcome, bool), Box<Reason>> {
        let spec = self.spec;
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
        let files = self.tell(step, &extra_vars)?;
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
                    true => self.tell(step, &extra_vars)?,
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
    fn tell(&self, step: &RunStep, extra_vars: &ExtraVars) -> Result<OptionFiles, Box<Reason>> {
        let told = self.workspace.write_input(
            &step.options,
            self.spec.vault_password.as_ref(),
            extra_vars,
            &step.secret_vars,
            self.spec.facts.as_ref(),
        );
        told.map_err(|error| prepare_failed(&error))
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

    /// Begins to make the sandbox that the child is to join. A failure is reported when it is needed.
    fn start_sandbox(&mut self, is_last: bool) -> Option<io::Result<Starting>> {
        // While another step is to come, what waits for it must be told from what is left of this one.
        if !is_last && !process::lists_children() {
            self.waiting = None;
        }
        self.waiting.as_ref()?;
        let sandbox = self.spec.isolation.sandbox.as_ref()?;
        let command = self.in_sandbox(sandbox).and_then(|mut command| {
            let known = self.environment().into_iter().filter(|(name, _)| [MARKER, "PATH"].contains(name));
            command.current_dir(self.workspace.private()).env_clear().envs(known);
            Starting::start(command)
        });
        Some(command)
    }

    /// Has the child that waits run the step; `None` where that is not to be had, and nothing was begun.
    fn begin_warm(
        &mut self,
        step: &RunStep,
        files: &OptionFiles,
        ident: &str,
        sandbox: Option<io::Result<Starting>>,
        is_last: bool,
    ) -> Result<Option<Leader>, Box<Reason>> {
        let Some(mut waiting) = self.waiting.take() else { return Ok(None) };
        let sandbox = sandbox.map(|starting| starting.and_then(Starting::ready)).transpose();
        let begun = sandbox.map_err(Refusal::from).and_then(|sandbox| {
            let (names, namespaces) = sandbox.as_ref().map(Ready::namespaces).unwrap_or_default();
            let confinement = self.confinement();
            let confinement = match sandbox {
                None => confinement,
                // The sandbox has the view, and keeps privileges from whatever is in it.
                Some(_) => Confinement { view: None, no_new_privileges: true, ..confinement },
            };
            let request = Request {
                arguments: self.arguments(step, files),
                environment: self.warm_environment(),
                inherited: command::inherited(&self.spec.environment),
                directory: self.workspace.working_directory(),
                ident: ident.to_owned(),
                namespaces: names,
                confinement,
            };
            let begun = waiting.begin(&request, &namespaces, is_last)?;
            Ok((begun, sandbox.map(|sandbox| sandbox.keepers).unwrap_or_default()))
        });
        match begun {
            Ok((Begun { pid, output, terminal }, keepers)) => {
                self.waiting = Some(waiting).filter(|_| !is_last);
                let (output, terminal) = (Some(output), Some(terminal));
                Ok(Some(Leader { pid, output, terminal, errors: None, keepers }))
            }
            Err(refusal) => {
                process::end_everything();
                // It may have begun after we stopped waiting for its answer.
                if waiting.has_begun() {
                    return Err(begun_too_late());
                }
                drop(waiting);
                let message =
                    format!("ansible-runner is started for this run, which takes longer: {refusal}");
                let more = json!({ "phase": Phase::Spawn });
                let warning = Draft::warning(Timestamp::now(), "executor_fallback", message, more);
                let stored = self.spool.append(warning);
                stored.map_err(|error| Box::new(reasons::spool_failed(&error)))?;
                Ok(None)
            }
        }
    }

    /// As ansible-runner would put them together.
    fn arguments(&self, step: &RunStep, files: &OptionFiles) -> Vec<String> {
        let options = command::words(&step.options, files).into_iter();
        let inventory = ["-i".to_owned(), self.workspace.last_inventory().to_string_lossy().into_owned()];
        let playbook = step.playbook.to_string_lossy().into_owned();
        ["ansible-playbook".to_owned()]
            .into_iter()
            .chain(options)
            .chain(inventory)
            .chain([playbook])
            .collect()
    }

    fn warm_environment(&self) -> Vec<(String, String)> {
        let text = |(name, value): (&str, OsString)| (name.to_owned(), value.to_string_lossy().into_owned());
        let mut environment: BTreeMap<String, String> = self.environment().into_iter().map(text).collect();
        environment.extend(command::like_the_runner(&self.spec.environment, self.spec.facts.as_ref()));
        environment.into_iter().collect()
    }

    /// What Ansible's own environment is, later entries before earlier ones.
    fn environment(&self) -> Vec<(&str, OsString)> {
        let (spec, workspace) = (self.spec, &*self.workspace);
        let mut environment: Vec<(&str, OsString)> = Vec::new();
        let always = command::always(spec.limits.event_bytes);
        environment.extend(always.map(|(name, value)| (name, OsString::from(value))));
        environment.extend(command::places(workspace.short()));
        environment.extend(spec.environment.iter().map(|(name, value)| (name.as_str(), value.into())));
        environment.extend(spec.facts.as_ref().map(command::facts).into_iter().flatten());
        environment.extend(search_path(spec, workspace));
        environment.extend(spec.isolation.private_home.then(|| ("HOME", workspace.home().into_os_string())));
        environment.push((MARKER, spec.run.to_string().into()));
        environment
    }

    fn confinement(&self) -> Confinement {
        let isolation = &self.spec.isolation;
        Confinement {
            view: self.view.clone(),
            read_only: Vec::new(),
            groups: self.groups.groups().to_vec(),
            // bubblewrap sees to that itself, and may need a privilege to make the sandbox.
            no_new_privileges: isolation.no_new_privileges && isolation.sandbox.is_none(),
            open_files: isolation.open_files,
            file_bytes: isolation.file_bytes,
        }
    }

    fn spawn(&self, step: &RunStep, files: &OptionFiles) -> Result<Leader, Box<Reason>> {
        let workspace = &*self.workspace;
        let (project, inventory) = (workspace.working_directory(), workspace.last_inventory());
        let start = start::prepare(workspace, &self.spec.environment);
        let start = start.map_err(|error| not_begun(&error))?;
        if let Some(start) = &start {
            let line = command::start_line(start, &step.options, files, &step.playbook);
            workspace.write_command_line(&line).map_err(|error| not_begun(&error))?;
        }
        let arguments = command::arguments(&command::Places {
            private: workspace.private(),
            artifacts: &workspace.artifacts(),
            project: &project,
            playbook: &step.playbook,
            inventory: &inventory,
            start: start.as_ref(),
        });
        let command = self.confined().map_err(|error| not_begun(&error))?;
        let runner = start::told(command, &self.spec.environment).args(arguments).spawn();
        runner.map(Leader::from).map_err(|error| {
            let message = format!(
                "cannot start ansible-runner: {error}\nhint: `rangehand doctor` tells what is missing; \
                 `ansible.bin_dir` names the directory it is in"
            );
            Box::new(Reason::new(Some(Phase::Spawn), Code::RunnerMissing, message))
        })
    }

    /// ansible-runner within its limits and, if it is to be in one, its sandbox.
    fn confined(&self) -> io::Result<Command> {
        let (spec, workspace) = (self.spec, &*self.workspace);
        let others = spec.environment.iter().find(|(name, _)| name == details::PLACES);
        let plugins = details::place(workspace.short(), others.map(|(_, places)| places.as_str()))?;
        let mut command = match &spec.isolation.sandbox {
            None => confine::command(&self.confinement(), &spec.program)?,
            Some(sandbox) => {
                let mut command = self.in_sandbox(sandbox)?;
                command.arg(&spec.program);
                command
            }
        };
        command
            .current_dir(workspace.private())
            .env_clear()
            .envs(self.environment())
            .env(details::PLACES, plugins)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }
}

impl Steps<'_> {
    /// bubblewrap within the limits of the run, with all arguments but the program that it is to start.
    fn in_sandbox(&self, sandbox: &Sandbox) -> io::Result<Command> {
        let workspace = &*self.workspace;
        let own = [self.own(), workspace.content_roots()].concat();
        let own: Vec<&Path> = own.iter().map(PathBuf::as_path).collect();
        let hidden: Vec<&Path> = workspace.hidden_room().into_iter().collect();
        let binds = self.view.iter().flat_map(|view| &view.binds).map(|bind| bind.to.clone());
        let covered: Vec<PathBuf> = binds.filter(|path| !self.is_own(path)).collect();
        let confinement = self.confinement();
        let read_only = sandbox.protected(confinement.view.is_some());
        let confinement = Confinement { read_only, ..confinement };
        let mut command = confine::command(&confinement, &sandbox.program)?;
        command.args(sandbox.arguments(&Needs {
            program: &self.spec.program,
            environment: &self.spec.environment,
            own: &own,
            hidden: &hidden,
            covered: &covered,
            directory: workspace.private(),
        }));
        Ok(command)
    }
}

/// A random identifier for the events of a step.
fn new_ident() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The outcome of a step with what the steps before it add to it.
fn after(before: Option<Outcome>, outcome: Outcome) -> Outcome {
    let Some(before) = before else { return outcome };
    Outcome {
        processes_killed: before.processes_killed + outcome.processes_killed,
        started_at: before.started_at.or(outcome.started_at),
        ..outcome
    }
}

fn failed(outcome: Outcome, code: Code, message: &str) -> Outcome {
    Outcome { ending: Ending::Failed, reason: Reason::new(Some(Phase::Extract), code, message), ..outcome }
}

/// The variable that a look-up gives, if it gives one.
fn look_up<'a>(find: Option<&'a Find>, report: &Report) -> Result<Option<(&'a str, Value)>, String> {
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
    let data = json!({
        "step": number,
        "of": steps,
        "playbook": step.playbook,
        "limit": step.options.limit,
        "tags": step.options.tags,
    });
    Draft::new(Timestamp::now(), EventKind::STEP, data)
}

/// Nothing runs twice: there is no other way for this step anymore.
fn begun_too_late() -> Box<Reason> {
    let message = "the process with Ansible imported took too long to begin, and was ended when it had begun";
    Box::new(Reason::new(Some(Phase::Run), Code::RunnerFailed, message))
}

fn not_begun(error: &io::Error) -> Box<Reason> {
    Box::new(Reason::new(
        Some(Phase::Prepare),
        Code::PrepareFailed,
        format!("the step cannot begin: {error}"),
    ))
}

/// Where roles and collections are, as the run sees them: the places of the content lie elsewhere for a copy of it.
fn search_path(spec: &RunSpec, workspace: &Workspace) -> Vec<(&'static str, OsString)> {
    let environment: BTreeMap<String, String> = spec.environment.iter().cloned().collect();
    let original = &spec.source.working_directory;
    let search = SearchPath::of_copy(&environment, &workspace.working_directory_here(), original);
    let is_content = |path: &Path| spec.source.trees.iter().any(|tree| path.starts_with(&tree.root));
    let search = search.moved(|path| if is_content(&path) { workspace.place(&path) } else { path });
    let shipped = workspace.shipped_roles();
    search.variables(shipped.is_dir().then_some(shipped.as_path()))
}
