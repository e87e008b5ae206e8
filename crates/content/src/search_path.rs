//! The search paths for roles and collections, shared by runs, the catalog, and everything that lists tasks.
//!
//! As in Ansible, the environment takes precedence over the configuration file, and both replace the default directories. Then
//! `roles/` and `collections/` of the working directory and of its `playbooks/` are added, which serve playbooks and bundles at
//! any depth, and at last the bundled roles.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::configuration::{self, Configuration};

/// The usual directories of roles.
const USUAL_ROLES: &[&str] = &["~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"];
/// The usual directories of collections.
const USUAL_COLLECTIONS: &[&str] = &["~/.ansible/collections", "/usr/share/ansible/collections"];
/// Below the working directory, where playbooks have what belongs to them.
const OWN: [&str; 2] = ["", "playbooks"];

/// The directories that Ansible searches, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// The configuration in force.
    pub configuration: Configuration,
    /// Directories with roles. `~` is the home directory.
    pub roles: Vec<PathBuf>,
    /// Directories with collections, likewise.
    pub collections: Vec<PathBuf>,
    /// Whether Ansible would search other directories for collections without the variable.
    tells_collections: bool,
}

impl SearchPath {
    /// What holds for Ansible when it is started in `directory` with this environment.
    #[must_use]
    pub fn new(environment: &BTreeMap<String, String>, directory: &Path) -> Self {
        Self::of_copy(environment, directory, directory)
    }

    /// The same for a copy of the directory: relative paths of its configuration that lead out of the directory lead to
    /// where they led from the original.
    #[must_use]
    pub fn of_copy(environment: &BTreeMap<String, String>, copy: &Path, original: &Path) -> Self {
        let configuration = Configuration::find(environment, copy);
        let base = configuration.file.as_deref().and_then(Path::parent).unwrap_or(copy);
        let base = if base == copy { original } else { base };
        let configured = |names: &[&str], key: &str| {
            let list = names.iter().find_map(|name| environment.get(*name));
            let list =
                list.map(|list| list.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect());
            list.or_else(|| configuration.paths("defaults", key, ':', base))
        };
        let roles = configured(&["ANSIBLE_ROLES_PATH"], "roles_path");
        let names = ["ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"];
        let collections = configured(&names, "collections_path")
            .or_else(|| configuration.paths("defaults", "collections_paths", ':', base));
        let own_collections = own(copy, original, "collections");
        Self {
            tells_collections: collections.is_some() || !own_collections.is_empty(),
            // `roles/` counts even if it does not exist: a step can create it.
            roles: joined(
                roles,
                std::iter::once(original.join("roles")).chain(own(copy, original, "roles")),
                USUAL_ROLES,
            ),
            collections: joined(collections, own_collections, USUAL_COLLECTIONS),
            configuration,
        }
    }

    /// The same with other paths, where the run sees content at other paths.
    #[must_use]
    pub fn moved(mut self, place: impl Fn(PathBuf) -> PathBuf) -> Self {
        self.roles = self.roles.into_iter().map(&place).collect();
        self.collections = self.collections.into_iter().map(&place).collect();
        self
    }

    /// The environment variables that pass the search path to Ansible; `shipped` has the bundled roles.
    #[must_use]
    pub fn variables(&self, shipped: Option<&Path>) -> Vec<(&'static str, OsString)> {
        let list = |paths: &mut dyn Iterator<Item = &Path>| {
            paths.map(Path::as_os_str).collect::<Vec<_>>().join(":".as_ref())
        };
        let roles = list(&mut self.roles.iter().map(PathBuf::as_path).chain(shipped));
        let mut variables = vec![("ANSIBLE_ROLES_PATH", roles)];
        if self.tells_collections {
            let collections = list(&mut self.collections.iter().map(PathBuf::as_path));
            variables.push(("ANSIBLE_COLLECTIONS_PATH", collections));
        }
        variables
    }

