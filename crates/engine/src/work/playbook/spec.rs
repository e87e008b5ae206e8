//! Converts a claimed job to the run specification for the supervisor.

use std::{
    collections::BTreeSet,
    iter,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ansible::{Facts, GeneratedInventory, PlaybookOptions, RunSpec, RunStep};
use content::{
    Configuration, Source, Tree,
    catalog::{self, Located},
    inventory, snapshots,
};
use model::{Code, InventoryOrigin, Isolation, Job, Phase, PlaybookWork, ProjectName, Reason, RunId, Step};
use process::Limits;
use tokio::task::spawn_blocking;

use super::options::{IsolationOptions, PlaybookOptions as Options};
use crate::{
    artifacts::Artifacts,
    catalog::{
        handle::Catalog,
        known_inventories::{InventoryData, KnownInventories},
    },
    error::{CatalogError, JobError},
    keyring::handle::Keyring,
    options::{Directories, Vault},
    ranges::{error::RangeError, run_inventory::RangeInventories},
};

/// Creates run specifications.
#[derive(Debug)]
pub(crate) struct RunSpecs {
    pub(crate) options: Options,
    pub(crate) node: Arc<str>,
    pub(crate) directories: Directories,
    pub(crate) vault: Vault,
    pub(crate) catalog: Catalog,
    pub(crate) known_inventories: KnownInventories,
    pub(crate) artifacts: Artifacts,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) ranges: RangeInventories,
}

impl RunSpecs {
    /// The specification of a run. The content is located again, because it may have changed while the job was
    /// queued.
    ///
    /// # Errors
    /// The reason if the job fails before it runs.
    pub(super) async fn of(&self, job: &Job, run: RunId) -> Result<RunSpec, Box<Reason>> {
        let (options, toolchain) = (&self.options, self.catalog.toolchain());
        let work = self.with_secrets(job)?;
        let (root, steps) = self.run_steps(job, &work).await?;
        let (inventories, generated) = self.inventories(&work, run).await?;
        let program = toolchain.program("ansible-runner").ok_or_else(no_runner)?;
        let known = self.known_inventories.all(&inventories).await;
        let mut isolation = isolation(&work, &options.isolation)?;
        if let Some(sandbox) = isolation.sandbox.as_mut().filter(|sandbox| sandbox.ssh_keys) {
            sandbox.readable.extend(self.connection_files(&root, &known).await);
        }
        // Hosts of different inventories can have the same name. A machine of a range can be another one in the next run.
        let facts = options.facts.as_ref().filter(|_| generated.is_empty());
        let facts =
            facts.map(|facts| Facts { directory: facts.directory.join(facts_key(&work)), ..facts.clone() });
        let as_text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(RunSpec {
            run,
            source: self
                .source(work.project.as_ref(), &root, &inventories)
                .map_err(|error| not_found(&error))?,
            content: snapshots::Options {
                snapshots: self.directories.state.join("snapshots"),
                persistent: self.directories.state.join("persistent"),
                way: options.way,
                artifacts: (options.artifacts_bytes > 0).then(|| snapshots::artifacts::Options {
                    directory: self.artifacts.of_job(job.id),
                    max_bytes: options.artifacts_bytes,
                    node: self.node.to_string(),
                }),
            },
            secrets: known.iter().flat_map(|known| known.secrets.iter().cloned()).collect(),
            generated,
            steps,
            vault_password: self.vault.password.clone(),
            program,
            environment: toolchain.variables().filter_map(as_text).collect(),
            runtime: self.directories.runtime.clone(),
            facts,
            limits: limits(job, options.limits),
            isolation,
        })
    }

    /// The inventories of the content, and those that are generated from ranges.
    async fn inventories(
        &self,
        work: &PlaybookWork,
        run: RunId,
    ) -> Result<(Vec<Located>, Vec<GeneratedInventory>), Box<Reason>> {
        let (mut located, mut generated) = (Vec::new(), Vec::new());
        for (position, origin) in work.inventory.origins().enumerate() {
            let locate = |name| self.catalog.locate_inventories(work.project.as_ref(), iter::once(name));
            let (found, range) = match origin {
                InventoryOrigin::Range(range) => (Ok(Vec::new()), Some(range)),
                InventoryOrigin::Content(name) => (locate(name).await, None),
                InventoryOrigin::ContentOrRange(name, range) => match locate(name).await {
                    Err(error) => {
                        let range = self.ranges.named(range).await.map_err(|error| no_range(&error))?;
                        (if range.is_some() { Ok(Vec::new()) } else { Err(error) }, range)
                    }
                    found => (found, None),
                },
            };
            located.extend(found.map_err(|error| not_found(&error))?);
            if let Some(range) = range {
                let made = self.ranges.for_run(range, position, &self.directories.runtime, run).await;
                generated.push(made.map_err(|error| no_range(&error))?);
            }
        }
        Ok((located, generated))
    }

