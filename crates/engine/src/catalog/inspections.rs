//! Inspections: Ansible lists the tasks or hosts of content, which evaluates that content.
//!
//! ```text
//! turn -> directory -> intent in the audit log -> a task: Ansible, confined -> result in the audit log -> turn released
//! ```
//! If the caller disconnects, the task continues until no process of the inspection is left. Only then is its turn
//! free.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use ansible::runtime::Scratch;
use content::{
    Catalog as ContentCatalog, Inspector, SearchPath, Toolchain,
    catalog::{Inspection, InventoryInspection, Tools},
    inspector::{Ending, Turn},
    shipped,
};
use model::{AuditDraft, AuditKind, ContentName, ContentRef, ProjectName};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use super::handle::Catalog;
use crate::{
    audit::Auditor,
    clock,
    error::CatalogError,
    options::{Directories, Vault},
    readiness::Readiness,
};

/// Maximum number of concurrent inspections.
const AT_ONCE: usize = 3;
/// Maximum number of those for callers who cannot run jobs, so that other callers need not wait for them.
const OF_VIEWERS: usize = 2;
/// How long a caller waits for a turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);
/// The method in audit entries of inspections.
const METHOD: &str = "INSPECT";
/// The directory of the bundled roles within the scratch directory of an inspection.
const SHIPPED_ROLES: &str = "shipped-roles";

/// The caller of an inspection, and the audit log that records it.
#[derive(Debug, Clone)]
pub struct OnBehalf {
    /// Records the inspection.
    pub auditor: Auditor,
    /// The caller and the request.
    pub record: AuditDraft,
    /// Whether the caller can run playbooks. Only then are inventory scripts and password programs executed.
    pub may_run: bool,
}

/// Inspects content; clones share the turns.
#[derive(Debug, Clone)]
pub struct Inspections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    catalog: Catalog,
    inspector: Inspector,
    vault: Vault,
    directories: Directories,
    readiness: Readiness,
    turns: Turns,
}

/// Limits on concurrent inspections.
#[derive(Debug)]
struct Turns {
    all: Arc<Semaphore>,
    viewers: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), viewers: Arc::new(Semaphore::new(OF_VIEWERS)) }
    }
}

impl Turns {
    /// Waits for a turn. Returns `None` when the service stops.
    async fn permits(&self, may_run: bool) -> Option<Permits> {
        let viewer = match may_run {
            true => None,
            false => Some(self.viewers.clone().acquire_owned().await.ok()?),
        };
        Some((viewer, self.all.clone().acquire_owned().await.ok()?))
    }
}

type Permits = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);
/// Dropped when the caller disconnects.
type Present = oneshot::Sender<Infallible>;

/// Everything that an inspection holds until no process of it is left. The fields are released in this order.
struct InspectionResources {
    turn: Turn,
    scratch: Scratch,
    record: Record,
    _permits: Permits,
}

impl Inspections {
    pub(crate) fn new(
        catalog: Catalog,
        inspector: Inspector,
        vault: Vault,
        directories: Directories,
        readiness: Readiness,
    ) -> Self {
        let turns = Turns::default();
        Self(Arc::new(Inner { catalog, inspector, vault, directories, readiness, turns }))
    }

    /// The tasks of a playbook, bundle, or scenario, and the requirements that are missing.
    ///
    /// # Errors
    /// When the content does not exist or cannot be read, or a limit ended the inspection.
    pub async fn content(
        &self,
        by: &OnBehalf,
        project: Option<&ProjectName>,
        content: &ContentRef,
    ) -> Result<Inspection, CatalogError> {
        let inspection = self.inspect(by, project, content).await?;
        refuse_ended(inspection.ended.as_ref(), inspection.problem.as_deref())?;
        Ok(inspection)
    }

    /// Like [`Self::content`], but returns the partial result when a limit ended the inspection.
    pub(crate) async fn inspect(
        &self,
        by: &OnBehalf,
        project: Option<&ProjectName>,
        content: &ContentRef,
    ) -> Result<Inspection, CatalogError> {
        let located = self.0.catalog.locate(project, content.clone()).await?;
        let catalog = self.0.catalog.content_of(project)?.clone();
        let (mut held, present) = self.take_turn(by, described(&content.to_string(), project)).await?;
        let (inspections, content, may_run) = (self.clone(), content.clone(), by.may_run);
        let inspection = async move {
            let inspection =
                inspections.list_tasks(&mut held, &catalog, &located.root, &content, may_run).await;
            held.give_back(&concluded(&inspection, |inspection| inspection.ended.as_ref()));
            inspection
        };
        finish(inspection, present).await
    }