    /// The directories of a list with `~` and relative beginnings resolved.
    #[must_use]
    pub fn expanded(list: &[PathBuf], home: Option<&Path>, directory: &Path) -> Vec<PathBuf> {
        list.iter().map(|path| configuration::expanded(path, home, directory)).collect()
    }
}

/// The directories of this name that belong to the working directory.
fn own(copy: &Path, original: &Path, name: &str) -> Vec<PathBuf> {
    let is_there = |below: &&&str| copy.join(below).join(name).is_dir();
    OWN.iter().filter(is_there).map(|below| original.join(below).join(name)).collect()
}

/// Configured directories first, then those of the directory itself, then the usual ones, which a configured list replaces.
fn joined(
    configured: Option<Vec<PathBuf>>,
    own: impl IntoIterator<Item = PathBuf>,
    usual: &[&str],
) -> Vec<PathBuf> {
    let usual = if configured.is_none() { usual } else { &[] };
    let all = configured.into_iter().flatten().chain(own).chain(usual.iter().map(PathBuf::from));
    let mut list: Vec<PathBuf> = Vec::new();
    for path in all {
        if !list.contains(&path) {
            list.push(path);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn shown(paths: &[PathBuf], root: &Path) -> Vec<String> {
        let shown = |path: &PathBuf| path.to_string_lossy().replace(&*root.to_string_lossy(), "R");
        paths.iter().map(shown).collect()
    }

    #[test]
    fn explicit_values_are_kept_and_that_of_the_root_is_added() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let mut environment = BTreeMap::from([("HOME".to_owned(), "/home/none".to_owned())]);
        let plain = SearchPath::new(&environment, root);
        assert_eq!(
            shown(&plain.roles, root),
            ["R/roles", "~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"]
        );
        assert!(!plain.variables(None).iter().any(|(name, _)| *name == "ANSIBLE_COLLECTIONS_PATH"));

        fs::create_dir_all(root.join("playbooks/roles")).expect("made");
        fs::create_dir_all(root.join("collections")).expect("made");
        fs::write(root.join("ansible.cfg"), "[defaults]\nroles_path = ../shared:roles\n").expect("written");
        let configured = SearchPath::new(&environment, root);
        let parent = root.parent().expect("below another").join("shared");
        assert_eq!(
            shown(&configured.roles, root),
            [&*parent.to_string_lossy(), "R/roles", "R/playbooks/roles"]
        );
        assert_eq!(
            shown(&configured.collections, root),
            ["R/collections", "~/.ansible/collections", "/usr/share/ansible/collections"]
        );
        let variables = configured.variables(Some(Path::new("/shipped")));
        assert!(variables[0].1.to_string_lossy().ends_with("/playbooks/roles:/shipped"), "{variables:?}");

        environment.insert("ANSIBLE_ROLES_PATH".to_owned(), "/a:/b".to_owned());
        let configured = SearchPath::new(&environment, root);
        assert_eq!(shown(&configured.roles, root), ["/a", "/b", "R/roles", "R/playbooks/roles"]);
    }

    #[test]
    fn a_copy_searches_where_the_original_searches() {
        let directory = tempfile::tempdir().expect("a directory");
        let copy = directory.path();
        fs::create_dir(copy.join("collections")).expect("made");
        fs::write(copy.join("ansible.cfg"), "[defaults]\nroles_path = ../shared:roles\n").expect("written");
        let environment = BTreeMap::from([("HOME".to_owned(), "/home/none".to_owned())]);
        let search = SearchPath::of_copy(&environment, copy, Path::new("/srv/site"));
        let moved = search.moved(|path| match path.strip_prefix("/srv/site") {
            Ok(inside) => Path::new("/copy").join(inside),
            Err(_) => path,
        });
        assert_eq!(shown(&moved.roles, copy), ["/srv/shared", "/copy/roles"]);
        assert_eq!(moved.collections[0], Path::new("/copy/collections"));
    }
}
