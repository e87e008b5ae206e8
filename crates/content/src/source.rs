//! The sources of a run's content: directory trees, inventories, and a file of encrypted variables.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a run's content comes from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Source {
    /// Directory trees that the run sees, each at its own path. None is below another.
    pub trees: Vec<Tree>,
    /// Absolute: where Ansible is started; in one of the trees.
    pub working_directory: PathBuf,
    /// Absolute paths of the inventories, passed to Ansible as `-i` in this order.
    pub inventories: Vec<PathBuf>,
    /// Encrypted variables for the run.
    pub vault: Option<PathBuf>,
    /// The maximum size that is kept in memory, in bytes.
    pub in_memory_bytes: u64,
}

/// A directory tree of content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Its root, absolute and without links on the way.
    pub root: PathBuf,
    /// Names that are left out.
    pub exclude: Vec<String>,
    /// Directories outside of it that links may lead to.
    pub link_targets: Vec<PathBuf>,
    /// Paths relative to the root, or names at any depth, that are kept between runs.
    pub persistent: Vec<String>,
}

impl Source {
    /// Adds a tree, unless a present one contains it. Removes trees that it contains.
    pub fn add_tree(&mut self, tree: Tree) {
        if self.trees.iter().any(|known| tree.root.starts_with(&known.root)) {
            return;
        }
        self.trees.retain(|known| !known.root.starts_with(&tree.root));
        self.trees.push(tree);
    }
}
