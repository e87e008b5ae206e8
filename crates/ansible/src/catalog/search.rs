//! Where Ansible looks for roles and collections.
//!
//! As Ansible does, the environment wins over `ansible.cfg`, and both replace the default directories. Beside
//! them come the directories next to the playbook and, for collections, those installed with Ansible itself.

use std::path::{Path, PathBuf};

use super::Root;
use crate::Toolchain;

/// The default directories of roles, after `~/.ansible/roles`.
const ROLE_DEFAULTS: &[&str] = &["/usr/share/ansible/roles", "/etc/ansible/roles"];

/// The default directories of collections, after `~/.ansible/collections`.
const COLLECTION_DEFAULTS: &[&str] = &["/usr/share/ansible/collections"];

/// Collections that are part of Ansible.
const BUILT_IN: &[&str] = &["ansible.builtin", "ansible.legacy"];

/// The file that configures Ansible in a directory.
const CONFIGURATION: &str = "ansible.cfg";

/// The directories that are searched for one playbooks root and one toolchain.
#[derive(Debug)]
pub(super) struct SearchPaths<'a> {
    root: &'a Root,
    roles: Vec<PathBuf>,
    collections: Vec<PathBuf>,
}

impl<'a> SearchPaths<'a> {
    pub(super) fn new(root: &'a Root, toolchain: &Toolchain) -> Self {
        let configuration = Configuration::read(root, toolchain);
        let roles = configuration.directories(&["ANSIBLE_ROLES_PATH"], "roles_path", "roles", ROLE_DEFAULTS);
        let names = ["ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"];
        let mut collections =
            configuration.directories(&names, "collections_path", "collections", COLLECTION_DEFAULTS);
        collections.extend(site_packages(toolchain));
        Self { root, roles, collections }
    }

    /// Whether a role is there: by name, by path, or as `namespace.collection.role`.
    pub(super) fn has_role(&self, name: &str, playbook_directory: &Path) -> bool {
        let beside =
            [playbook_directory.join("roles"), playbook_directory.to_owned(), PathBuf::from("roles")];
        beside.iter().any(|directory| self.root.is_directory(&directory.join(name)))
            || self.roles.iter().any(|directory| directory.join(name).is_dir())
            || Path::new(name).is_absolute() && Path::new(name).is_dir()
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

    /// Whether a collection, `namespace.collection`, is there.
    pub(super) fn has_collection(&self, name: &str, playbook_directory: &Path) -> bool {
        BUILT_IN.contains(&name)
            || self.has_below_collections(Path::new(&name.replace('.', "/")), playbook_directory)
    }

    fn has_below_collections(&self, inside: &Path, playbook_directory: &Path) -> bool {
        let inside = Path::new("ansible_collections").join(inside);
        let beside = [playbook_directory.join("collections"), PathBuf::from("collections")];
        beside.iter().any(|directory| self.root.is_directory(&directory.join(&inside)))
            || self.collections.iter().any(|directory| directory.join(&inside).is_dir())
    }
}

/// What the environment and `ansible.cfg` say, read once.
struct Configuration<'a> {
    toolchain: &'a Toolchain,
    home: Option<PathBuf>,
    /// The text of `ansible.cfg` and the directory that its relative paths start from.
    file: (String, PathBuf),
}

impl<'a> Configuration<'a> {
    /// Reads the first of: `ANSIBLE_CONFIG`, the root's `ansible.cfg`, `~/.ansible.cfg`, the system's.
    fn read(root: &Root, toolchain: &'a Toolchain) -> Self {
        let home = toolchain.environment.get("HOME").map(PathBuf::from);
        let candidates = [
            toolchain.environment.get("ANSIBLE_CONFIG").map(PathBuf::from),
            Some(root.path().join(CONFIGURATION)),
            home.as_ref().map(|home| home.join(".ansible.cfg")),
            Some(Path::new("/etc/ansible").join(CONFIGURATION)),
        ];
        let file = candidates.into_iter().flatten().find_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some((text, path.parent().unwrap_or(Path::new("")).to_owned()))
        });
        Self { toolchain, home, file: file.unwrap_or_default() }
    }

    fn directories(&self, names: &[&str], key: &str, below_home: &str, defaults: &[&str]) -> Vec<PathBuf> {
        if let Some(list) = names.iter().find_map(|name| self.toolchain.environment.get(*name)) {
            return self.split(list, Path::new(""));
        }
        if let Some(list) = setting(&self.file.0, key) {
            return self.split(list, &self.file.1);
        }
        let home = self.home.iter().map(|home| home.join(".ansible").join(below_home));
        home.chain(defaults.iter().map(PathBuf::from)).collect()
    }

    fn split(&self, list: &str, relative_to: &Path) -> Vec<PathBuf> {
        let paths = list.split(':').map(str::trim).filter(|path| !path.is_empty());
        let expand = |path: &str| match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => relative_to.join(path),
        };
        paths.map(expand).collect()
    }
}

/// The value of a key in the `[defaults]` section of an `ansible.cfg`; `collections_paths` is an old spelling.
fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let lines = text.lines().map(str::trim).skip_while(|line| *line != "[defaults]").skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key || name.trim().strip_suffix('s') == Some(key))
        .map(|(_, value)| value.trim())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_from_its_section_in_either_spelling() {
        let text = "[galaxy]\nroles_path = /no\n[defaults]\n# c = d\nroles_path = roles:/r\ncollections_paths=/c\n\
                    [ssh]\nx = y\n";
        assert_eq!(setting(text, "roles_path"), Some("roles:/r"));
        assert_eq!(setting(text, "collections_path"), Some("/c"));
        assert_eq!(setting(text, "x"), None);
    }
}
