//! `[paths]`: where content and state are.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Inputs, kind::Rule};

/// Valid entries of `paths.persistent`.
pub(super) const PERSISTENT_RULE: Rule =
    Rule { allowed: "names, or paths relative to a content root, without `..`", accepts: is_below_a_root };

fn is_below_a_root(path: &str) -> bool {
    let is_plain = |component| matches!(component, Component::Normal(_));
    !path.is_empty() && Path::new(path).components().all(is_plain)
}

/// `[paths]`: where content and state are. All are absolute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// The directory that relative paths start at.
    pub project_root: PathBuf,
    /// The local playbooks.
    pub playbooks: PathBuf,
    /// A second tree of playbooks.
    pub public_playbooks: Option<PathBuf>,
    /// The inventories.
    pub inventory: PathBuf,
    /// Directories outside of the content that links in it can point to.
    pub link_targets: Vec<PathBuf>,
    /// Paths in the content that are kept between runs.
    pub persistent: Vec<String>,
    /// What must survive a restart.
    pub state: PathBuf,
    /// Directory for the secrets of runs, if it is set: see [`Self::runtime`].
    pub runtime: Option<PathBuf>,
}

impl Paths {
    /// Where the secrets of runs and small private directories are: as set, otherwise [`ansible::runtime::default_directory`].
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.runtime.clone().unwrap_or_else(ansible::runtime::default_directory)
    }

    /// The default location of the encryption keys.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.state.join("secrets.key")
    }

    /// The directories that are searched for playbooks, bundles, and scenarios, in this order: the local one,
    /// `playbooks/` of the project, the public one. Reads the disk.
    ///
    /// The reference service's name for the local one is often set to the project around its `playbooks/`: a directory that
    /// has one, and nothing of Ansible beside it, stands for that. What v0 runs from the project is found there in any case.
    #[must_use]
    pub fn playbooks_roots(&self) -> Vec<PathBuf> {
        let inner = self.playbooks.join("playbooks");
        let is_around = inner.is_dir() && !is_content(&self.playbooks);
        let local = if is_around { inner } else { self.playbooks.clone() };
        let project = self.project_root.join("playbooks");
        let mut roots = vec![local];
        for root in [Some(&project), self.public_playbooks.as_ref()].into_iter().flatten() {
            if !roots.contains(root) {
                roots.push(root.clone());
            }
        }
        roots
    }

    pub(super) fn resolve(&mut self, inputs: &Inputs) {
        self.project_root = Base::of(inputs).absolute(&self.project_root);
        let base = self.base(inputs);
        for path in [&mut self.playbooks, &mut self.inventory, &mut self.state] {
            base.resolve(path);
        }
        self.link_targets.iter_mut().for_each(|path| base.resolve(path));
        for path in [&mut self.public_playbooks, &mut self.runtime] {
            base.resolve_option(path);
        }
    }

    /// Where the relative paths of other sections start.
    pub(super) fn base(&self, inputs: &Inputs) -> Base {
        Base { directory: self.project_root.clone(), ..Base::of(inputs) }
    }
}

/// What a directory has that is content for Ansible itself.
const CONTENT: &[&str] = &[
    "action_plugins",
    "ansible.cfg",
    "bundles",
    "callback_plugins",
    "collections",
    "connection_plugins",
    "filter_plugins",
    "group_vars",
    "host_vars",
    "library",
    "lookup_plugins",
    "module_utils",
    "roles",
    "scenarios",
];

/// Is it content, and not only around some?
fn is_content(directory: &Path) -> bool {
    CONTENT.iter().any(|name| directory.join(name).exists()) || content::catalog::has_playbook(directory)
}

/// Where relative paths start.
#[derive(Debug)]
pub(super) struct Base {
    directory: PathBuf,
    home: Option<PathBuf>,
}

impl Base {
    /// The working directory, which only the project root is relative to.
    pub(super) fn of(inputs: &Inputs) -> Self {
        let home = inputs.environment.raw("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        Self { directory: inputs.directory.clone(), home }
    }

    /// The absolute path, without `.` in it; `..` stays, because it may follow a link.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        let path = match (&self.home, path.strip_prefix("~")) {
            (Some(home), Ok(rest)) => home.join(rest),
            _ => path.to_owned(),
        };
        self.directory.join(path).components().collect()
    }

    pub(super) fn resolve(&self, path: &mut PathBuf) {
        *path = self.absolute(path);
    }

    pub(super) fn resolve_option(&self, path: &mut Option<PathBuf>) {
        if let Some(path) = path {
            self.resolve(path);
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_absolute() {
        let base = Base { directory: "/srv/lab".into(), home: Some("/home/ann".into()) };
        for (path, absolute) in [
            (".", "/srv/lab"),
            ("playbooks", "/srv/lab/playbooks"),
            ("./a/./b/", "/srv/lab/a/b"),
            ("../x", "/srv/lab/../x"),
            ("/etc/x", "/etc/x"),
            ("~/x", "/home/ann/x"),
            ("~ann/x", "/srv/lab/~ann/x"),
        ] {
            assert_eq!(base.absolute(Path::new(path)), Path::new(absolute), "{path}");
        }
    }
}
