//! `[projects.NAME]`: repositories whose content runs see as a whole.

use std::{collections::BTreeMap, path::PathBuf};

use content::catalog::{Glob, Places};
use model::{Inventories, ProjectName};
use serde::{Deserialize, Serialize};

use super::{
    Error, ansible as ansible_section,
    kind::{Key, Kind, NamedTables, Rule},
    paths::{self, Base},
};

/// `[projects.NAME]`: a repository.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    /// Its directory: where its runs are started.
    pub root: PathBuf,
    /// Patterns for its playbooks; empty takes the usual places.
    pub playbooks: Vec<String>,
    /// Its directories of bundles; empty takes the usual ones.
    pub bundles: Vec<PathBuf>,
    /// Its directories of scenarios; empty takes the usual ones.
    pub scenarios: Vec<PathBuf>,
    /// Patterns for its inventories; empty takes the usual places.
    pub inventories: Vec<String>,
    /// The inventories of requests that name none.
    pub default_inventory: Option<Inventories>,
    /// Directories outside of it that links can point to.
    pub link_targets: Vec<PathBuf>,
    /// What later runs find again.
    pub persistent: Vec<String>,
}

const PATTERNS: Rule = Rule {
    allowed: "patterns for paths below the root, such as `playbooks/**/*.yml`",
    accepts: |text| text.parse::<Glob>().is_ok(),
};

const INSIDE: Rule = Rule { allowed: "paths below the root, without `..`", accepts: is_inside };

/// `[projects.NAME]`.
pub(super) const TABLES: NamedTables = NamedTables {
    section: "projects",
    keys: PROJECT_KEYS,
    names: Rule {
        allowed: "lower-case letters, digits, `_` and `-`, a letter or digit first",
        accepts: |name| name.parse::<ProjectName>().is_ok(),
    },
    noun: "project",
};

const fn optional(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, optional: true }
}

/// Every key of a project, in the order of `config/default.toml`.
const PROJECT_KEYS: &[Key] = &[
    Key { name: "projects.root", kind: Kind::Path, optional: false },
    optional("projects.playbooks", Kind::List(PATTERNS)),
    optional("projects.bundles", Kind::List(INSIDE)),
    optional("projects.scenarios", Kind::List(INSIDE)),
    optional("projects.inventories", Kind::List(PATTERNS)),
    optional("projects.default_inventory", Kind::OneOrMore(ansible_section::INVENTORY_RULE)),
    optional("projects.link_targets", Kind::SearchPath),
    optional("projects.persistent", Kind::List(paths::PERSISTENT_RULE)),
];

fn is_inside(text: &str) -> bool {
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('\0');
    text.trim_end_matches('/').split('/').all(is_segment)
}

impl Project {
    pub(super) fn resolve(&mut self, base: &Base) {
        base.resolve(&mut self.root);
        self.link_targets.iter_mut().for_each(|path| base.resolve(path));
    }

    /// Where its content lies.
    pub(super) fn places(&self) -> Places {
        let usual = Places::of_repository();
        // What a setting accepts is a pattern.
        let globs = |texts: &[String], usual| match texts {
            [] => usual,
            texts => Some(texts.iter().filter_map(|text| text.parse().ok()).collect()),
        };
        let or = |given: &[PathBuf], usual| if given.is_empty() { usual } else { given.to_vec() };
        Places {
            playbooks: globs(&self.playbooks, usual.playbooks),
            bundles: or(&self.bundles, usual.bundles),
            scenarios: or(&self.scenarios, usual.scenarios),
            inventories: globs(&self.inventories, usual.inventories),
            ..usual
        }
    }
}

/// Every project has a root.
pub(super) fn check(projects: &BTreeMap<ProjectName, Project>) -> Result<(), Error> {
    match projects.iter().find(|(_, project)| project.root.as_os_str().is_empty()) {
        Some((name, _)) => Err(Error::NoRoot { name: name.to_string() }),
        None => Ok(()),
    }
}
