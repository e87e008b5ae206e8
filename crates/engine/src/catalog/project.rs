//! Projects: repositories whose content runs see as a whole, each under a name of its own.

use std::path::PathBuf;

use content::Catalog as ContentCatalog;
use model::Inventories;

/// A repository that runs see as a whole.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its content; the one root is that of the project.
    pub catalog: ContentCatalog,
    /// Its root.
    pub root: PathBuf,
    /// The inventories of requests that name none; `None` takes those that its `ansible.cfg` names, then
    /// [`crate::CatalogOptions::default_inventory`], then the only one there is.
    pub default_inventory: Option<Inventories>,
    /// Directories outside of it that links may lead to.
    pub link_targets: Vec<PathBuf>,
    /// What later runs find again of what a run wrote.
    pub persistent: Vec<String>,
}