    /// The keys, certificates, and lists of known hosts that the inventories, the configuration in this directory, and the
    /// environment of runs name.
    async fn connection_files(&self, directory: &Path, known: &[Arc<InventoryData>]) -> Vec<PathBuf> {
        let toolchain = self.catalog.toolchain().clone();
        let mut paths: BTreeSet<PathBuf> =
            known.iter().flat_map(|known| known.connection_files.iter().cloned()).collect();
        let directory = directory.to_owned();
        let found = spawn_blocking(move || {
            let home = toolchain.home();
            let file = Configuration::find(&toolchain.environment, &directory).file;
            let configuration = file.and_then(|file| std::fs::read_to_string(file).ok());
            let variables = toolchain.environment.iter().map(|(name, value)| format!("{name}={value}"));
            for text in variables.chain(configuration) {
                paths.extend(inventory::connection_files_in(&text, home.as_deref()));
            }
            paths.into_iter().filter(|path| process::is_connection_file(path)).collect()
        });
        found
            .await
            .inspect_err(|error| tracing::error!(%error, "files for connections cannot be found"))
            .unwrap_or_default()
    }

    /// The trees of playbooks and inventories, with symbolic links in their paths resolved, so that the content
    /// stays the same when a link is changed during the run.
    fn source(
        &self,
        project: Option<&ProjectName>,
        root: &Path,
        inventories: &[Located],
    ) -> Result<Source, CatalogError> {
        let options = &self.options;
        let project = project.map(|name| self.catalog.project(name)).transpose()?;
        let root = root.canonicalize()?;
        let mut source = Source {
            working_directory: root.clone(),
            vault: self.vault.file.clone(),
            in_memory_bytes: options.in_memory_bytes,
            ..Source::default()
        };
        let tree = |root: PathBuf, link_targets: &[PathBuf], persistent: &[String]| Tree {
            root,
            exclude: options.exclude.clone(),
            link_targets: link_targets.to_vec(),
            persistent: persistent.to_vec(),
        };
        source.add_tree(match project {
            Some(project) => tree(root.clone(), &project.link_targets, &project.persistent),
            None => tree(root.clone(), &options.link_targets, &options.persistent),
        });
        for inventory in inventories {
            let inventory_root = inventory.root.canonicalize()?;
            source.inventories.push(inventory_root.join(&inventory.path));
            if inventory_root != root {
                source.add_tree(tree(inventory_root, &options.link_targets, &options.persistent));
            }
        }
        Ok(source)
    }

    /// The work with the values of its secret variables.
    fn with_secrets(&self, job: &Job) -> Result<PlaybookWork, Box<Reason>> {
        let mut work = job.request.work.as_playbook().cloned().ok_or_else(no_playbook)?;
        if work.has_secrets() {
            let encrypted = job.secrets.as_ref().ok_or_else(|| no_secrets(&JobError::SecretsGone(job.id)))?;
            let secrets = self.keys.unseal(job.id, encrypted);
            work.give_back_secrets(&secrets.map_err(|error| no_secrets(&error.into()))?);
        }
        Ok(work)
    }

    /// The preceding steps, the content itself, and their common root.
    async fn run_steps(
        &self,
        job: &Job,
        work: &PlaybookWork,
    ) -> Result<(PathBuf, Vec<RunStep>), Box<Reason>> {
        let project = work.project.as_ref();
        let content = self.catalog.locate(project, work.content.clone()).await;
        let content = content.map_err(|error| not_found(&error))?;
        let mut steps = Vec::with_capacity(work.steps());
        for step in &work.before {
            let located = self.catalog.locate(project, step.content.clone()).await;
            let located = located.map_err(|error| not_found(&error))?;
            if located.root != content.root {
                return Err(other_root(step, work));
            }
            steps.push(RunStep {
                playbook: located.path,
                options: PlaybookOptions {
                    limit: step.limit.clone(),
                    tags: step.tags.clone(),
                    start_at_task: None,
                    skip_tags: None,
                    ..playbook_options(job, work)
                },
                extra_vars: step.extra_vars.clone(),
                secret_vars: step.secret_vars.clone(),
                find: step.find.clone(),
            });
        }
        steps.push(RunStep {
            playbook: content.path,
            options: playbook_options(job, work),
            extra_vars: work.extra_vars.clone(),
            secret_vars: work.secret_vars.clone(),
            find: None,
        });
        Ok((content.root, steps))
    }
}

