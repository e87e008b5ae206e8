//! The process that owns a run: the Rangehand program, executed again.
//!
//! ```text
//! specification by pipe -> prepare -> begin Ansible -> run loop -> tree ended -> report -> cleanup -> outcome
//! ```
//! It has its own session and continues when the service ends for any reason. Nothing here needs the service: events go to
//! the spool, the end to the outcome file, and a request to stop arrives as SIGTERM. Threads instead of an async runtime keep
//! it small: there is one supervisor per running job.

use std::{
    ffi::CString,
    fs,
    io::{self, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use content::Configuration;
use jiff::Timestamp;
use model::{
    ArtifactsKept, Code, Draft, Ending, Isolation, Phase, PlaybookOutcome, Reason, Redactor, WarningCode,
    redact::tells_of_a_secret,
};
use process::{Identity, Sandbox, Stop, TreeGroup, cgroup::Group, scratch};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde_json::json;

use crate::{
    events::spool,
    forkserver::{Assignment, Waiting},
    run::{
        connections::Connections,
        directory::RunDirectory,
        generated,
        reasons::{self, canceled_before_it_began, prepare_failed},
        sandbox_hints,
        spec::RunSpec,
        steps::{self, Steps},
        workspace::{self, Workspace},
    },
};

/// Supervises the run in `directory` to its end. The specification is read from standard input. Without a directory, waits until
/// the service assigns one, with a specification; a child has Ansible imported then.
///
/// Standard output is the lock of the directory, held until this process ends. Errors outside of the run itself are written
/// to standard error, which is the supervisor's log.
#[must_use]
pub fn main(directory: Option<PathBuf>) -> ExitCode {
    match begin(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the supervisor could not do its work");
            ExitCode::FAILURE
        }
    }
}

fn begin(directory: Option<PathBuf>) -> io::Result<()> {
    // Fails only for the leader of a process group, as when started from a shell by hand: no harm.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let identity = Identity::of_this_process().ok_or_else(|| io::Error::other("there is no /proc"))?;
    if let Some(directory) = directory {
        let spec = read_spec(io::stdin())?;
        return supervise(&RunDirectory::at(directory), &spec, &identity, None);
    }
    name_process("rangehand-spare");
    let Some(mut assignment) = Assignment::wait()? else { return Ok(()) };
    // Without a specification this process leaves no trace in the directory.
    let spec = read_spec(&mut assignment.specification)?;
    supervise(&RunDirectory::at(assignment.directory.clone()), &spec, &identity, Some(assignment))
}

/// Sets the name that `ps` and `top` show. The arguments of an idle supervisor don't contain its run.
fn name_process(name: &str) {
    // The kernel truncates it. Only people read it.
    let _ = CString::new(name).map(|name| rustix::thread::set_name(&name));
}

fn supervise(
    directory: &RunDirectory,
    spec: &RunSpec,
    identity: &Identity,
    assignment: Option<Assignment>,
) -> io::Result<()> {
    let stop = Stop::requests()?;
    directory.write_identity(identity)?;
    let run = spec.run.to_string();
    name_process(&format!("run-{}", &run[run.len() - 8..]));
    let waiting = assignment.and_then(|assignment| greet(assignment, spec));
    // Made before this process is in a group of its own: limits are not handed on to groups below one with processes.
    let limits = spec.limits;
    let groups = TreeGroup::make(&run, limits.memory_bytes, limits.processes);
    let groups = Arc::new(groups);
    let group = enter_group(directory, spec);
    if let (Some(group), Some(waiting)) = (&group, &waiting)
        && let Err(error) = group.take(waiting.pid())
    {
        tracing::debug!(%error, "what runs Ansible is not in the control group of the run");
    }

    let begun = Instant::now();
    directory.keep_room()?;
    let mut spool = spool::Writer::create(&directory.spool())?;
    let mut workspace = Workspace::new(directory.private(), &spec.runtime, &spec.run.short());
    let mut outcome = if directory.is_asked_to_stop() {
        canceled_before_it_began()
    } else {
        let beginning = Beginning { begun, stop, groups: groups.clone(), waiting };
        prepare_and_run(directory, spec, &mut workspace, &mut spool, beginning)
            .unwrap_or_else(|reason| PlaybookOutcome::without_run(Ending::Failed, *reason, Timestamp::now()))
    };
    keep_written(spec, &workspace, &mut spool);
    warn_of_sandbox(spec, &workspace, &outcome, &mut spool);
    clean_up(&workspace, &mut spool);
    finish_spool(&mut spool, &mut outcome);
    outcome.finished_at = Timestamp::now();
    let level = spec.isolation.sandbox.as_ref().map_or(Isolation::Process, |_| Isolation::Sandbox);
    if outcome.detail.executor.is_some() {
        outcome.detail.isolation = Some(level);
        outcome.detail.protections = protections(spec, &groups);
    }
    groups.remove();
    if let Some(Err(error)) = group.map(|group| group.leave()) {
        tracing::warn!(%error, "the control group could not be removed");
    }
    directory.write_outcome(&outcome)
}

/// Greets the child. `None` if it has exited or does not answer; steps are then executed with ansible-runner.
fn greet(assignment: Assignment, spec: &RunSpec) -> Option<Waiting> {
    let greeted = Waiting::greet(assignment, spec.run);
    let why = |error: &io::Error| {
        tracing::warn!(%error, "the process with Ansible imported does not answer; starting ansible-runner");
        // This process has no other descendants yet.
        process::end_everything();
    };
    greeted.inspect_err(why).ok()
}

/// The error for an invalid specification has no details, because they could quote secrets.
fn read_spec(mut source: impl Read) -> io::Result<RunSpec> {
    let mut text = Zeroizing::new(Vec::new());
    source.read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(|error| {
        io::Error::other(format!(
            "the specification of the run cannot be read, at byte {} of it",
            error.column()
        ))
    })
}

/// Processes that are started from here on are in the group. A run continues without one: the marker finds nearly all of them.
fn enter_group(directory: &RunDirectory, spec: &RunSpec) -> Option<Group> {
    let group = Group::plan(&spec.run.to_string()).ok()?;
    let entered = directory.write_group(&group).and_then(|()| group.enter());
    entered
        .inspect_err(|error| tracing::debug!(%error, "the run has no control group"))
        .is_ok()
        .then_some(group)
}

/// What began before the run was prepared.
struct Beginning {
    begun: Instant,
    stop: Stop,
    groups: Arc<TreeGroup>,
    waiting: Option<Waiting>,
}

fn prepare_and_run(
    directory: &RunDirectory,
    spec: &RunSpec,
    workspace: &mut Workspace,
    spool: &mut spool::Writer,
    beginning: Beginning,
) -> Result<PlaybookOutcome, Box<Reason>> {
    prepare(spec, workspace).map_err(|error| prepare_failed(&error))?;
    warn_of_left_out(workspace, spool).map_err(|error| Box::new(reasons::spool_failed(&error)))?;
    if directory.is_asked_to_stop() {
        return Ok(canceled_before_it_began());
    }
    let secrets = secrets(spec);
    // Open until the last step has ended.
    let connections = Connections::listen(
        &generated::socket(workspace.short()),
        spec.run,
        generated::commands(&spec.generated),
    )
    .map_err(|source| {
        let what = "cannot listen for connections to machines";
        prepare_failed(&workspace::Error::Io { what, source })
    })?;
    let outcome = steps::run(
        &mut Steps {
            directory,
            spec,
            workspace,
            spool,
            secrets,
            begun: beginning.begun,
            groups: beginning.groups,
            waiting: beginning.waiting,
            view: None,
            number: 1,
        },
        beginning.stop,
    );
    if let Some(warning) = connections.and_then(|connections| connections.warning()) {
        // A spool that cannot be written shows when it is finished.
        let _ = spool.append(warning);
    }
    outcome
}

/// Values that must be masked everywhere: the vault password, private keys, secret variables, and values of the environment
/// with names of secrets.
fn secrets(spec: &RunSpec) -> Vec<SecretString> {
    let environment = spec.environment.iter().filter(|(name, _)| tells_of_a_secret(name));
    let environment = environment.map(|(_, value)| SecretString::from(value.as_str()));
    let variables = spec.steps.iter().flat_map(|step| step.secret_vars.texts());
    let keys = spec.generated.iter().map(|inventory| &inventory.private_key);
    let known = spec.secrets.iter().chain(&spec.vault_password).chain(keys).cloned();
    environment.chain(variables).chain(known).collect()
}

fn prepare(spec: &RunSpec, workspace: &mut Workspace) -> Result<(), workspace::Error> {
    workspace.create()?;
    let of_sandbox = spec.isolation.sandbox.as_ref().and_then(|sandbox| sandbox.home(&spec.environment));
    if spec.isolation.private_home && of_sandbox.is_none() {
        let home = spec.environment.iter().find(|(name, _)| name == "HOME");
        workspace.make_home(home.map(|(_, home)| Path::new(home)))?;
    }
    if let Some(facts) = &spec.facts {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&facts.directory);
        made.map_err(|source| workspace::Error::Io { what: "cannot make the directory of facts", source })?;
    }
    workspace.write_generated(spec)?;
    workspace.fill(&spec.source, &spec.content, spec.steps.iter().map(|step| step.playbook.as_path()))
}

