//! Finds roles and collections in the directories that Ansible searches.
//!
//! In addition to the directories of the [`SearchPath`], these are the ones next to the playbook and, for collections, those
//! that are installed with Ansible itself.

use std::path::{Path, PathBuf};

use super::Root;
use crate::{search_path::SearchPath, shipped, toolchain::Toolchain};

/// Collections that are part of Ansible.
const BUILT_IN: &[&str] = &["ansible.builtin", "ansible.legacy"];

/// The directories that are searched for one root and one toolchain.
#[derive(Debug)]
pub(super) struct SearchPaths<'a> {
    root: &'a Root,
    roles: Vec<PathBuf>,
    collections: Vec<PathBuf>,
}

impl<'a> SearchPaths<'a> {
    pub(super) fn new(root: &'a Root, toolchain: &Toolchain) -> Self {
        let search = SearchPath::new(&toolchain.environment, root.path());
        let home = toolchain.environment.get("HOME").map(PathBuf::from);
        let all = |list: &[PathBuf]| SearchPath::expanded(list, home.as_deref(), root.path());
        let mut collections = all(&search.collections);
        collections.extend(site_packages(toolchain));
        Self { root, roles: all(&search.roles), collections }
    }

    /// Whether a role exists: by name, by path, or as `namespace.collection.role`.
    pub(super) fn has_role(&self, name: &str, playbook_directory: &Path) -> bool {
        let beside = [playbook_directory.join("roles"), playbook_directory.to_owned()];
        beside.iter().any(|directory| self.root.is_directory(&directory.join(name)))
            || self.roles.iter().any(|directory| directory.join(name).is_dir())
            || Path::new(name).is_absolute() && Path::new(name).is_dir()
            || shipped::has_role(name)
            || self.has_collection_role(name, playbook_directory)
    }

    fn has_collection_role(&self, name: &str, playbook_directory: &Path) -> bool {
        let mut parts = name.splitn(3, '.');
        let (Some(namespace), Some(collection), Some(role)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let inside = Path::new(namespace).join(collection).join("roles").join(role.replace('.', "/"));
        self.has_below_collections(&inside, playbook_directory)
    }

    /// Whether a collection, `namespace.collection`, exists.
    pub(super) fn has_collection(&self, name: &str, playbook_directory: &Path) -> bool {
        BUILT_IN.contains(&name)
            || self.has_below_collections(Path::new(&name.replace('.', "/")), playbook_directory)
    }

    fn has_below_collections(&self, inside: &Path, playbook_directory: &Path) -> bool {
        let inside = Path::new("ansible_collections").join(inside);
        self.root.is_directory(&playbook_directory.join("collections").join(&inside))
            || self.collections.iter().any(|directory| directory.join(&inside).is_dir())
    }
}

/// The Python package directories next to `ansible-playbook`, where the `ansible` package puts collections.
fn site_packages(toolchain: &Toolchain) -> Vec<PathBuf> {
    let Some(program) = toolchain.program("ansible-playbook") else { return Vec::new() };
    let program = program.canonicalize().unwrap_or(program);
    let Some(library) = program.ancestors().nth(2).map(|prefix| prefix.join("lib")) else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(library) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python"))
        .flat_map(|entry| ["site-packages", "dist-packages"].map(|name| entry.path().join(name)))
        .collect()
}
