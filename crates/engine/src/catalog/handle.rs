//! The catalog: lists and locates content. Reads of the file system run outside of the async threads.

use std::{collections::BTreeMap, sync::Arc};

use content::{
    Catalog as ContentCatalog, Toolchain,
    catalog::{self, Entry, Located},
};
use model::{ContentKind, ContentName, ContentRef, Inventories, ProjectName};
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::project::Project;
use crate::error::CatalogError;

/// Options of the catalog.
#[derive(Debug)]
pub struct CatalogOptions {
    /// Playbooks, bundles, scenarios, and inventories outside of all projects.
    pub content: ContentCatalog,
    /// Repositories with their own content.
    pub projects: BTreeMap<ProjectName, Project>,
    /// The playbooks that come with Rangehand, by the name of their project. They are not listed, and are no default.
    pub bundled: (ProjectName, Project),
    /// The inventories of a request that names none.
    pub default_inventory: Inventories,
    /// The Ansible installation and its environment.
    pub toolchain: Toolchain,
}

/// Lists and finds content; clones are cheap.
#[derive(Debug, Clone)]
pub struct Catalog(Arc<CatalogOptions>);

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The content and its path.
    #[serde(flatten)]
    pub entry: Entry,
    /// The project that contains it; `None` for content outside of all projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

impl Catalog {
    /// The catalog of this content.
    #[must_use]
    pub fn new(options: CatalogOptions) -> Self {
        Self(Arc::new(options))
    }

    /// The Ansible installation that inspects the content.
    #[must_use]
    pub fn toolchain(&self) -> &Toolchain {
        &self.0.toolchain
    }

    /// The inventories of requests that name neither a project nor inventories.
    #[must_use]
    pub fn default_inventory(&self) -> &Inventories {
        &self.0.default_inventory
    }

    /// All content of a kind, by name: of a project, or all content that a request can use without naming a
    /// project.
    ///
    /// # Errors
    /// When there is no such project, or a root cannot be read.
    pub async fn list(
        &self,
        project: Option<&ProjectName>,
        kind: ContentKind,
    ) -> Result<Vec<Listed>, CatalogError> {
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

    async fn entries(
        &self,
        project: Option<&ProjectName>,
        kind: ContentKind,
    ) -> Result<Vec<Listed>, CatalogError> {
        let catalog = self.content_of(project)?.clone();
        let entries = spawn_blocking(move || catalog.list(kind)).await??;
        Ok(entries.into_iter().map(|entry| Listed { entry, project: project.cloned() }).collect())
    }

    /// Whether every play of the content stays on one host of a group when a limit selects that host; `false` when
    /// that cannot be determined.
    pub async fn plays_on_group(&self, content: ContentRef, group: &'static str) -> bool {
        let catalog = self.0.content.clone();
        let plays = spawn_blocking(move || catalog.plays_on_group(&content, group)).await;
        matches!(plays, Ok(Ok(true)))
    }

    /// The catalog of a project, or of the content outside of all of them.
    pub(crate) fn content_of(&self, project: Option<&ProjectName>) -> Result<&ContentCatalog, CatalogError> {
        match project {
            None => Ok(&self.0.content),
            Some(name) => Ok(&self.project(name)?.catalog),
        }
    }

    pub(crate) fn project(&self, name: &ProjectName) -> Result<&Project, CatalogError> {
        let (projects, (bundled, content)) = (&self.0.projects, &self.0.bundled);
        if name == bundled {
            return Ok(content);
        }
        projects.get(name).ok_or_else(|| CatalogError::UnknownProject {
            name: name.clone(),
            known: projects.keys().cloned().collect(),
        })
    }

    /// The project, if there is just one.
    pub(crate) fn only_project(&self) -> Option<(&ProjectName, &Project)> {
        let projects = &self.0.projects;
        projects.first_key_value().filter(|_| projects.len() == 1)
    }

    /// The content outside of all projects.
    pub(super) fn shared(&self) -> &ContentCatalog {
        &self.0.content
    }

    /// Locates content on disk.
    pub(crate) async fn locate(
        &self,
        project: Option<&ProjectName>,
        content: ContentRef,
    ) -> Result<Located, CatalogError> {
        let catalog = self.content_of(project)?.clone();
        Ok(spawn_blocking(move || catalog.resolve(&content)).await??)
    }

    /// Locates inventories on disk, in the given order. A project can also use inventories outside of all projects.
    pub(crate) async fn locate_inventories<'a>(
        &self,
        project: Option<&ProjectName>,
        names: impl Iterator<Item = &'a ContentName>,
    ) -> Result<Vec<Located>, CatalogError> {
        let catalog = self.content_of(project)?.clone();
        let shared = project.map(|_| self.0.content.clone());
        let names: Vec<ContentName> = names.cloned().collect();
        let located = spawn_blocking(move || {
            let locate = |name: &ContentName| match (catalog.resolve_inventory(name), &shared) {
                (Err(error @ catalog::Error::NotFound { .. }), Some(shared)) => {
                    shared.resolve_inventory(name).map_err(|_| error)
                }
                (found, _) => found,
            };
            names.iter().map(locate).collect::<Result<Vec<_>, _>>()
        });
        Ok(located.await??)
    }
}
