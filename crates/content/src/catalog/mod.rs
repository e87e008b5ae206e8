//! The read-only view of the content on disk: playbooks, bundles, scenarios and inventories.
//!
//! It lists them, finds a checked name as a file below its root, and says what is in them. Three rules keep
//! a name from reaching anything else:
//!
//! 1. A [`ContentName`] cannot climb, hide or be absolute.
//! 2. What it leads to is opened beneath its root ([`Root`]); a symbolic link that leads out is refused, on
//!    the way to the file and, for bundles, scenarios and inventory directories, anywhere inside them.
//!    Dangling links are ignored, links that stay inside the root are followed.
//! 3. An answer is a path, and paths can be swapped after the check. So a run never uses it: the private copy
//!    of the tree is made from descriptors that [`open_beneath`] gives, each checked by the kernel in the call
//!    that opens it, and the run sees nothing but that copy. The checks made here give the early, clear
//!    refusal; the descriptors give the safety.
//!
//! Functions that are not `async` block on the file system. Nothing is cached: the disk is the truth. What a
//! run needs besides names (variables, vault, copies) is not here.

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
pub use program::Means;
pub use resolve::Located;

use beneath::Opening;

/// Where content lies.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The directories that hold playbooks, `bundles/` and `scenarios/`: the local one, then the public one.
    /// The first that has a name wins. One that does not exist holds nothing.
    pub playbooks_roots: Vec<PathBuf>,
    /// The one of them that is searched first for what lies in `bundles/` and `scenarios/`: whoever names a tree of
    /// bundles of their own wants those.
    pub bundles_root: Option<PathBuf>,
    /// The directory that holds inventories. One that does not exist holds nothing.
    pub inventory_root: PathBuf,
    /// Names of files and directories that are never listed, nor is anything below them. They can still be
    /// asked for by name.
    pub exclude: Vec<String>,
    /// Directories outside of the roots that links in them may lead to.
    pub link_targets: Vec<PathBuf>,
    /// The programs below the inventory root that are inventories.
    pub inventory_scripts: Vec<Glob>,
    /// Where in a root its content lies.
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
    /// The name by which it is asked for.
    pub name: ContentName,
    /// What it is.
    pub kind: ContentKind,
    /// The position of its root among [`Options::playbooks_roots`]; 0 for an inventory.
    pub root: usize,
    /// The file, or the inventory directory, relative to that root.
    pub path: PathBuf,
}

impl Catalog {
    /// A catalog of these roots. Touches none of them.
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
