//! Starts Ansible for a step: in the process that waits with Ansible imported, otherwise through ansible-runner, and in a
//! sandbox if the run is to be in one.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use content::SearchPath;
use jiff::Timestamp;
use model::{Code, Draft, Phase, Reason, WarningCode};
use process::{
    MARKER, Sandbox,
    confine::{self, Confinement},
    sandbox::Needs,
    scope, scratch, seccomp,
};
use serde_json::json;

use super::{Steps, not_begun};
use crate::{
    events::details,
    forkserver::{
        NotStarted, Request, Started,
        sandbox::{Ready, Starting},
    },
    run::{
        command::{self, OptionFiles},
        inputs::Leader,
        reasons,
        spec::{RunSpec, RunStep},
        start,
        workspace::Workspace,
    },
};

impl Steps<'_> {
    /// Starts to create the sandbox that the child will join. A failure is reported when the sandbox is needed.
    pub(super) fn start_sandbox(&mut self, is_last: bool) -> Option<io::Result<Starting>> {
        // If another step follows, the child that waits for it must be distinguishable from remains of this one.
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

    /// Starts the step in the waiting child. `None` if that is not possible; nothing was started then.
    pub(super) fn begin_warm(
        &mut self,
        step: &RunStep,
        files: &OptionFiles,
        ident: &str,
        sandbox: Option<io::Result<Starting>>,
        is_last: bool,
    ) -> Result<Option<Leader>, Box<Reason>> {
        let Some(mut waiting) = self.waiting.take() else { return Ok(None) };
        let sandbox = sandbox.map(|starting| starting.and_then(Starting::ready)).transpose();
        let started = sandbox.map_err(NotStarted::from).and_then(|sandbox| {
            let (names, namespaces) = sandbox.as_ref().map(Ready::namespaces).unwrap_or_default();
            let confinement = self.confinement();
            let confinement = match sandbox {
                None => confinement,
                // The sandbox has the view, and its processes can't gain privileges.
                Some(_) => Confinement { view: None, no_new_privileges: true, ..confinement },
            };
            let is_sandboxed = sandbox.is_some();
            let request = Request {
                arguments: self.arguments(step, files),
                environment: self.warm_environment(),
                inherited: command::inherited(&self.spec.environment),
                directory: self.workspace.working_directory(),
                ident: ident.to_owned(),
                namespaces: names,
                filter: if is_sandboxed { seccomp::hexadecimal() } else { String::new() },
                scopes: if is_sandboxed { scope::bits() } else { 0 },
                confinement,
            };
            let started = waiting.start(&request, &namespaces, is_last)?;
            Ok((started, sandbox.map(|sandbox| sandbox.keepers).unwrap_or_default()))
        });
        match started {
            Ok((Started { pid, output, terminal }, keepers)) => {
                self.waiting = Some(waiting).filter(|_| !is_last);
                let (output, terminal) = (Some(output), Some(terminal));
                Ok(Some(Leader { pid, output, terminal, errors: None, keepers }))
            }
            Err(cause) => {
                process::end_everything();
                // It may have started after the time limit of its answer.
                if waiting.may_have_started() {
                    return Err(begun_too_late());
                }
                drop(waiting);
                let message = format!("ansible-runner is started for this run, which takes longer: {cause}");
                let more = json!({ "phase": Phase::Spawn });
                let warning = Draft::warning(Timestamp::now(), WarningCode::ExecutorFallback, message, more);
                let stored = self.spool.append(warning);
                stored.map_err(|error| Box::new(reasons::spool_failed(&error)))?;
                Ok(None)
            }
        }
    }

    /// The same arguments as under ansible-runner.
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
        environment.extend(content::private_places(workspace.short()));
        environment.extend(spec.environment.iter().map(|(name, value)| (name.as_str(), value.into())));
        environment.extend(spec.facts.as_ref().map(command::facts).into_iter().flatten());
        environment.extend(search_path(spec, workspace));
        // The user's home is the run's own in a sandbox, and whatever the system or a variable says, it is the same.
        let of_sandbox = spec.isolation.sandbox.as_ref().and_then(|sandbox| sandbox.home(&spec.environment));
        let home = of_sandbox.or_else(|| spec.isolation.private_home.then(|| workspace.home()));
        environment.extend(home.map(|home| ("HOME", home.into_os_string())));
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
            sandbox: isolation.sandbox.is_some(),
        }
    }

    pub(super) fn spawn(&self, step: &RunStep, files: &OptionFiles) -> Result<Leader, Box<Reason>> {
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
        let runner = start::with_inherited(command, &self.spec.environment).args(arguments).spawn();
        runner.map(Leader::from).map_err(|error| {
            let message = format!(
                "cannot start ansible-runner: {error}\nhint: `rangehand doctor` reports what is missing; \
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

    /// bubblewrap within the limits of the run, with all arguments but the program that it is to start.
    fn in_sandbox(&self, sandbox: &Sandbox) -> io::Result<Command> {
        let workspace = &*self.workspace;
        let own = [self.own(), workspace.content_roots()].concat();
        let own: Vec<&Path> = own.iter().map(PathBuf::as_path).collect();
        let all_scratch = workspace.scratch();
        let hidden: Vec<&Path> = workspace.hidden_room().into_iter().chain([&*all_scratch]).collect();
        // Each step has its own: it could leave a link for the next one.
        let scratch = all_scratch.join(self.number.to_string());
        let empty = Sandbox::empty(&self.spec.environment);
        scratch::make(&scratch, empty.iter().map(PathBuf::as_path))?;
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
            scratch: Some(&scratch),
        }));
        Ok(command)
    }
}

/// Nothing runs twice: there is no other way for this step anymore.
fn begun_too_late() -> Box<Reason> {
    let message = "the process with Ansible imported took too long to start the run, and was terminated";
    Box::new(Reason::new(Some(Phase::Run), Code::RunnerFailed, message))
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
