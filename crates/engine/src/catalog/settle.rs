//! Resolves the project and the inventories of a request.
//!
//! A request can name a project. Otherwise the content is looked up in `paths.playbooks` and then, if it does not
//! exist there and there is exactly one project, in that project. This is decided once, when the job is accepted.

use std::path::{Path, PathBuf};

use content::{Catalog as ContentCatalog, SearchPath, catalog};
use model::{ContentKind, ContentName, Inventories, JobRequest, ProjectName};
use tokio::task::spawn_blocking;

use super::{handle::Catalog, project::Project};
use crate::error::CatalogError;

impl Catalog {
    /// Resolves the project of a request, and its inventories unless the request names them.
    ///
    /// # Errors
    /// When the request names an unknown project.
    pub async fn settle(&self, request: &mut JobRequest, names_inventory: bool) -> Result<(), CatalogError> {
        let Some(work) = request.work.as_playbook_mut() else { return Ok(()) };
        if work.project.is_none()
            && let Some((name, project)) = self.only_project()
        {
            let (classic, catalog) = (self.shared().clone(), project.catalog.clone());
            let content = work.content.clone();
            let is_its_own = spawn_blocking(move || {
                let is_missing = |catalog: &ContentCatalog| {
                    matches!(catalog.resolve(&content), Err(catalog::Error::NotFound { .. }))
                };
                is_missing(&classic) && !is_missing(&catalog)
            });
            if is_its_own.await? {
                work.project = Some(name.clone());
            }
        }
        self.content_of(work.project.as_ref())?;
        if !names_inventory {
            work.inventory = self.default_inventory_of(work.project.as_ref()).await?;
        }
        Ok(())
    }

    /// The inventories of requests that name no inventory.
    ///
    /// # Errors
    /// When the project does not exist.
    pub(crate) async fn default_inventory_of(
        &self,
        project: Option<&ProjectName>,
    ) -> Result<Inventories, CatalogError> {
        let usual = self.default_inventory().clone();
        let Some(name) = project else { return Ok(usual) };
        let project = self.project(name)?;
        if let Some(inventories) = &project.default_inventory {
            return Ok(inventories.clone());
        }
        let (project, environment) = (project.clone(), self.toolchain().environment.clone());
        let found = spawn_blocking(move || {
            let search = SearchPath::new(&environment, &project.root);
            configured(&project, &search).or_else(|| {
                let has_usual = usual.iter().all(|name| project.catalog.resolve_inventory(name).is_ok());
                let only = || match project.catalog.list(ContentKind::Inventory).ok()?.as_slice() {
                    [only] => Some(Inventories::from(only.name.clone())),
                    _ => None,
                };
                if has_usual { None } else { only() }
            })
        });
        Ok(found.await?.unwrap_or_else(|| self.default_inventory().clone()))
    }

    /// Checks that there is an inventory for requests that name neither a project nor an inventory.
    ///
    /// # Errors
    /// When there is no such inventory, or it cannot be located.
    pub async fn check_default_inventory(&self) -> Result<(), CatalogError> {
        let usual = self.locate_inventories(None, self.default_inventory().iter()).await;
        let Some((name, _)) = self.only_project().filter(|_| usual.is_err()) else { return usual.map(drop) };
        let of_project = self.default_inventory_of(Some(name)).await?;
        match self.locate_inventories(Some(name), of_project.iter()).await {
            Ok(_) => Ok(()),
            Err(_) => usual.map(drop),
        }
    }
}

/// The inventories in the configuration of a project, if all of them are in the project.
fn configured(project: &Project, search: &SearchPath) -> Option<Inventories> {
    let file = search.configuration.file.as_ref()?;
    let base = file.parent().unwrap_or(Path::new(""));
    let paths = search.configuration.paths("defaults", "inventory", ',', base)?;
    let name = |path: &PathBuf| {
        let name: ContentName = path.strip_prefix(&project.root).ok()?.to_str()?.parse().ok()?;
        project.catalog.resolve_inventory(&name).is_ok().then_some(name)
    };
    Inventories::new(paths.iter().map(name).collect::<Option<Vec<_>>>()?).ok()
}