    async fn list_tasks(
        &self,
        held: &mut InspectionResources,
        catalog: &ContentCatalog,
        root: &Path,
        content: &ContentRef,
        may_run: bool,
    ) -> Result<Inspection, CatalogError> {
        let mut toolchain = self.0.catalog.toolchain().clone();
        // The list of tasks also requires encrypted variable files to be readable.
        if let Some(password) = &self.0.vault.password {
            let path = held.scratch.write_password(password)?.to_string_lossy().into_owned();
            toolchain.environment.insert("ANSIBLE_VAULT_PASSWORD_FILE".to_owned(), path);
        }
        if !may_run {
            without_password_programs(&mut toolchain, root, &held.scratch)?;
        }
        // A run adds the bundled roles in the same way.
        let roles = held.scratch.path().join(SHIPPED_ROLES);
        let (from, target) = (root.to_owned(), roles.clone());
        let has_roles = spawn_blocking(move || shipped::add_roles(&from, &target)).await??;
        let means = Tools { toolchain: &toolchain, inspector: &self.0.inspector, turn: &mut held.turn };
        Ok(catalog.inspect(content, means, has_roles.then_some(roles.as_path())).await?)
    }

    /// The groups and hosts of an inventory.
    ///
    /// # Errors
    /// When the inventory does not exist or cannot be read, or a limit ended the inspection.
    pub async fn inventory(
        &self,
        by: &OnBehalf,
        project: Option<&ProjectName>,
        name: &ContentName,
    ) -> Result<InventoryInspection, CatalogError> {
        let (catalog, name) = (self.0.catalog.content_of(project)?.clone(), name.clone());
        let (finding, wanted) = (catalog.clone(), name.clone());
        spawn_blocking(move || finding.resolve_inventory_to_inspect(&wanted)).await??;
        let (mut held, present) =
            self.take_turn(by, described(&format!("inventory `{name}`"), project)).await?;
        let (inspections, may_run) = (self.clone(), by.may_run);
        let inspection = async move {
            let inspection = inspections.list_hosts(&mut held, &catalog, &name, may_run).await;
            held.give_back(&concluded(&inspection, |inspection| inspection.ended.as_ref()));
            inspection
        };
        let inspection = finish(inspection, present).await?;
        refuse_ended(inspection.ended.as_ref(), inspection.problem.as_deref())?;
        Ok(inspection)
    }

    async fn list_hosts(
        &self,
        held: &mut InspectionResources,
        catalog: &ContentCatalog,
        name: &ContentName,
        may_run: bool,
    ) -> Result<InventoryInspection, CatalogError> {
        let mut toolchain = self.0.catalog.toolchain().clone();
        if let (false, Some(root)) = (may_run, catalog.working_directory()) {
            without_password_programs(&mut toolchain, &root, &held.scratch)?;
        }
        let means = Tools { toolchain: &toolchain, inspector: &self.0.inspector, turn: &mut held.turn };
        Ok(catalog.inspect_inventory(name, means, may_run).await?)
    }

    /// Waits for a turn, and records that content is about to be inspected. The inspection ends when the returned
    /// sender is dropped.
    async fn take_turn(
        &self,
        by: &OnBehalf,
        what: String,
    ) -> Result<(InspectionResources, Present), CatalogError> {
        // Until recovery has finished, the service removes leftovers of its predecessor from the directory that
        // inspections use.
        let is_recovered = self.0.readiness.is_recovered_within(TURN_TIMEOUT).await;
        let permits = timeout(TURN_TIMEOUT, self.0.turns.permits(by.may_run)).await;
        let (true, Ok(Some(permits))) = (is_recovered, permits) else {
            return Err(CatalogError::TooManyInspections);
        };
        let directories = &self.0.directories;
        let id = clock::new_run_id();
        let scratch = Scratch::create(&directories.runtime, &directories.runs, id)?;
        let (present, gone) = oneshot::channel::<Infallible>();
        let turn = Turn { id: id.to_string(), own: scratch.path().to_owned(), gone };
        let intent = AuditDraft {
            time: clock::now(),
            kind: AuditKind::Intent,
            method: METHOD.to_owned(),
            route: what,
            ..by.record.clone()
        };
        let number = by.auditor.store(intent.clone()).await?;
        let result = AuditDraft { kind: AuditKind::Result, intent: Some(number), ..intent };
        let record = Record { auditor: by.auditor.clone(), result: Some(result) };
        Ok((InspectionResources { turn, scratch, record, _permits: permits }, present))
    }
}

