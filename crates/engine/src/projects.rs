//! Projects: repositories whose content runs see as a whole, each under a name of its own.
//!
//! A request may name one. One that names none is about the content of `paths.playbooks`, or, when that has no content of
//! this name, about the only project there is. This is decided once, when the job is accepted.

use std::path::{Path, PathBuf};

use content::{
    Catalog, SearchPath,
    catalog::{self, Located},
};
use model::{ContentKind, ContentName, ContentRef, Inventories, JobRequest, ProjectName, Work};
use tokio::task::spawn_blocking;

use crate::{Engine, jobs::Error};

/// A repository that runs see as a whole.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its content; the one root is that of the project.
    pub catalog: Catalog,
    /// Its root.
    pub root: PathBuf,
    /// The inventories of requests that name none; `None` takes those that its `ansible.cfg` names, then
    /// [`crate::Options::default_inventory`], then the only one there is.
    pub default_inventory: Option<Inventories>,
    /// Directories outside of it that links may lead to.
    pub link_targets: Vec<PathBuf>,
    /// What later runs find again of what a run wrote.
    pub persistent: Vec<String>,
}

impl Engine {
    /// Decides what a request is about: its project, and its inventories unless it names them.
    ///
    /// # Errors
    /// When it names a project that there is not.
    pub async fn settle(&self, request: &mut JobRequest, names_inventory: bool) -> Result<(), Error> {
        let Work::Playbook(work) = &mut request.work;
        if work.project.is_none()
            && let Some((name, project)) = self.only_project()
        {
            let (classic, catalog) = (self.options().catalog.clone(), project.catalog.clone());
            let content = work.content.clone();
            let is_its_own = spawn_blocking(move || {
                let is_missing = |catalog: &Catalog| {
                    matches!(catalog.resolve(&content), Err(catalog::Error::NotFound { .. }))
                };
                is_missing(&classic) && !is_missing(&catalog)
            });
            if is_its_own.await? {
                work.project = Some(name.clone());
            }
        }
        self.catalog_of(work.project.as_ref())?;
        if !names_inventory {
            work.inventory = self.default_inventory(work.project.as_ref()).await?;
        }
        Ok(())
    }

    /// The inventories of requests that name none.
    ///
    /// # Errors
    /// When there is no such project.
    pub async fn default_inventory(&self, project: Option<&ProjectName>) -> Result<Inventories, Error> {
        let options = self.options();
        let usual = options.default_inventory.clone();
        let Some(name) = project else { return Ok(usual) };
        let project = self.project(name)?;
        if let Some(inventories) = &project.default_inventory {
            return Ok(inventories.clone());
        }
        let (project, environment) = (project.clone(), options.toolchain.environment.clone());
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
        Ok(found.await?.unwrap_or_else(|| options.default_inventory.clone()))
    }

    /// Is there an inventory for requests that name neither a project nor an inventory?
    ///
    /// # Errors
    /// When there is none, or it cannot be looked up.
    pub async fn check_default_inventory(&self) -> Result<(), Error> {
        let usual = self.locate_inventories(None, &self.options().default_inventory).await;
        let Some((name, _)) = self.only_project().filter(|_| usual.is_err()) else { return usual.map(drop) };
        let of_project = self.default_inventory(Some(name)).await?;
        match self.locate_inventories(Some(name), &of_project).await {
            Ok(_) => Ok(()),
            Err(_) => usual.map(drop),
        }
    }

    /// The catalog of a project, or of the content outside of all of them.
    pub(crate) fn catalog_of(&self, project: Option<&ProjectName>) -> Result<&Catalog, Error> {
        match project {
            None => Ok(&self.options().catalog),
            Some(name) => Ok(&self.project(name)?.catalog),
        }
    }

    pub(crate) fn project(&self, name: &ProjectName) -> Result<&Project, Error> {
        let projects = &self.options().projects;
        projects.get(name).ok_or_else(|| Error::UnknownProject {
            name: name.clone(),
            known: projects.keys().cloned().collect(),
        })
    }

    /// The project, if there is just one.
    pub(crate) fn only_project(&self) -> Option<(&ProjectName, &Project)> {
        let projects = &self.options().projects;
        projects.first_key_value().filter(|_| projects.len() == 1)
    }

    /// Where the content lies.
    pub(crate) async fn locate(
        &self,
        project: Option<&ProjectName>,
        content: ContentRef,
    ) -> Result<Located, Error> {
        let catalog = self.catalog_of(project)?.clone();
        Ok(spawn_blocking(move || catalog.resolve(&content)).await??)
    }

    /// Where the inventories lie, in their order. A project may use those outside of all projects, too.
    pub(crate) async fn locate_inventories(
        &self,
        project: Option<&ProjectName>,
        names: &Inventories,
    ) -> Result<Vec<Located>, Error> {
        let catalog = self.catalog_of(project)?.clone();
        let shared = project.map(|_| self.options().catalog.clone());
        let names: Vec<ContentName> = names.iter().cloned().collect();
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

/// The inventories that the configuration of a project names, if all of them lie in the project.
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
