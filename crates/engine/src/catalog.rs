//! The catalog, off the async threads.

use std::path::Path;

use ansible::{
    SearchPath, Toolchain,
    catalog::{Entry, Inspection, InventoryInspection},
    shipped,
    workspace::Scratch,
};
use model::{ContentKind, ContentName, ContentRef, ProjectName};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::{Engine, clock, jobs::Error};

/// The roles that come with the program, in a directory for what is looked into.
const SHIPPED_ROLES: &str = "shipped-roles";

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What it is, and where.
    #[serde(flatten)]
    pub entry: Entry,
    /// The project that has it; `None` for content outside of all projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

impl Engine {
    /// All content of a kind, by name: of a project, or of all that can be asked for without naming one.
    ///
    /// # Errors
    /// When there is no such project, or a root cannot be read.
    pub async fn list_content(
        &self,
        project: Option<&ProjectName>,
        kind: ContentKind,
    ) -> Result<Vec<Listed>, Error> {
        let mut listed = self.entries(project, kind).await?;
        let only = self.only_project().filter(|_| project.is_none() && kind != ContentKind::Inventory);
        if let Some((name, _)) = only {
            let mut more = self.entries(Some(name), kind).await?;
            more.retain(|entry| !listed.iter().any(|known| known.entry.name == entry.entry.name));
            listed.extend(more);
            listed.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
        }
        Ok(listed)
    }

    async fn entries(&self, project: Option<&ProjectName>, kind: ContentKind) -> Result<Vec<Listed>, Error> {
        let catalog = self.catalog_of(project)?.clone();
        let entries = spawn_blocking(move || catalog.list(kind)).await??;
        Ok(entries.into_iter().map(|entry| Listed { entry, project: project.cloned() }).collect())
    }

    /// What a playbook, bundle or scenario would do, and what it lacks. Programs are executed only if `executes` says so.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read.
    pub async fn inspect_content(
        &self,
        project: Option<&ProjectName>,
        content: &ContentRef,
        executes: bool,
    ) -> Result<Inspection, Error> {
        let located = self.locate(project, content.clone()).await?;
        let _turn = self.inner.inspections.acquire().await;
        let options = self.options();
        let scratch = Scratch::create(&options.runtime, &options.runs, clock::new_run_id())?;
        let mut toolchain = options.toolchain.clone();
        // Encrypted variable files must be read for the list of tasks, too.
        if let Some(password) = &options.vault_password {
            let path = scratch.write_password(password)?.to_string_lossy().into_owned();
            toolchain.environment.insert("ANSIBLE_VAULT_PASSWORD_FILE".to_owned(), path);
        }
        if !executes {
            without_password_programs(&mut toolchain, &located.root, &scratch)?;
        }
        // As a run finds them.
        let roles = scratch.path().join(SHIPPED_ROLES);
        let target = roles.clone();
        let has_roles = spawn_blocking(move || shipped::add_roles(&located.root, &target)).await??;
        let roles = has_roles.then_some(roles.as_path());
        Ok(self.catalog_of(project)?.inspect(content, &toolchain, roles).await?)
    }

    /// Groups and hosts of an inventory. Programs are executed only if `executes` says so.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read.
    pub async fn inspect_inventory(
        &self,
        project: Option<&ProjectName>,
        name: &ContentName,
        executes: bool,
    ) -> Result<InventoryInspection, Error> {
        let catalog = self.catalog_of(project)?;
        let _turn = self.inner.inspections.acquire().await;
        let options = self.options();
        let mut toolchain = options.toolchain.clone();
        let scratch = Scratch::create(&options.runtime, &options.runs, clock::new_run_id())?;
        if let (false, Some(root)) = (executes, catalog.working_directory()) {
            without_password_programs(&mut toolchain, &root, &scratch)?;
        }
        Ok(catalog.inspect_inventory(name, &toolchain, executes).await?)
    }

    /// Whether every play of the content stays on one host of a group when it is limited to it; `false` where that cannot
    /// be read.
    pub async fn plays_on_group(&self, content: ContentRef, group: &'static str) -> bool {
        let catalog = self.options().catalog.clone();
        let plays = spawn_blocking(move || catalog.plays_on_group(&content, group)).await;
        matches!(plays, Ok(Ok(true)))
    }
}

/// Where a configuration in the content says where vault passwords are.
const PASSWORD_KEYS: [&str; 2] = ["vault_password_file", "vault_identity_list"];

/// A file of vault passwords that may be executed is executed by Ansible. Where the configuration of the content names
/// files, Ansible is given a password that opens nothing instead, unless it has one.
fn without_password_programs(toolchain: &mut Toolchain, root: &Path, scratch: &Scratch) -> Result<(), Error> {
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