/// Runs an inspection in its own task. It ends early when the caller disconnects, but its directory and its turn
/// are kept until none of its processes is left.
async fn finish<T: Send + 'static>(
    inspection: impl Future<Output = Result<T, CatalogError>> + Send + 'static,
    _present: Present,
) -> Result<T, CatalogError> {
    tokio::spawn(inspection).await?
}

/// The outcome of an inspection: the status of the response (`None` when the caller disconnected), and a
/// description.
type Conclusion = (Option<u16>, String);

fn concluded<T>(inspection: &Result<T, CatalogError>, of: impl Fn(&T) -> Option<&Ending>) -> Conclusion {
    match inspection.as_ref().map(of) {
        Ok(Some(ended)) => (status(ended), ended.to_string()),
        Ok(None) => (Some(200), "Ansible was not executed".to_owned()),
        Err(error) => (Some(500), Ending::Failed(error.to_string()).to_string()),
    }
}

fn refuse_ended(ended: Option<&Ending>, problem: Option<&str>) -> Result<(), CatalogError> {
    match ended {
        Some(ended) if ended.is_limit() => Err(CatalogError::InspectionEnded {
            is_time: *ended == Ending::Clock,
            why: problem.unwrap_or_default().to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The description of an inspection in the audit log.
fn described(content: &str, project: Option<&ProjectName>) -> String {
    match project {
        Some(project) => format!("{content} of project `{project}`"),
        None => content.to_owned(),
    }
}

impl InspectionResources {
    /// Records the outcome; then the directory is removed and the turn is free.
    fn give_back(self, conclusion: &Conclusion) {
        self.record.conclude(conclusion);
    }
}

/// The pending result of an inspection. If it is dropped before, it records that the service stopped during the
/// inspection.
struct Record {
    auditor: Auditor,
    result: Option<AuditDraft>,
}

impl Record {
    fn conclude(mut self, conclusion: &Conclusion) {
        self.write(conclusion);
    }

    fn write(&mut self, (status, how): &Conclusion) {
        if let Some(result) = self.result.take() {
            let route = format!("{}: {how}", result.route);
            self.auditor.hand_over(AuditDraft { time: clock::now(), route, status: *status, ..result });
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(&(None, Ending::CallerGone.to_string()));
    }
}

/// The status of the response for this ending; `None` when the caller disconnected. Broken content is a regular
/// result of an inspection, so it does not change the status.
const fn status(ended: &Ending) -> Option<u16> {
    match ended {
        Ending::Exit(_) | Ending::Failed(_) => Some(200),
        Ending::Output | Ending::Memory | Ending::Processes => Some(422),
        Ending::Clock => Some(504),
        Ending::CallerGone => None,
    }
}

/// Configuration keys that can name files with vault passwords.
const PASSWORD_KEYS: [&str; 2] = ["vault_password_file", "vault_identity_list"];

/// Ansible executes a vault password file that is executable. When the configuration of the content names password
/// files and no vault password is set, Ansible gets a password that decrypts nothing instead.
fn without_password_programs(
    toolchain: &mut Toolchain,
    root: &Path,
    scratch: &Scratch,
) -> Result<(), CatalogError> {
    let search = SearchPath::new(&toolchain.environment, root);
    if PASSWORD_KEYS.iter().all(|key| search.configuration.get("defaults", key).is_none()) {
        return Ok(());
    }
    let environment = &mut toolchain.environment;
    let path = match environment.get("ANSIBLE_VAULT_PASSWORD_FILE") {
        Some(path) => path.clone(),
        None => scratch.write_password(&"none".into())?.to_string_lossy().into_owned(),
    };
    environment.entry("ANSIBLE_VAULT_IDENTITY_LIST".to_owned()).or_insert_with(|| format!("none@{path}"));
    environment.insert("ANSIBLE_VAULT_PASSWORD_FILE".to_owned(), path);
    Ok(())
}