/// The fact cache directory of these inventories. The `@` avoids collisions, because no inventory name contains
/// one.
fn facts_key(work: &PlaybookWork) -> PathBuf {
    let project = work.project.as_ref().map(|name| format!("@{name}"));
    project.into_iter().chain([work.inventory.key()]).collect()
}

fn other_root(step: &Step, work: &PlaybookWork) -> Box<Reason> {
    let message = format!(
        "{} and {} are in different playbooks directories: the steps of a job share one",
        step.content, work.content
    );
    Box::new(Reason::new(Some(Phase::Prepare), Code::PrepareFailed, message))
}

fn playbook_options(job: &Job, work: &PlaybookWork) -> PlaybookOptions {
    let resume = job.resume.clone().unwrap_or_default();
    PlaybookOptions {
        limit: resume.limit.or_else(|| work.limit.clone()),
        start_at_task: resume.start_at_task.or_else(|| work.start_at_task.clone()),
        tags: work.tags.clone(),
        skip_tags: work.skip_tags.clone(),
        check: work.check,
        diff: work.diff,
        verbosity: work.verbosity,
        forks: work.forks,
    }
}

fn limits(job: &Job, defaults: Limits) -> Limits {
    let total = job.request.timeout_s.map_or(defaults.total, Duration::from_secs);
    Limits { total, ..defaults }
}

/// The isolation of a run: the node's minimum level, or the level of the job if that is higher.
fn isolation(work: &PlaybookWork, options: &IsolationOptions) -> Result<process::Isolation, Box<Reason>> {
    let level = work.isolation.map_or(options.least, |asked| asked.max(options.least));
    let always = options.always.clone();
    match level {
        Isolation::Process => Ok(always),
        Isolation::Sandbox => {
            let sandbox = options.sandbox.clone().ok_or_else(no_sandbox)?;
            Ok(process::Isolation { sandbox: Some(sandbox), ..always })
        }
    }
}

fn no_sandbox() -> Box<Reason> {
    let message = "the job requires a sandbox, and bubblewrap is not installed on this node\nhint: install it (Debian: apt \
                   install bubblewrap); `rangehand doctor` checks whether it works";
    Box::new(Reason::new(Some(Phase::Spawn), Code::SandboxUnavailable, message))
}

fn no_runner() -> Box<Reason> {
    let message = "there is no ansible-runner\nhint: `./start.sh` installs one; `rangehand doctor` reports where it is \
                   searched; `ansible.bin_dir` names its directory";
    Box::new(Reason::new(Some(Phase::Spawn), Code::RunnerMissing, message))
}

fn no_playbook() -> Box<Reason> {
    Box::new(Reason::new(Some(Phase::Prepare), Code::PrepareFailed, "the work of the job is no playbook"))
}

fn not_found(error: &CatalogError) -> Box<Reason> {
    let code = match error {
        CatalogError::Content(catalog::Error::NotFound { kind: model::ContentKind::Inventory, .. }) => {
            Code::InventoryNotFound
        }
        CatalogError::Content(catalog::Error::NotFound { .. }) => Code::PlaybookNotFound,
        CatalogError::Content(_)
        | CatalogError::UnknownProject { .. }
        | CatalogError::InspectionEnded { .. }
        | CatalogError::TooManyInspections
        | CatalogError::Audit(_)
        | CatalogError::Io(_)
        | CatalogError::Task(_) => Code::PrepareFailed,
    };
    Box::new(Reason::new(Some(Phase::Prepare), code, error.to_string()))
}

fn no_range(error: &RangeError) -> Box<Reason> {
    let code = match error {
        RangeError::Unknown(_) => Code::InventoryNotFound,
        _ => Code::PrepareFailed,
    };
    Box::new(Reason::new(Some(Phase::Prepare), code, error.to_string()))
}

fn no_secrets(error: &JobError) -> Box<Reason> {
    Box::new(Reason::new(Some(Phase::Prepare), Code::PrepareFailed, error.to_string()))
}