fn warn_of_left_out(workspace: &Workspace, spool: &mut spool::Writer) -> io::Result<()> {
    if workspace.left_out.is_empty() {
        return Ok(());
    }
    let entry = |(path, why): &(PathBuf, String)| json!({ "path": path.to_string_lossy(), "why": why });
    let shown: Vec<_> = workspace.left_out.iter().take(100).map(entry).collect();
    let more = json!({ "omitted": shown, "total": workspace.left_out.len() });
    let first = workspace.left_out.first().map(|(path, why)| format!("`{}` ({why})", path.display()));
    let message = format!(
        "the run does not see {} files or links of the content; the first is {}",
        workspace.left_out.len(),
        first.unwrap_or_default()
    );
    spool.append(Draft::warning(Timestamp::now(), WarningCode::ContentLeftOut, message, more))
}

/// Keeps what the run wrote into its content; what is lost of it, the user is to know.
fn keep_written(spec: &RunSpec, workspace: &Workspace, spool: &mut spool::Writer) {
    let secrets = secrets(spec);
    let secrets = Redactor::new(secrets.iter().map(ExposeSecret::expose_secret));
    // A spool that cannot be written shows when it is finished.
    let mut append = |draft: Draft| drop(spool.append(draft));
    let warning = |code, path: &str, message: String| {
        Draft::warning(Timestamp::now(), code, message, json!({ "path": path }))
    };
    match workspace.keep_written(spec.run, &spec.content, &secrets) {
        Ok((artifacts, overtaken)) => {
            if let (false, Some(options)) = (artifacts.artifacts.is_empty(), &spec.content.artifacts) {
                let bytes: u64 = artifacts.artifacts.iter().map(|artifact| artifact.size).sum();
                let files = artifacts.artifacts.len() as u64;
                let kept = ArtifactsKept { node: options.node.clone(), files, bytes };
                append(Draft::own(Timestamp::now(), &kept));
            }
            for left_out in artifacts.left_out.iter().take(MOST_WARNINGS) {
                let path = secrets.text(&left_out.path).into_owned();
                let message =
                    format!("`{path}`, which the run wrote, is not among its artifacts: {}", left_out.why);
                append(warning(WarningCode::ArtifactLeftOut, &path, message));
            }
            for path in overtaken.iter().take(MOST_WARNINGS) {
                let path = secrets.text(&path.to_string_lossy()).into_owned();
                let message =
                    format!("`{path}` is not kept for later runs: another run has written it meanwhile");
                append(warning(WarningCode::PersistentOvertaken, &path, message));
            }
        }
        Err(error) => {
            tracing::error!(%error, "files that the run wrote into its content could not be kept");
            let message = format!("files that the run wrote into its content could not be kept: {error}");
            append(Draft::warning(Timestamp::now(), WarningCode::ArtifactsLost, message, json!({})));
        }
    }
}

