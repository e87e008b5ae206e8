//! Inspections: Ansible is asked what is in content, which evaluates that content.
//!
//! ```text
//! turn -> directory -> intent in the audit -> a task: Ansible, confined -> result in the audit -> turn given back
//! ```
//! The task goes on when the caller leaves, until nothing of the inspection is left: only then another one takes its turn.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use ansible::runtime::Scratch;
use content::{
    Catalog as ContentCatalog, Inspector, SearchPath, Toolchain,
    catalog::{Inspection, InventoryInspection, Means},
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

/// How many inspections may be at work at once.
const AT_ONCE: usize = 3;
/// How many of them for callers who may not run anything: they do not keep others waiting.
const OF_VIEWERS: usize = 2;
/// How long a caller waits for a turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);
/// The method that a record in the audit names.
const METHOD: &str = "INSPECT";
/// The roles that come with the program, in the directory of an inspection.
const SHIPPED_ROLES: &str = "shipped-roles";

/// For whom content is inspected, and where that is recorded.
#[derive(Debug, Clone)]
pub struct OnBehalf {
    /// Takes the records.
    pub auditor: Auditor,
    /// The caller and the request.
    pub record: AuditDraft,
    /// Whether the caller may run playbooks: only then inventory programs and programs that print passwords are executed.
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

/// The turns of inspections.
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
    /// `None` when the service stops.
    async fn permits(&self, may_run: bool) -> Option<Permits> {
        let viewer = match may_run {
            true => None,
            false => Some(self.viewers.clone().acquire_owned().await.ok()?),
        };
        Some((viewer, self.all.clone().acquire_owned().await.ok()?))
    }
}

type Permits = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);
/// Dropped when the caller leaves.
type Present = oneshot::Sender<Infallible>;

/// What an inspection holds until nothing of it is left; given back in this order.
struct Held {
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

    /// What a playbook, bundle or scenario would do, and what it lacks.
    ///
    /// # Errors
    /// When there is none of that name, it cannot be read, or a limit ended the inspection.
    pub async fn content(
        &self,
        by: &OnBehalf,
        project: Option<&ProjectName>,
        content: &ContentRef,
    ) -> Result<Inspection, CatalogError> {
        let inspection = self.look_into(by, project, content).await?;
        refuse_ended(inspection.ended.as_ref(), inspection.problem.as_deref())?;
        Ok(inspection)
    }

    /// The same as far as it is known when a limit ended the inspection.
    pub(crate) async fn look_into(
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
        held: &mut Held,
        catalog: &ContentCatalog,
        root: &Path,
        content: &ContentRef,
        may_run: bool,
    ) -> Result<Inspection, CatalogError> {
        let mut toolchain = self.0.catalog.toolchain().clone();
        // Encrypted variable files must be read for the list of tasks, too.
        if let Some(password) = &self.0.vault.password {
            let path = held.scratch.write_password(password)?.to_string_lossy().into_owned();
            toolchain.environment.insert("ANSIBLE_VAULT_PASSWORD_FILE".to_owned(), path);
        }
        if !may_run {
            without_password_programs(&mut toolchain, root, &held.scratch)?;
        }
        // As a run finds them.
        let roles = held.scratch.path().join(SHIPPED_ROLES);
        let (from, target) = (root.to_owned(), roles.clone());
        let has_roles = spawn_blocking(move || shipped::add_roles(&from, &target)).await??;
        let means = Means { toolchain: &toolchain, inspector: &self.0.inspector, turn: &mut held.turn };
        Ok(catalog.inspect(content, means, has_roles.then_some(roles.as_path())).await?)
    }

    /// Groups and hosts of an inventory.
    ///
    /// # Errors
    /// When there is none of that name, it cannot be read, or a limit ended the inspection.
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
        held: &mut Held,
        catalog: &ContentCatalog,
        name: &ContentName,
        may_run: bool,
    ) -> Result<InventoryInspection, CatalogError> {
        let mut toolchain = self.0.catalog.toolchain().clone();
        if let (false, Some(root)) = (may_run, catalog.working_directory()) {
            without_password_programs(&mut toolchain, &root, &held.scratch)?;
        }
        let means = Means { toolchain: &toolchain, inspector: &self.0.inspector, turn: &mut held.turn };
        Ok(catalog.inspect_inventory(name, means, may_run).await?)
    }

    /// Waits for a turn, and records that content is about to be inspected. The inspection ends when what comes with the turn
    /// is dropped.
    async fn take_turn(&self, by: &OnBehalf, what: String) -> Result<(Held, Present), CatalogError> {
        // Before that the service removes what its predecessor left in the place where inspections have their directories.
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
        Ok((Held { turn, scratch, record, _permits: permits }, present))
    }
}

/// Completes an inspection in a task of its own. It ends early when the caller leaves, but its directory and its turn are kept
/// until none of its processes is left.
async fn finish<T: Send + 'static>(
    inspection: impl Future<Output = Result<T, CatalogError>> + Send + 'static,
    _present: Present,
) -> Result<T, CatalogError> {
    tokio::spawn(inspection).await?
}

/// How an inspection ended: the status of the reply that shows it, none when the caller has left, and in words.
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

/// What an inspection is called in the audit.
fn described(content: &str, project: Option<&ProjectName>) -> String {
    match project {
        Some(project) => format!("{content} of project `{project}`"),
        None => content.to_owned(),
    }
}

impl Held {
    /// Records the ending; then its directory is removed and its turn is free.
    fn give_back(self, conclusion: &Conclusion) {
        self.record.conclude(conclusion);
    }
}

/// The result of an inspection, on its way to the audit. Dropped before, it says that the service stopped meanwhile.
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

/// The status of a reply that shows this ending; none when the caller has left. That content is broken is what the caller asked
/// for, and shown in a reply like any other.
const fn status(ended: &Ending) -> Option<u16> {
    match ended {
        Ending::Exit(_) | Ending::Failed(_) => Some(200),
        Ending::Output | Ending::Memory | Ending::Processes => Some(422),
        Ending::Clock => Some(504),
        Ending::CallerGone => None,
    }
}

/// Where a configuration in the content says where vault passwords are.
const PASSWORD_KEYS: [&str; 2] = ["vault_password_file", "vault_identity_list"];

/// A file of vault passwords that may be executed is executed by Ansible. Where the configuration of the content names
/// files, Ansible is given a password that opens nothing instead, unless it has one.
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
