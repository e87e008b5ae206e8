//! The directories of a root that contain content.

use std::path::{Path, PathBuf};

use super::Glob;

/// The places of content, relative to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The playbooks that are listed. `None` lists all that are not in a directory for something else. Others can still be
    /// requested by name.
    pub playbooks: Option<Vec<Glob>>,
    /// The directories that names of playbooks start at, first hit first.
    pub playbook_directories: Vec<PathBuf>,
    /// The directories with bundles.
    pub bundles: Vec<PathBuf>,
    /// The directories with scenarios.
    pub scenarios: Vec<PathBuf>,
    /// The inventories that are listed. `None` lists all. Others can still be requested by name.
    pub inventories: Option<Vec<Glob>>,
    /// The directories that names of inventories start at, first hit first.
    pub inventory_directories: Vec<PathBuf>,
}

/// The root itself, then the directory in which a repository has its playbooks.
const PLAYBOOKS: [&str; 2] = ["", "playbooks"];

impl Default for Places {
    /// Of a directory with playbooks, and of one with inventories.
    fn default() -> Self {
        let below = |name: &str| PLAYBOOKS.map(|top| Path::new(top).join(name)).to_vec();
        Self {
            playbooks: None,
            playbook_directories: PLAYBOOKS.map(PathBuf::from).to_vec(),
            bundles: below("bundles"),
            scenarios: below("scenarios"),
            inventories: None,
            inventory_directories: vec![PathBuf::new()],
        }
    }
}

/// The playbooks of a repository.
const USUAL_PLAYBOOKS: &[&str] = &["*.yml", "*.yaml", "playbooks/**/*.yml", "playbooks/**/*.yaml"];

/// The inventories of a repository; what is no inventory there is passed over.
const USUAL_INVENTORIES: &[&str] = &[
    "hosts",
    "hosts.*",
    "*.ini",
    "inventory",
    "inventory.*",
    "inventory/**",
    "inventories/**",
    "**/inventory",
    "**/inventory/**",
    "**/inventories/**",
];

impl Places {
    /// Of a repository, with playbooks at its top and in `playbooks/`, inventories in `inventory/` or `inventories/`.
    #[must_use]
    pub fn of_repository() -> Self {
        let globs = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        Self {
            playbooks: Some(globs(USUAL_PLAYBOOKS)),
            inventories: Some(globs(USUAL_INVENTORIES)),
            inventory_directories: ["", "inventory", "inventories"].map(PathBuf::from).to_vec(),
            ..Self::default()
        }
    }

    /// The directories that hold bundles or scenarios.
    pub(super) fn trees(&self) -> impl Iterator<Item = &Path> {
        self.bundles.iter().chain(&self.scenarios).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_pattern_is_one() {
        let places = Places::of_repository();
        assert_eq!(places.playbooks.map(|globs| globs.len()), Some(USUAL_PLAYBOOKS.len()));
        assert_eq!(places.inventories.map(|globs| globs.len()), Some(USUAL_INVENTORIES.len()));
    }
}