/// What keeps the run apart on this machine.
fn protections(spec: &RunSpec, groups: &TreeGroup) -> Vec<String> {
    let sandbox = spec.isolation.sandbox.as_ref().map(Sandbox::protections).unwrap_or_default();
    let sandbox = sandbox.iter().filter(|part| part.absent.is_none()).map(|part| part.name);
    let groups = [(groups.counts_memory(), "memory group"), (groups.counts_processes(), "processes group")];
    let groups = groups.into_iter().filter(|(is_kept, _)| *is_kept).map(|(_, name)| name);
    sandbox.chain(groups).map(|name| name.to_ascii_lowercase().replace(' ', "_")).collect()
}

/// What a user should know of a run in a sandbox: files that go with it, and why it may have failed.
fn warn_of_sandbox(
    spec: &RunSpec,
    workspace: &Workspace,
    outcome: &PlaybookOutcome,
    spool: &mut spool::Writer,
) {
    let Some(sandbox) = &spec.isolation.sandbox else { return };
    let secrets = secrets(spec);
    let secrets = Redactor::new(secrets.iter().map(ExposeSecret::expose_secret));
    let left = scratch::left_in(&workspace.scratch());
    if left.is_partial || !left.files.is_empty() {
        // A name may have line ends and control sequences in it.
        let name = |path: &Path| secrets.text(&path.to_string_lossy()).escape_debug().to_string();
        let first = left.files.first().map(|(path, _)| format!("; the first is `{}`", name(path)));
        let message = format!(
            "files that the run left outside of its content were removed with its sandbox: {}{}, {} bytes{}\nhint: files \
             in the content are kept as artifacts, those in a directory that `runs.sandbox_writable` names stay",
            if left.is_partial { "at least " } else { "" },
            left.total,
            left.bytes,
            first.unwrap_or_default()
        );
        let files: Vec<_> =
            left.files.iter().map(|(path, size)| json!({ "path": name(path), "size": size })).collect();
        let more = json!({ "files": files, "total": left.total, "bytes": left.bytes });
        let _ = spool.append(Draft::warning(Timestamp::now(), WarningCode::FilesRemoved, message, more));
    }
    if outcome.ending == Ending::Failed {
        let own = [workspace.short().to_owned(), workspace.private().to_owned()].into_iter();
        let of_homes = sandbox.shown_in_homes(&spec.environment);
        let own: Vec<PathBuf> = own.chain(workspace.content_roots()).chain(of_homes).collect();
        let environment = spec.environment.iter().cloned().collect();
        // Of the owner's: the run may have changed its copy, and this process is not in the sandbox.
        let directory = &spec.source.working_directory;
        let configuration = Configuration::find(&environment, directory);
        let roles = configuration.paths("defaults", "roles_path", ':', directory);
        // A spool that cannot be written shows when it is finished.
        sandbox_hints::warning(outcome, sandbox, &own, &roles.unwrap_or_default())
            .map(|draft| spool.append(draft));
    }
}

/// Further files are only counted.
const MOST_WARNINGS: usize = 20;

/// Removes the working files and secrets of the run. A failure doesn't change the outcome, but adds a warning.
fn clean_up(workspace: &Workspace, spool: &mut spool::Writer) {
    let Err(error) = workspace.remove() else { return };
    tracing::error!(%error, "the private directory could not be removed");
    let message = format!("the private directory could not be removed: {error}");
    let draft = Draft::warning(
        Timestamp::now(),
        WarningCode::NotCleanedUp,
        message,
        json!({ "phase": Phase::Cleanup }),
    );
    // A spool that cannot be written shows when it is finished.
    let _ = spool.append(draft);
}

/// A run whose events could not all be kept is no success, whatever Ansible said.
fn finish_spool(spool: &mut spool::Writer, outcome: &mut PlaybookOutcome) {
    if let Err(error) = spool.finish()
        && outcome.reason.code != Code::SpoolFailed
    {
        outcome.ending = Ending::Failed;
        outcome.reason = reasons::spool_failed(&error);
    }
    outcome.detail.emitted = spool.offered();
    outcome.detail.events = spool.events();
}
