//! The catalog, a read-only view of the content on disk: playbooks, bundles, scenarios, and inventories.
//!
//! It lists content, resolves a checked name to a file below its root, and describes its contents. Three rules prevent a name
//! from reaching other files:
//!
//! 1. A [`ContentName`] can't contain `..`, be hidden, or be absolute.
//! 2. The file is opened beneath its root ([`Root`]). A symbolic link that leaves the root is rejected, on the path to the file
//!    and, for bundles, scenarios, and inventory directories, anywhere inside them. Dangling links are ignored. Links that
//!    stay inside the root are followed.
//! 3. The result is a path, and paths can be swapped after the check. Runs therefore never use it: the copy of the tree is made
//!    from descriptors of [`open_beneath`], which the kernel checks as it opens them, and the run sees only that copy. The
//!    checks here reject bad names early, with a clear error. The descriptors are the protection.
//!
//! Functions that are not `async` block on the file system. Nothing is cached. Variables, vaults, and copies, which a run needs
//! as well, are not here.

mod beneath;
mod entries;
mod error;
mod glob;
mod graph;
mod hosts;
mod inspect;
mod inspection;
mod inventory;
mod list;
mod listing;
mod places;
mod playbook;
mod program;
mod prompts;
mod resolve;
mod scan;
mod search;
mod shape;
mod tasks;
mod yaml;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use model::{ContentKind, ContentName};

pub use beneath::{Error as BeneathError, Root, open_beneath};
pub use error::Error;
pub use glob::{BadGlob, Glob};
pub use inspection::{
    Inspection, InventoryGroup, InventoryInspection, MissingFile, Play, Prompt, PromptKind, Task,
};
pub use places::Places;
pub use playbook::has_playbook;
pub use program::Tools;
pub use resolve::Located;

use beneath::Opening;

/// The locations of content.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The directories that hold playbooks, `bundles/` and `scenarios/`: the local one, then the public one.
    /// The first that has a name wins. One that does not exist holds nothing.
    pub playbooks_roots: Vec<PathBuf>,
    /// The playbooks root that is searched first for `bundles/` and `scenarios/`. Operators who configure a separate tree of
    /// bundles expect its bundles to win.
    pub bundles_root: Option<PathBuf>,
    /// The directory that holds inventories. One that does not exist holds nothing.
    pub inventory_root: PathBuf,
    /// Names of files and directories that are never listed, including everything below them. They can still be
    /// requested by name.
    pub exclude: Vec<String>,
    /// Directories outside of the roots that links in them may lead to.
    pub link_targets: Vec<PathBuf>,
    /// The programs below the inventory root that are inventories.
    pub inventory_scripts: Vec<Glob>,
    /// The directories of a root that contain content.
    pub places: Places,
}

/// The catalog of one set of roots; clones are cheap and equal.
#[derive(Debug, Clone)]
pub struct Catalog {
    options: Arc<Options>,
    opening: Opening,
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The name of the content.
    pub name: ContentName,
    /// What it is.
    pub kind: ContentKind,
    /// The position of its root among [`Options::playbooks_roots`]; 0 for an inventory.
    pub root: usize,
    /// The file, or the inventory directory, relative to that root.
    pub path: PathBuf,
}

impl Catalog {
    /// A catalog of these roots. Doesn't access them.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options: Arc::new(options), opening: Opening::offered() }
    }

    /// The directory in which Ansible is started for content of the first root that exists: its configuration holds for
    /// inventories, too.
    #[must_use]
    pub fn working_directory(&self) -> Option<PathBuf> {
        self.options
            .playbooks_roots
            .iter()
            .find_map(|root| root.canonicalize().ok().filter(|root| root.is_dir()))
    }

    /// The directories in which this kind of content is searched, first hit first.
    fn roots(&self, kind: ContentKind) -> &[PathBuf] {
        match kind {
            ContentKind::Playbook | ContentKind::Bundle | ContentKind::Scenario => {
                &self.options.playbooks_roots
            }
            ContentKind::Inventory => std::slice::from_ref(&self.options.inventory_root),
        }
    }

    /// The same with their positions, in the order in which a name is searched.
    fn search_order(&self, kind: ContentKind, name: &ContentName) -> Vec<(usize, &PathBuf)> {
        let in_a_tree = match kind {
            ContentKind::Bundle | ContentKind::Scenario => true,
            ContentKind::Playbook => {
                self.options.places.trees().any(|tree| std::path::Path::new(name.as_str()).starts_with(tree))
            }
            ContentKind::Inventory => false,
        };
        let mut order: Vec<_> = self.roots(kind).iter().enumerate().collect();
        if let Some(first) = self.options.bundles_root.as_ref().filter(|_| in_a_tree) {
            order.sort_by_key(|(_, root)| *root != first);
        }
        order
    }

    fn open_root(&self, directory: &std::path::Path) -> Result<Option<Root>, BeneathError> {
        match Root::open_by(directory, self.opening) {
            Ok(root) => Ok(Some(root.with_targets(&self.options.link_targets))),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
