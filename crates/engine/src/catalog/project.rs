//! Projects: named repositories whose content is available to runs as a whole.

use std::path::PathBuf;

use content::Catalog as ContentCatalog;
use model::Inventories;

/// A repository that is available to runs as a whole.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its content, with the project root as the only content root.
    pub catalog: ContentCatalog,
    /// The root directory.
    pub root: PathBuf,
    /// The inventories of requests that name none. With `None`, these are the inventories that its `ansible.cfg`
    /// names, then [`crate::CatalogOptions::default_inventory`], then its only inventory.
    pub default_inventory: Option<Inventories>,
    /// Directories outside of it that links may lead to.
    pub link_targets: Vec<PathBuf>,
    /// Paths that are kept between runs.
    pub persistent: Vec<String>,
}
